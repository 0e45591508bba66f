import type { CachedEvent } from '../kubernetes/cluster-cache.ts';
import type { CachedNode, CachedPod, CachedReplicaSet, ContainerState, ContainerStatus } from '../kubernetes/cached-objects.ts';
import { CLUSTER_NOT_READY } from '../kubernetes/cluster-errors.ts';
import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { classOfRefusal, type CauseClass } from './cause.ts';
import { killedByProbe, probeFault } from './probe-faults.ts';

/** One Deployment of a roll-out, as the cluster shows it. */
export interface RolloutView {
  /** The live object; undefined until the watch has brought it. */
  deployment: KubernetesObject | undefined;
  /** metadata.generation that the apply answered: an older object says nothing. */
  generation: number;
  /** Of its namespace; the ones that aren't its own are left out of account. */
  replicaSets: CachedReplicaSet[];
  pods: CachedPod[];
  events: CachedEvent[];
  /** Of the whole cluster. */
  nodes: CachedNode[];
  /** Milliseconds since the epoch. */
  now: number;
  /** The same, when the wait began: what lies before it is no fault of what is rolled out. */
  since: number;
  /** How often containers had ended when the wait began, by `<pod uid>/<container>`. */
  endedBefore: ReadonlyMap<string, number>;
}

/** What is wrong with it, without when. */
export interface Trouble {
  class: CauseClass;
  message: string;
  /** `Kind/name`; null where there is none. */
  object: string | null;
  /** The container whose last log lines belong to the message, if there is one. */
  log?: { pod: string; container: string; previous: boolean };
}

/**
 * How far a roll-out has come. `trouble` beside `progressing` is shown at once and is the cause if the deadline passes; beside
 * `failed` it is why waiting longer is useless. `still`: the deadline's clock stands still, for a node is at fault, or the control
 * plane, whose turn it is.
 */
export type Verdict =
  | { state: 'done' }
  | { state: 'progressing'; trouble: Trouble | null; still?: 'node' | 'control-plane' }
  | { state: 'failed'; trouble: Trouble };

/** A ReplicaSet that cannot create its pods has so long to get one through, in milliseconds. */
const FAILED_CREATE_GRACE = 5_000;

/** Waiting reasons that no waiting cures. */
const HOPELESS_IMAGE = new Set(['InvalidImageName', 'ErrImageNeverPull']);
const PULL_REASONS = new Set(['ErrImagePull', 'ImagePullBackOff', 'ErrImageInspect', 'RegistryUnavailable']);
/** What registries and runtimes say of an image that isn't there or isn't given to us. */
const HOPELESS_PULL =
  /not found|no such image|manifest unknown|does not exist|name unknown|denied|unauthorized|authorization failed|forbidden|invalid reference format/i;

/** A process that has just started may refuse its first probes: that is no trouble yet. Milliseconds. */
const PROBE_GRACE = 5_000;

/** A node that is not ready is expected back for so long, and a pod in place of an evicted one for so long. Milliseconds. */
const NODE_AWAY = 3_600_000;
const AFTER_EVICTION = 60_000;
/** Taints that a node gets by itself when it isn't well, in the scheduler's words. */
const TAINT_OF_AWAY = /node\.kubernetes\.io\/(?:not-ready|unreachable)/;
const TAINT_OF_PRESSURE = /node\.kubernetes\.io\/(?:memory|disk|pid)-pressure/;

/** How the kubelet's event of a failed pull begins. */
const FAILED_PULL = /^Failed to pull image "[^"]*": /;

interface DeploymentStatus {
  observedGeneration?: number;
  replicas?: number;
  updatedReplicas?: number;
  availableReplicas?: number;
}

const wantedOf = (deployment: KubernetesObject): number => (deployment.spec as { replicas?: number }).replicas ?? 1;

/** Whether a Deployment tells of itself that all its pods are up, and are of the newest kind. */
export function allUp(deployment: KubernetesObject): boolean {
  const wanted = wantedOf(deployment);
  const {
    observedGeneration = 0,
    replicas = 0,
    updatedReplicas = 0,
    availableReplicas = 0,
  } = (deployment.status ?? {}) as DeploymentStatus;
  const observed = observedGeneration >= (deployment.metadata.generation ?? 0);
  return observed && updatedReplicas === wanted && replicas === wanted && availableReplicas >= wanted;
}

/** Judges one Deployment: a pure function of what the cluster shows. */
export function verdict(view: RolloutView): Verdict {
  const { deployment } = view;
  if (!deployment || (deployment.metadata.generation ?? 0) < view.generation) return { state: 'progressing', trouble: null };
  if (((deployment.status as DeploymentStatus | undefined)?.observedGeneration ?? 0) < (deployment.metadata.generation ?? 0)) {
    return waitsFor(`the cluster's controllers have not seen the change yet`, `Deployment/${deployment.metadata.name}`);
  }
  const wanted = wantedOf(deployment);
  const own = view.replicaSets.filter((set) => set.owner === deployment.metadata.uid);
  if (allUp(deployment)) {
    return showsPods(own, view.pods, wanted) ? { state: 'done' } : { state: 'progressing', trouble: null };
  }

  const newest = own.reduce<CachedReplicaSet | undefined>((best, set) => (best && best.revision >= set.revision ? best : set), undefined);
  // the two come by separate watches: until both show the same roll-out, its pods aren't known
  const revision = Number(deployment.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0);
  if (newest?.revision !== revision) return { state: 'progressing', trouble: null };
  // what is only to end need not come up
  if (wanted === 0) return { state: 'progressing', trouble: null };
  const pods = view.pods.filter((pod) => pod.owner === newest.uid && pod.deleted === null);

  const refused = failedCreate(newest, pods, view);
  if (refused) return refused;
  let trouble: Trouble | null = null;
  for (const pod of pods) {
    const found = podVerdict(pod, view);
    if (found?.fails) return { state: 'failed', trouble: found.trouble };
    trouble ??= found?.trouble ?? null;
  }
  const node = nodeTrouble(newest, pods, view);
  if (node) return { state: 'progressing', trouble: node, still: 'node' };
  if (trouble) return { state: 'progressing', trouble };
  return controlPlanesTurn(deployment, newest, pods, view.now) ?? { state: 'progressing', trouble: null };
}

const waitsFor = (message: string, object: string): Verdict => ({
  state: 'progressing',
  trouble: { class: 'unreachable', message, object },
  still: 'control-plane',
});

/** What the pods of the newest ReplicaSet have no part in: to be created, to be given a node, to be counted. Null: it is their turn. */
function controlPlanesTurn(deployment: KubernetesObject, set: CachedReplicaSet, pods: CachedPod[], now: number): Verdict | null {
  if (pods.length < set.replicas) return waitsFor(`the cluster's controllers have not created all pods yet`, `ReplicaSet/${set.name}`);
  const unseen = pods.find(({ node, conditions }) => node === null && !conditions.some(({ type }) => type === 'PodScheduled'));
  if (unseen) return waitsFor('the scheduler has not looked at it yet', `Pod/${unseen.name}`);
  const { minReadySeconds = 0, paused } = deployment.spec as { minReadySeconds?: number; paused?: boolean };
  // by somebody's hand
  if (paused) return null;
  const available = ({ conditions }: CachedPod): boolean =>
    conditions.some(
      ({ type, status, lastTransitionTime }) =>
        type === 'Ready' && status === 'True' && now - Date.parse(lastTransitionTime ?? '') >= minReadySeconds * 1000,
    );
  return pods.filter(available).length >= set.replicas
    ? waitsFor(`the cluster's controllers have not counted the pods that are ready yet`, `Deployment/${deployment.metadata.name}`)
    : null;
}

/** What a node does to the pods of the newest ReplicaSet: none of the app's fault. Null: nothing. */
function nodeTrouble(set: CachedReplicaSet, pods: CachedPod[], { nodes, events, now }: RolloutView): Trouble | null {
  const away = new Set(nodes.filter(({ ready, since }) => !ready && now - Date.parse(since ?? '') < NODE_AWAY).map(({ name }) => name));
  for (const pod of pods) {
    const isTrue = (wanted: string): boolean => pod.conditions.some(({ type, status }) => type === wanted && status === 'True');
    if (pod.node !== null && away.has(pod.node) && !isTrue('Ready')) {
      return { class: 'node', message: `node ${pod.node} is not ready`, object: `Node/${pod.node}` };
    }
    const unfit = pod.conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'False')?.message ?? '';
    if ((away.size > 0 && TAINT_OF_AWAY.test(unfit)) || TAINT_OF_PRESSURE.test(unfit)) {
      return { class: 'node', message: unfit, object: `Pod/${pod.name}` };
    }
  }
  const prefix = `${set.name}-`;
  const evicted = newest(events.filter(({ kind, reason, name }) => kind === 'Pod' && reason === 'Evicted' && name.startsWith(prefix)));
  return evicted && now - Date.parse(evicted.last) < AFTER_EVICTION
    ? { class: 'node', message: `evicted: ${evicted.message}`, object: `Pod/${evicted.name}` }
    : null;
}

/**
 * Whether the pods are seen as the Deployment tells of them: so many that are ready, and no more that aren't leaving. They come by
 * another watch, and who is answered looks at them next.
 */
function showsPods(own: CachedReplicaSet[], all: CachedPod[], wanted: number): boolean {
  const sets = new Set(own.map(({ uid }) => uid));
  const ended = (pod: CachedPod): boolean => pod.phase === 'Succeeded' || pod.phase === 'Failed';
  const pods = all.filter((pod) => pod.owner !== null && sets.has(pod.owner) && pod.deleted === null && !ended(pod));
  const ready = pods.filter(({ conditions }) => conditions.some(({ type, status }) => type === 'Ready' && status === 'True'));
  return pods.length <= wanted && ready.length >= wanted;
}

function failedCreate(set: CachedReplicaSet, pods: CachedPod[], { now, since: began }: RolloutView): Verdict | null {
  const condition = set.conditions.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  if (!condition || pods.length >= set.replicas) return null;
  const message = condition.message ?? 'pods cannot be created';
  const trouble: Trouble = { class: classOfRefusal(message), message, object: `ReplicaSet/${set.name}` };
  const since = Math.max(began, Date.parse(condition.lastTransitionTime ?? set.created));
  const forGood = / is (forbidden|invalid): /.test(message) && !CLUSTER_NOT_READY.test(message);
  // some pods came through: the rest may follow, for instance when old ones have gone
  const fails = forGood && pods.length === 0 && now - since >= FAILED_CREATE_GRACE;
  return fails ? { state: 'failed', trouble } : { state: 'progressing', trouble };
}

/** What keeps one pod from running, and whether waiting longer is useless; null: nothing that shows. */
export function podVerdict(
  pod: CachedPod,
  { events, endedBefore, now }: Pick<RolloutView, 'events' | 'endedBefore' | 'now'>,
): { fails: boolean; trouble: Trouble } | null {
  // an evicted pod is replaced; its node is at fault, not the app
  if (pod.reason === 'Evicted' || pod.reason === 'NodeLost' || pod.reason === 'Shutdown') return null;
  for (const container of pod.containers) {
    const found = containerVerdict(pod, container, events, endedBefore.get(`${pod.uid}/${container.name}`) ?? 0);
    if (found) return found;
  }
  const object = `Pod/${pod.name}`;
  const scheduled = pod.conditions.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
    return { fails: false, trouble: { class: 'unschedulable', message: scheduled.message ?? 'no node fits', object } };
  }
  const own = events.filter((event) => event.uid === pod.uid);
  const mount = newest(own.filter(({ reason }) => reason === 'FailedMount'));
  if (mount && pod.phase === 'Pending') {
    const missing = /(secret|configmap) .*not found|references non-existent/.test(mount.message);
    return { fails: missing, trouble: { class: 'missing-object', message: mount.message, object } };
  }
  const unready =
    pod.phase === 'Running' && pod.containers.some(({ ready, state }) => !ready && runsFor(state?.running, now) >= PROBE_GRACE);
  const unhealthy = probeFault(own);
  if (unready && unhealthy) return { fails: false, trouble: { class: 'probe', message: unhealthy, object } };
  return null;
}

function containerVerdict(
  pod: CachedPod,
  container: ContainerStatus,
  events: CachedEvent[],
  endedBefore: number,
): { fails: boolean; trouble: Trouble } | null {
  const object = `Pod/${pod.name}`;
  const waiting = container.state?.waiting;
  const reason = waiting?.reason ?? '';
  const message = waiting?.message ?? reason;
  if (HOPELESS_IMAGE.has(reason)) return { fails: true, trouble: { class: 'image', message: `${reason}: ${message}`, object } };
  if (PULL_REASONS.has(reason)) {
    // while the kubelet backs off, only the event still says what the registry said
    const failed = newest(events.filter((event) => event.uid === pod.uid && event.reason === 'Failed' && FAILED_PULL.test(event.message)));
    const why = reason === 'ImagePullBackOff' && failed ? failed.message.replace(FAILED_PULL, 'ErrImagePull: ') : `${reason}: ${message}`;
    return { fails: HOPELESS_PULL.test(why), trouble: { class: 'image', message: why, object } };
  }
  if (reason === 'CreateContainerConfigError') {
    const missing = /not found|couldn't find key/.test(message);
    return { fails: missing, trouble: { class: 'missing-object', message: `${reason}: ${message}`, object } };
  }
  const current = container.state?.terminated;
  const last = current ?? container.lastState?.terminated;
  if (!last) {
    return reason === 'CreateContainerError' || reason === 'RunContainerError'
      ? { fails: false, trouble: { class: 'crash', message: `${reason}: ${message}`, object } }
      : null;
  }
  const ends = endsOf(container);
  if (container.ready) return null;
  const own = events.filter((event) => event.uid === pod.uid);
  const { class: cause, words } = howItEnded(last, own);
  const trouble: Trouble = {
    class: cause,
    message: `process ${words} (${String(ends)} ${ends === 1 ? 'time' : 'times'})`,
    object,
    log: { pod: pod.name, container: container.name, previous: current === undefined },
  };
  return { fails: ends - endedBefore >= 2, trouble };
}

const newest = (events: CachedEvent[]): CachedEvent | undefined =>
  events.reduce<CachedEvent | undefined>((best, event) => (best && best.last >= event.last ? best : event), undefined);

function howItEnded(
  last: NonNullable<ContainerState['terminated']>,
  events: CachedEvent[],
): { class: 'out-of-memory' | 'crash' | 'probe'; words: string } {
  if (last.reason === 'OOMKilled') return { class: 'out-of-memory', words: 'was killed: out of memory' };
  if (last.reason === 'StartError' || last.reason === 'ContainerCannotRun') {
    return { class: 'crash', words: `cannot start: ${last.message ?? 'no reason given'}` };
  }
  const probe = killedByProbe(last, events);
  return probe
    ? { class: 'probe', words: `was stopped with exit code ${String(last.exitCode)}: ${probe}` }
    : { class: 'crash', words: `exited with code ${String(last.exitCode)}` };
}

function runsFor(running: { startedAt?: string } | undefined, now: number): number {
  return running ? now - Date.parse(running.startedAt ?? '') : -1;
}

/** How often a container has ended. The kubelet counts an end when it starts the container again: neither before nor while it backs off. */
export const endsOf = ({ restartCount, state }: ContainerStatus): number =>
  restartCount + (state?.terminated || state?.waiting?.reason === 'CrashLoopBackOff' ? 1 : 0);

/** How a roll-out is timed. */
export interface DeadlineInput {
  /** Seconds a batch may take, before the probes' delays. */
  timeout: number;
  /** Pods wanted, and how many are replaced at a time. */
  replicas: number;
  steps: number;
  /** initialDelaySeconds of the probes that there are; undefined where a probe names none. */
  probeDelays: (number | undefined)[];
  /** Seconds for which a pod has to be ready. */
  minReady: number;
}

/** A probe that names no delay is given this, in seconds, as the platform's older controllers do. */
const DEFAULT_PROBE_DELAY = 50;

/** Seconds until a roll-out that doesn't come up has failed. */
export function deadline({ timeout, replicas, steps, probeDelays, minReady }: DeadlineInput): number {
  const delay = Math.max(0, ...probeDelays.map((seconds) => seconds ?? DEFAULT_PROBE_DELAY));
  const batches = replicas < steps ? 1 : Math.ceil(replicas / Math.max(1, steps));
  return Math.max(1, batches) * (timeout + delay + minReady);
}
