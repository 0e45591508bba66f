import { ApiError } from '../api-error.ts';
import type { Change, Store } from '../store.ts';
import { timestamp } from '../stored-object.ts';
import type { EventRecorder } from './event-recorder.ts';
import {
  availableIn,
  controllerOf,
  controllerReference,
  hasEnded,
  isActive,
  isControlledBy,
  isReady,
  unlessZero,
  withCondition,
  withoutCondition,
  type New,
  type Pod,
  type ReplicaSet,
  type ReplicaSetStatus,
} from './objects.ts';
import { qosClassOf } from './pod-status.ts';
import { fromKey, keyOf, WorkQueue } from './work-queue.ts';

const source = { component: 'replicaset-controller' };

/** Keeps as many pods of each ReplicaSet's template as it asks for. */
export class ReplicaSetController {
  private readonly queue = new WorkQueue((key) => {
    this.reconcile(key);
  });
  private readonly unsubscribe: () => void;

  constructor(
    private readonly store: Store,
    private readonly events: EventRecorder,
  ) {
    this.unsubscribe = store.onChange((change) => {
      this.hear(change);
    });
    for (const { metadata } of store.list('replicasets')) this.queue.add(keyOf(metadata));
  }

  stop(): void {
    this.unsubscribe();
    this.queue.stop();
  }

  private hear({ resource, object }: Change): void {
    if (resource === 'replicasets') this.queue.add(keyOf(object.metadata));
    // Room in the quota: what was refused may be accepted now.
    if (resource === 'resourcequotas') {
      for (const set of this.store.list<ReplicaSet>('replicasets', object.metadata.namespace)) {
        if (set.status?.conditions?.some((condition) => condition.type === 'ReplicaFailure')) this.queue.add(keyOf(set.metadata));
      }
    }
    if (resource !== 'pods') return;
    const owner = controllerOf(object);
    if (owner?.kind === 'ReplicaSet') this.queue.add(keyOf({ namespace: object.metadata.namespace, name: owner.name }));
  }

  private reconcile(key: string): void {
    const { namespace, name } = fromKey(key);
    const set = this.store.get<ReplicaSet>('replicasets', namespace, name);
    if (!set) return;
    let failure: { reason: string; error: ApiError } | undefined;
    if (!set.metadata.deletionTimestamp) {
      const pods = this.podsOf(set).filter(isActive);
      const missing = (set.spec.replicas ?? 1) - pods.length;
      if (missing > 0) failure = this.createPods(set, missing);
      if (missing < 0) failure = this.deletePods(set, pods.sort(firstToGo).slice(0, -missing));
    }
    this.writeStatus(key, failure);
    if (failure) throw failure.error;
  }

  private podsOf(set: ReplicaSet): Pod[] {
    return this.store.list<Pod>('pods', set.metadata.namespace).filter((pod) => isControlledBy(pod, set));
  }

  private createPods(set: ReplicaSet, count: number): { reason: string; error: ApiError } | undefined {
    for (let left = count; left > 0; left--) {
      try {
        const pod = this.store.create('pods', podOf(set)) as Pod;
        this.events.record(source, set, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${pod.metadata.name}` });
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        this.events.record(source, set, { type: 'Warning', reason: 'FailedCreate', message: `Error creating: ${error.message}` });
        return { reason: 'FailedCreate', error };
      }
    }
    return undefined;
  }

  private deletePods(set: ReplicaSet, pods: Pod[]): { reason: string; error: ApiError } | undefined {
    for (const { metadata } of pods) {
      try {
        this.store.delete('pods', metadata.namespace, metadata.name, { uid: metadata.uid });
        this.events.record(source, set, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${metadata.name}` });
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.code === 404) continue;
        this.events.record(source, set, { type: 'Warning', reason: 'FailedDelete', message: `Error deleting: ${error.message}` });
        return { reason: 'FailedDelete', error };
      }
    }
    return undefined;
  }

  private writeStatus(key: string, failure: { reason: string; error: ApiError } | undefined): void {
    const { namespace, name } = fromKey(key);
    const set = this.store.get<ReplicaSet>('replicasets', namespace, name);
    if (!set) return;
    const pods = this.podsOf(set).filter((pod) => isActive(pod));
    const ready = pods.filter(isReady);
    const waits = ready.map((pod) => availableIn(pod, set.spec.minReadySeconds ?? 0));
    const conditions = failure
      ? withCondition(set.status?.conditions, {
          type: 'ReplicaFailure',
          status: 'True',
          reason: failure.reason,
          message: failure.error.message,
          lastTransitionTime: timestamp(),
        })
      : withoutCondition(set.status?.conditions, 'ReplicaFailure');
    const labels = Object.keys(set.spec.template?.metadata?.labels ?? {});
    const status: ReplicaSetStatus = {
      replicas: pods.length,
      fullyLabeledReplicas: unlessZero(
        pods.filter(({ metadata }) => labels.every((label) => metadata.labels?.[label] !== undefined)).length,
      ),
      readyReplicas: unlessZero(ready.length),
      availableReplicas: unlessZero(waits.filter((wait) => wait === 0).length),
      observedGeneration: set.metadata.generation,
      conditions: conditions.length ? conditions : undefined,
    };
    this.store.update('replicasets', { ...set, status }, { subresource: 'status' });
    const next = Math.min(...waits.filter((wait) => wait > 0));
    if (next < Infinity) this.queue.add(key, next);
  }
}

function podOf(set: ReplicaSet): New<Pod> {
  const { metadata, spec } = set.spec.template ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace,
      labels: metadata?.labels,
      annotations: metadata?.annotations,
      ownerReferences: [controllerReference(set)],
    },
    spec: spec ?? { containers: [] },
    status: { phase: 'Pending', qosClass: qosClassOf(spec ?? { containers: [] }) },
  };
}

/** Kubernetes' order for scaling down: unassigned before assigned, pending before running, unready before ready, restarted more, newer. */
function firstToGo(a: Pod, b: Pod): number {
  const rank = (pod: Pod): number[] => [
    pod.spec.nodeName ? 1 : 0,
    hasEnded(pod) || pod.status?.phase === 'Running' ? 1 : 0,
    isReady(pod) ? 1 : 0,
    -Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount)),
    -Date.parse(pod.metadata.creationTimestamp),
    -Number(pod.metadata.resourceVersion),
  ];
  const [left, right] = [rank(a), rank(b)];
  const at = left.findIndex((value, index) => value !== right[index]);
  return at < 0 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}
