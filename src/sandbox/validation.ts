import type { IDeployment, IReplicaSet } from 'kubernetes-models/apps/v1';
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v1';
import type { IIngress, INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import type { IRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import type { IConfigMap, IPod, IResourceQuota, ISecret, IService } from 'kubernetes-models/v1';
import { isDeepStrictEqual } from 'node:util';
import { invalid, type FieldFault } from './api-error.ts';
import {
  duplicate,
  forbiddenField,
  formatted,
  invalidPrinted,
  invalidValue,
  oneOf,
  repeatedNames,
  required,
  tooLong,
} from './field-faults.ts';
import {
  configKey,
  dns1035Label,
  dnsLabel,
  dnsSubdomain,
  pathSegment,
  qualifiedName,
  wildcardSubdomain,
  type Format,
} from './name-formats.ts';
import { podSpecFaults, portFaults, portNumberFaults } from './pod-validation.ts';
import { nano } from './quantity.ts';
import type { Resource } from './resources.ts';
import type { StoredMetadata, StoredObject } from './stored-object.ts';
import { networkPolicyFaults } from './network-policy-validation.ts';
import { deploymentFaults, labelFaults, replicaSetFaults, selectorFaults } from './workload-validation.ts';

/** Everything that is wrong with an object by itself and, on an update, against the one it replaces. Throws ApiError 422 naming it all. */
export function validate(type: Resource, object: StoredObject, current?: StoredObject): void {
  const faults = [
    ...metadataFaults(type, object.metadata, current?.metadata),
    ...(specific[type.plural]?.(object as never) ?? []),
    ...(current ? (fixed[type.plural]?.(object as never, current as never) ?? []) : []),
  ];
  if (faults.length) throw invalid(type.kind, type.group, object.metadata.name, faults);
}

const nameFormats: Record<string, Format> = { namespaces: dnsLabel, services: dns1035Label, rolebindings: pathSegment };

/** All annotations of an object together, in bytes. */
const annotationsLimit = 256 * 1024;

function metadataFaults(type: Resource, metadata: StoredMetadata, current?: StoredMetadata): FieldFault[] {
  const { name, labels = {}, annotations = {}, uid } = metadata;
  const size = Object.entries(annotations).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  const named = name
    ? formatted('metadata.name', name, nameFormats[type.plural] ?? dnsSubdomain)
    : [required('metadata.name', 'name or generateName is required')];
  return [
    ...(current ? [] : named),
    ...labelFaults('metadata.labels', labels),
    ...Object.keys(annotations).flatMap((key) => formatted('metadata.annotations', key.toLowerCase(), qualifiedName)),
    ...(size > annotationsLimit ? [tooLong('metadata.annotations', annotationsLimit)] : []),
    ...(current && uid !== current.uid ? [invalidValue('metadata.uid', uid, 'field is immutable')] : []),
    ...(metadata.ownerReferences ?? []).flatMap((owner, index) =>
      (['apiVersion', 'kind', 'name', 'uid'] as const)
        .filter((field) => !owner[field])
        .map((field) =>
          invalidValue(
            `metadata.ownerReferences[${index}].${field}`,
            '',
            `${field === 'apiVersion' ? 'version' : field} must not be empty`,
          ),
        ),
    ),
  ];
}

const specific: Record<string, (object: never) => FieldFault[]> = {
  configmaps: ({ data = {}, binaryData = {} }: IConfigMap) => [
    ...Object.keys(data).flatMap((key) => formatted(`data[${key}]`, key, configKey)),
    ...Object.keys(binaryData).flatMap((key) => formatted(`binaryData[${key}]`, key, configKey)),
    ...(sizeOf(Object.values(data)) + sizeOf(Object.values(binaryData), 'base64') > dataLimit ? [tooLong('', dataLimit)] : []),
  ],
  deployments: ({ spec }: IDeployment) => (spec ? deploymentFaults(spec) : []),
  horizontalpodautoscalers: ({ spec }: IHorizontalPodAutoscaler) => (spec ? autoscalerFaults(spec) : []),
  ingresses: ({ spec }: IIngress) => ingressFaults(spec ?? {}),
  networkpolicies: ({ spec }: INetworkPolicy) => (spec ? networkPolicyFaults(spec) : []),
  pods: ({ spec }: IPod) => podSpecFaults(spec ?? { containers: [] }, 'spec'),
  replicasets: ({ spec }: IReplicaSet) => (spec ? replicaSetFaults(spec) : []),
  resourcequotas: ({ spec }: IResourceQuota) =>
    Object.entries(spec?.hard ?? {}).flatMap(([name, amount]) => [
      ...formatted(`spec.hard[${name}]`, name, qualifiedName),
      ...(nano(amount) < 0n ? [invalidValue(`spec.hard[${name}]`, String(amount), 'must be greater than or equal to 0')] : []),
    ]),
  rolebindings: ({ roleRef, subjects = [] }: IRoleBinding) => [
    ...oneOf('roleRef.kind', roleRef.kind, ['Role', 'ClusterRole']),
    ...(roleRef.name ? [] : [required('roleRef.name')]),
    ...subjects.flatMap((subject, index) => [
      ...oneOf(`subjects[${index}].kind`, subject.kind, ['ServiceAccount', 'User', 'Group']),
      ...(subject.name ? [] : [required(`subjects[${index}].name`)]),
    ]),
  ],
  secrets: (secret: ISecret) => secretFaults(secret),
  services: ({ spec }: IService) => (spec ? serviceFaults(spec) : []),
};

/** As Go prints one, and with it Kubernetes 1.20. */
const goRoleRef = ({ apiGroup, kind, name }: IRoleBinding['roleRef']): string =>
  `rbac.RoleRef{APIGroup:${JSON.stringify(apiGroup)}, Kind:${JSON.stringify(kind)}, Name:${JSON.stringify(name)}}`;

/** What may not change any more. */
const fixed: Record<string, (object: never, current: never) => FieldFault[]> = {
  configmaps: (object: IConfigMap, current: IConfigMap) => immutableDataFaults(object, current),
  deployments: (object: IDeployment, current: IDeployment) => selectorFaults(object.spec?.selector, current.spec?.selector),
  pods: ({ spec }: IPod, { spec: before }: IPod) => podChangeFaults(spec, before),
  replicasets: (object: IReplicaSet, current: IReplicaSet) => selectorFaults(object.spec?.selector, current.spec?.selector),
  rolebindings: ({ roleRef }: IRoleBinding, current: IRoleBinding) =>
    isDeepStrictEqual(roleRef, current.roleRef) ? [] : [invalidPrinted('roleRef', goRoleRef(roleRef), 'cannot change roleRef')],
  secrets: (object: ISecret, current: ISecret) => [
    ...(object.type === current.type ? [] : [invalidValue('type', object.type, 'field is immutable')]),
    ...immutableDataFaults(object, current),
  ],
  services: ({ spec }: IService, { spec: before }: IService) =>
    before?.clusterIP && spec?.type !== 'ExternalName' && before.type !== 'ExternalName' && spec?.clusterIP !== before.clusterIP
      ? [invalidPrinted('spec.clusterIPs[0]', `[]string{${JSON.stringify(spec?.clusterIP)}}`, 'may not change once set')]
      : [],
};

/** All data of a Secret or a ConfigMap together, in bytes. */
const dataLimit = 1024 * 1024;

const sizeOf = (values: string[], encoding: 'utf8' | 'base64' = 'utf8'): number =>
  values.reduce((sum, value) => sum + Buffer.byteLength(value, encoding), 0);

function immutableDataFaults(object: IConfigMap | ISecret, current: IConfigMap | ISecret): FieldFault[] {
  if (!current.immutable) return [];
  const words = 'field is immutable when `immutable` is set';
  const binary = 'binaryData' in object || 'binaryData' in current;
  return [
    ...(object.immutable ? [] : [forbiddenField('immutable', words)]),
    ...(isDeepStrictEqual(object.data, current.data) ? [] : [forbiddenField('data', words)]),
    ...(binary && !isDeepStrictEqual((object as IConfigMap).binaryData, (current as IConfigMap).binaryData)
      ? [forbiddenField('binaryData', words)]
      : []),
  ];
}

/** A pod's spec is fixed but for its images, its deadline, more tolerations, and the node that the scheduler gives it. */
function podChangeFaults(spec: IPod['spec'], before: IPod['spec']): FieldFault[] {
  const rest = (of: IPod['spec']): unknown =>
    of && {
      ...of,
      containers: of.containers.map(({ image: _, ...container }) => container),
      initContainers: of.initContainers?.map(({ image: _, ...container }) => container),
      activeDeadlineSeconds: undefined,
      tolerations: undefined,
      nodeName: before?.nodeName ? of.nodeName : undefined,
    };
  if (isDeepStrictEqual(rest(spec), rest(before))) return [];
  const words =
    'pod updates may not change fields other than `spec.containers[*].image`, `spec.initContainers[*].image`, `spec.activeDeadlineSeconds` or `spec.tolerations` (only additions to existing tolerations)';
  return [forbiddenField('spec', words)];
}

function autoscalerFaults({ minReplicas = 1, maxReplicas, scaleTargetRef }: NonNullable<IHorizontalPodAutoscaler['spec']>): FieldFault[] {
  return [
    ...(minReplicas < 1 ? [invalidValue('spec.minReplicas', minReplicas, 'must be greater than or equal to 1')] : []),
    ...(maxReplicas < 1 ? [invalidValue('spec.maxReplicas', maxReplicas, 'must be greater than 0')] : []),
    ...(maxReplicas < minReplicas ? [invalidValue('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`')] : []),
    ...(scaleTargetRef.kind ? [] : [required('spec.scaleTargetRef.kind')]),
    ...(scaleTargetRef.name ? [] : [required('spec.scaleTargetRef.name')]),
  ];
}

type Backend = NonNullable<NonNullable<IIngress['spec']>['defaultBackend']>;

function ingressFaults({ defaultBackend, rules = [], tls = [] }: NonNullable<IIngress['spec']>): FieldFault[] {
  return [
    ...(rules.length || defaultBackend
      ? []
      : [invalidPrinted('spec', '[]networking.IngressRule(nil)', 'either `defaultBackend` or `rules` must be specified')]),
    ...tls.flatMap(({ hosts = [] }, index) => hosts.flatMap((host, at) => hostFaults(`spec.tls[${index}].hosts[${at}]`, host))),
    ...rules.flatMap(({ host, http }, index) => {
      const at = `spec.rules[${index}]`;
      return [
        ...(host ? hostFaults(`${at}.host`, host) : []),
        ...(http && !http.paths.length ? [required(`${at}.http.paths`)] : []),
        ...(http?.paths ?? []).flatMap((path, number) => pathFaults(path, `${at}.http.paths[${number}]`)),
      ];
    }),
    ...(defaultBackend ? backendFaults('spec.defaultBackend', defaultBackend) : []),
  ];
}

function hostFaults(at: string, host: string): FieldFault[] {
  const ip = /^\d+\.\d+\.\d+\.\d+$/.test(host) ? [invalidValue(at, host, 'must be a DNS name, not an IP address')] : [];
  return [...ip, ...formatted(at, host, host.includes('*') ? wildcardSubdomain : dnsSubdomain)];
}

function pathFaults({ path = '', pathType, backend }: { path?: string; pathType?: string; backend: Backend }, at: string): FieldFault[] {
  if (!pathType) return [required(`${at}.pathType`, 'pathType must be specified')];
  const mustBeAbsolute = pathType !== 'ImplementationSpecific' || path !== '';
  return [
    ...oneOf(`${at}.pathType`, pathType, ['Exact', 'ImplementationSpecific', 'Prefix']),
    ...(mustBeAbsolute && !path.startsWith('/') ? [invalidValue(`${at}.path`, path, 'must be an absolute path')] : []),
    ...backendFaults(`${at}.backend`, backend),
  ];
}

function backendFaults(at: string, { service, resource }: Backend): FieldFault[] {
  if (resource) return [];
  if (!service) return [required(`${at}.name`)];
  const { number, name } = service.port ?? {};
  return [
    ...(service.name ? formatted(`${at}.service.name`, service.name, dns1035Label) : [required(`${at}.service.name`)]),
    ...(number === undefined && !name ? [required(at, 'port name or number is required')] : []),
    ...(number === undefined ? [] : portNumberFaults(`${at}.service.port.number`, number)),
  ];
}

function secretFaults({ data = {}, type, metadata }: ISecret): FieldFault[] {
  const needed: Record<string, string[]> = {
    'kubernetes.io/dockercfg': ['.dockercfg'],
    'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
    'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  };
  const keys = needed[type ?? ''] ?? [];
  const account = 'kubernetes.io/service-account.name';
  return [
    ...Object.keys(data).flatMap((key) => formatted(`data[${key}]`, key, configKey)),
    ...(sizeOf(Object.values(data), 'base64') > dataLimit ? [tooLong('data', dataLimit)] : []),
    ...keys.filter((key) => data[key] === undefined).map((key) => required(`data[${key}]`)),
    ...keys
      .filter((key) => key.startsWith('.docker') && data[key] !== undefined && !isJson(data[key]))
      .map((key) => invalidPrinted(`data[${key}]`, '"<secret contents redacted>"', 'it is not JSON')),
    ...(type === 'kubernetes.io/service-account-token' && !metadata?.annotations?.[account]
      ? [required(`metadata.annotations[${account}]`)]
      : []),
  ];
}

function isJson(base64: string): boolean {
  try {
    JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

function serviceFaults(spec: NonNullable<IService['spec']>): FieldFault[] {
  const { ports = [], type, clusterIP } = spec;
  const isHeadless = clusterIP === 'None';
  return [
    ...(ports.length || isHeadless || type === 'ExternalName' ? [] : [required('spec.ports')]),
    ...(type === 'ExternalName' && !spec.externalName ? [required('spec.externalName')] : []),
    ...ports.flatMap((port, index) => {
      const at = `spec.ports[${index}]`;
      return [
        ...(port.name ? formatted(`${at}.name`, port.name, dnsLabel) : ports.length > 1 ? [required(`${at}.name`)] : []),
        ...portNumberFaults(`${at}.port`, port.port),
        ...oneOf(`${at}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']),
        ...portFaults(`${at}.targetPort`, port.targetPort ?? port.port),
      ];
    }),
    ...repeatedNames('spec.ports', ports),
    ...labelFaults('spec.selector', spec.selector ?? {}),
    ...oneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None']),
    ...oneOf('spec.type', type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']),
    ...ports.flatMap((port, index) => {
      const first = ports.findIndex((each) => each.port === port.port && each.protocol === port.protocol);
      return first === index ? [] : [duplicate(`spec.ports[${index}]`, { protocol: port.protocol, port: port.port })];
    }),
  ];
}
