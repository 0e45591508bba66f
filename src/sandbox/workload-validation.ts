import type { IDeployment, IReplicaSet } from 'kubernetes-models/apps/v1';
import { isDeepStrictEqual } from 'node:util';
import type { FieldFault } from './api-error.ts';
import { atLeastZero, forbiddenField, formatted, invalidPrinted, invalidValue, oneOf, printedMap, required } from './field-faults.ts';
import { labelValue, qualifiedName } from './name-formats.ts';
import { podSpecFaults } from './pod-validation.ts';
import { matches, type LabelSelector } from './selectors.ts';

export const labelFaults = (at: string, labels: Record<string, string>): FieldFault[] =>
  Object.entries(labels).flatMap(([key, value]) => [...formatted(at, key, qualifiedName), ...formatted(at, value, labelValue)]);

export function deploymentFaults(spec: NonNullable<IDeployment['spec']>): FieldFault[] {
  const { type, rollingUpdate } = spec.strategy ?? {};
  const { minReadySeconds = 0, progressDeadlineSeconds } = spec;
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate ?? {};
  const restarts = spec.template.spec?.restartPolicy;
  return [
    ...atLeastZero('spec.replicas', spec.replicas),
    ...workloadFaults(spec.selector, spec.template),
    ...oneOf('spec.template.spec.restartPolicy', ['OnFailure', 'Never'].includes(restarts ?? '') ? restarts : undefined, ['Always']),
    ...oneOf('spec.strategy.type', type, ['Recreate', 'RollingUpdate']),
    ...(type === 'Recreate' && rollingUpdate
      ? [forbiddenField('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'")]
      : []),
    ...shareFaults('spec.strategy.rollingUpdate.maxUnavailable', maxUnavailable),
    ...shareFaults('spec.strategy.rollingUpdate.maxSurge', maxSurge),
    ...(rollingUpdate && Number.parseInt(String(maxUnavailable)) === 0 && Number.parseInt(String(maxSurge)) === 0
      ? [invalidPrinted('spec.strategy.rollingUpdate.maxUnavailable', printedShare(maxUnavailable), 'may not be 0 when `maxSurge` is 0')]
      : []),
    ...atLeastZero('spec.minReadySeconds', spec.minReadySeconds),
    ...atLeastZero('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    ...atLeastZero('spec.progressDeadlineSeconds', progressDeadlineSeconds),
    ...(progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds
      ? [invalidValue('spec.progressDeadlineSeconds', progressDeadlineSeconds, 'must be greater than minReadySeconds')]
      : []),
  ];
}

export function replicaSetFaults(spec: NonNullable<IReplicaSet['spec']>): FieldFault[] {
  return [
    ...atLeastZero('spec.replicas', spec.replicas),
    ...workloadFaults(spec.selector, spec.template),
    ...atLeastZero('spec.minReadySeconds', spec.minReadySeconds),
  ];
}

const printedShare = (share: string | number): string =>
  typeof share === 'number'
    ? `intstr.IntOrString{Type:0, IntVal:${share}, StrVal:""}`
    : `intstr.IntOrString{Type:1, IntVal:0, StrVal:${JSON.stringify(share)}}`;

function shareFaults(at: string, share: string | number): FieldFault[] {
  if (typeof share === 'number') return atLeastZero(at, share);
  if (/^\d+%$/.test(share)) return [];
  const words =
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
  return [invalidPrinted(at, printedShare(share), words)];
}

type PodTemplate = NonNullable<IReplicaSet['spec']>['template'];

/** The part that Deployments and ReplicaSets share. */
function workloadFaults(selector: LabelSelector | undefined, template: PodTemplate | undefined): FieldFault[] {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  const labels = template?.metadata?.labels;
  const isEmpty = Object.keys(matchLabels).length + matchExpressions.length === 0;
  return [
    ...(selector ? labelFaults('spec.selector.matchLabels', matchLabels) : [required('spec.selector')]),
    ...(selector && isEmpty
      ? [invalidPrinted('spec.selector', printedSelector(selector), 'empty selector is invalid for deployment')]
      : []),
    ...(selector && (isEmpty || matches(selector, labels))
      ? []
      : [invalidPrinted('spec.template.metadata.labels', printedMap(labels), '`selector` does not match template `labels`')]),
    ...labelFaults('spec.template.labels', labels ?? {}),
    ...podSpecFaults(template?.spec ?? { containers: [] }, 'spec.template.spec'),
  ];
}

const printedSelector = ({ matchLabels, matchExpressions }: LabelSelector): string =>
  `v1.LabelSelector{MatchLabels:${printedMap(matchLabels)}, MatchExpressions:${
    matchExpressions ? `[]v1.LabelSelectorRequirement${JSON.stringify(matchExpressions)}` : '[]v1.LabelSelectorRequirement(nil)'
  }}`;

/** The selector of a Deployment or ReplicaSet is fixed. */
export const selectorFaults = (selector: LabelSelector | undefined, before: LabelSelector | undefined): FieldFault[] =>
  isDeepStrictEqual(selector, before) ? [] : [invalidPrinted('spec.selector', printedSelector(selector ?? {}), 'field is immutable')];
