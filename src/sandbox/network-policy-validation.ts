import type { INetworkPolicySpec } from 'kubernetes-models/networking.k8s.io/v1';
import type { FieldFault } from './api-error.ts';
import { forbiddenField, formatted, invalidPrinted, notSupported, oneOf, required } from './field-faults.ts';
import { qualifiedName } from './name-formats.ts';
import { portFaults } from './pod-validation.ts';
import type { LabelSelector } from './selectors.ts';
import { labelFaults } from './workload-validation.ts';

type IngressRule = NonNullable<INetworkPolicySpec['ingress']>[number];
type Peer = NonNullable<IngressRule['from']>[number];
type Port = NonNullable<IngressRule['ports']>[number];

const types = ['Ingress', 'Egress'];

export function networkPolicyFaults({ podSelector, ingress = [], egress = [], policyTypes = [] }: INetworkPolicySpec): FieldFault[] {
  return [
    ...labelSelectorFaults('spec.podSelector', podSelector),
    ...ingress.flatMap(({ from, ports }, index) => ruleFaults(`spec.ingress[${index}]`, 'from', from, ports)),
    ...egress.flatMap(({ to, ports }, index) => ruleFaults(`spec.egress[${index}]`, 'to', to, ports)),
    ...(policyTypes.length > 2
      ? [invalidPrinted('spec.policyTypes', JSON.stringify(policyTypes), 'may not specify more than two policyTypes')]
      : policyTypes
          .map((type, index) => ({ type, index }))
          .filter(({ type }) => !types.includes(type))
          .map(({ type, index }) => notSupported(`spec.policyTypes[${index}]`, type, types))),
  ];
}

const ruleFaults = (at: string, side: string, peers: Peer[] = [], ports: Port[] = []): FieldFault[] => [
  ...ports.flatMap(({ protocol, port }, index) => [
    ...oneOf(`${at}.ports[${index}].protocol`, protocol, ['SCTP', 'TCP', 'UDP']),
    ...(port === undefined ? [] : portFaults(`${at}.ports[${index}].port`, port)),
  ]),
  ...peers.flatMap((peer, index) => peerFaults(`${at}.${side}[${index}]`, peer)),
];

function peerFaults(at: string, { podSelector, namespaceSelector, ipBlock }: Peer): FieldFault[] {
  const selects = podSelector !== undefined || namespaceSelector !== undefined;
  return [
    ...(selects || ipBlock ? [] : [required(at, 'must specify a peer')]),
    ...(selects && ipBlock ? [forbiddenField(at, 'may not specify both ipBlock and another peer')] : []),
    ...(podSelector ? labelSelectorFaults(`${at}.podSelector`, podSelector) : []),
    ...(namespaceSelector ? labelSelectorFaults(`${at}.namespaceSelector`, namespaceSelector) : []),
    ...(ipBlock && !ipBlock.cidr ? [required(`${at}.ipBlock.cidr`)] : []),
  ];
}

function labelSelectorFaults(at: string, { matchLabels = {}, matchExpressions = [] }: LabelSelector): FieldFault[] {
  return [
    ...labelFaults(`${at}.matchLabels`, matchLabels),
    ...matchExpressions.flatMap(({ key, operator, values = [] }, index) => {
      const field = `${at}.matchExpressions[${index}]`;
      const listed = operator === 'In' || operator === 'NotIn';
      return [
        ...(listed && values.length === 0 ? [required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'")] : []),
        ...(!listed && values.length > 0
          ? [forbiddenField(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
          : []),
        ...(['In', 'NotIn', 'Exists', 'DoesNotExist'].includes(operator)
          ? []
          : [invalidPrinted(`${field}.operator`, JSON.stringify(operator), 'not a valid selector operator')]),
        ...formatted(`${field}.key`, key, qualifiedName),
      ];
    }),
  ];
}
