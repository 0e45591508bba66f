import { timestamp } from '../stored-object.ts';
import type { ContainerStatus, Pod, PodStatus } from './objects.ts';

type Conditions = NonNullable<PodStatus['conditions']>;

/** What the kubelet knows of a pod. */
export interface Observed {
  containers: ContainerStatus[];
  startTime: string;
  hostIP: string;
  /** Once its network is there. */
  podIP?: string;
  /** Why the node ended the pod, if it did: the phase is Failed then. */
  ended?: { reason: string; message: string };
}

/** A pod's status as the kubelet writes it. Pure. */
export function podStatusOf(pod: Pod, { containers, startTime, hostIP, podIP, ended }: Observed): PodStatus {
  const phase = ended ? 'Failed' : phaseOf(pod.spec.restartPolicy ?? 'Always', containers);
  return {
    phase,
    ...ended,
    conditions: conditionsOf(pod, phase, containers),
    hostIP,
    podIP,
    podIPs: podIP ? [{ ip: podIP }] : undefined,
    startTime,
    containerStatuses: containers,
    qosClass: qosClassOf(pod.spec),
  };
}

export function phaseOf(restartPolicy: string, containers: ContainerStatus[]): PodStatus['phase'] {
  const waiting = containers.filter(({ state, lastState }) => state?.waiting && !lastState?.terminated);
  const running = containers.filter(({ state }) => state?.running);
  const exits = containers
    .filter(({ state }) => !state?.running)
    .map(({ state, lastState }) => (state?.terminated ?? lastState?.terminated)?.exitCode);
  if (waiting.length > 0) return 'Pending';
  if (running.length > 0 || restartPolicy === 'Always') return 'Running';
  if (exits.every((code) => code === 0)) return 'Succeeded';
  return restartPolicy === 'Never' ? 'Failed' : 'Running';
}

function conditionsOf(pod: Pod, phase: PodStatus['phase'], containers: ContainerStatus[]): Conditions {
  const unready = containers.filter(({ ready }) => !ready).map(({ name }) => name);
  const completed = phase === 'Succeeded' ? { reason: 'PodCompleted' } : {};
  const readiness =
    phase === 'Succeeded'
      ? { status: 'False', reason: 'PodCompleted' }
      : unready.length > 0
        ? { status: 'False', reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` }
        : { status: 'True' };
  const before = pod.status?.conditions ?? [];
  return [
    condition(before, 'Initialized', { status: 'True', ...completed }),
    condition(before, 'Ready', readiness),
    condition(before, 'ContainersReady', readiness),
    ...before.filter(({ type }) => !['Initialized', 'Ready', 'ContainersReady'].includes(type)),
  ];
}

function condition(before: Conditions, type: string, said: { status: string; reason?: string; message?: string }): Conditions[number] {
  const present = before.find((each) => each.type === type);
  const lastTransitionTime = present?.status === said.status ? present.lastTransitionTime : timestamp();
  // JSON null, as the API has it: the kubelet never sets the time of a probe.
  return { type, ...said, lastProbeTime: null as unknown as undefined, lastTransitionTime };
}

/** Guaranteed, Burstable or BestEffort: by the requests and limits of cpu and memory. */
export function qosClassOf(spec: Pod['spec']): PodStatus['qosClass'] {
  const parts = spec.containers.flatMap(({ resources }) =>
    ['cpu', 'memory'].map((name) => ({
      limit: resources?.limits?.[name],
      request: resources?.requests?.[name] ?? resources?.limits?.[name],
    })),
  );
  if (parts.every(({ limit, request }) => limit === undefined && request === undefined)) return 'BestEffort';
  return parts.every(({ limit, request }) => limit !== undefined && String(limit) === String(request)) ? 'Guaranteed' : 'Burstable';
}
