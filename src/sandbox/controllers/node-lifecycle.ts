import { ApiError, notFound } from '../api-error.ts';
import { resourceOf } from '../resources.ts';
import type { Store } from '../store.ts';
import { timestamp } from '../stored-object.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { Kubelet } from './kubelet.ts';
import { isReady, type Node, type Pod } from './objects.ts';
import { timing } from './timing.ts';
import { tolerations, type Taint } from './tolerations.ts';

type Condition = NonNullable<NonNullable<Node['status']>['conditions']>[number];

const source = { component: 'node-controller' };
const key = 'node.kubernetes.io/unreachable';

/**
 * What becomes of a node whose kubelet stops: after a grace period its conditions are Unknown, it is tainted and its pods count as not ready;
 * those that don't tolerate that are deleted when their time there is up, and stay Terminating until the kubelet is back.
 */
export class NodeLifecycle {
  /** By node: what is still to come. */
  private readonly timers = new Map<string, NodeJS.Timeout[]>();

  constructor(
    private readonly store: Store,
    private readonly events: EventRecorder,
    private readonly kubelet: Kubelet,
  ) {}

  stop(): void {
    for (const name of this.timers.keys()) this.cancel(name);
  }

  /** Throws ApiError 404. */
  stopKubelet(name: string): void {
    this.node(name);
    this.kubelet.stopOn(name);
    this.later(name, timing.nodeGrace, () => {
      this.lose(name);
    });
  }

  startKubelet(name: string): void {
    this.cancel(name);
    this.kubelet.startOn(name);
    const node = this.node(name);
    if (!node.spec.taints?.some((taint) => taint.key === key)) return;
    const taints = node.spec.taints.filter((taint) => taint.key !== key);
    const untainted = this.store.update<Node>('nodes', { ...node, spec: { ...node.spec, taints: taints.length ? taints : undefined } });
    this.writeConditions(untainted, (condition) => {
      const [status, reason, message] = healthy[condition.type] ?? [condition.status, condition.reason, condition.message];
      return { ...condition, status, reason, message };
    });
    this.tell(node, 'NodeReady', `Node ${name} status is now: NodeReady`);
  }

  private node(name: string): Node {
    const found = this.store.get<Node>('nodes', undefined, name);
    if (!found) throw notFound(resourceOf('nodes'), name);
    return found;
  }

  private lose(name: string): void {
    const lost: Pick<Condition, 'status' | 'reason' | 'message'> = {
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    };
    const node = this.writeConditions(this.node(name), (condition) => ({ ...condition, ...lost }));
    this.tell(node, 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
    const noExecute: Taint = { key, effect: 'NoExecute', timeAdded: timestamp() };
    const taints = [...(node.spec.taints ?? []), { key, effect: 'NoSchedule' as const, timeAdded: timestamp() }, noExecute];
    this.store.update<Node>('nodes', { ...node, spec: { ...node.spec, taints } });
    for (const pod of this.store.list<Pod>('pods').filter(({ spec }) => spec.nodeName === name)) {
      if (isReady(pod)) this.markUnready(pod);
      const stay = tolerations(pod, noExecute);
      if (stay === 'for ever') continue;
      this.later(name, stay * 1000 * timing.tolerationFactor, () => {
        this.evict(pod);
      });
    }
  }

  private markUnready(pod: Pod): void {
    const conditions = pod.status?.conditions?.map((each) =>
      each.type === 'Ready' ? { ...each, status: 'False', lastTransitionTime: timestamp() } : each,
    );
    this.store.update('pods', { ...pod, status: { ...pod.status, conditions } }, { subresource: 'status' });
    this.events.record(source, pod, { type: 'Warning', reason: 'NodeNotReady', message: 'Node is not ready' });
  }

  private evict({ metadata: { namespace, name, uid } }: Pod): void {
    const pod = this.store.get<Pod>('pods', namespace, name);
    if (pod?.metadata.uid !== uid || pod.metadata.deletionTimestamp) return;
    const message = `Marking for deletion Pod ${namespace ?? ''}/${name}`;
    this.events.record({ component: 'taint-controller' }, pod, { type: 'Normal', reason: 'TaintManagerEviction', message });
    try {
      this.store.delete('pods', namespace, name, { uid });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // gone meanwhile
    }
  }

  private writeConditions(node: Node, change: (condition: Condition) => Condition): Node {
    const conditions = node.status?.conditions?.map((before) => {
      const after = change(before);
      return after.status === before.status ? after : { ...after, lastTransitionTime: timestamp() };
    });
    return this.store.update<Node>('nodes', { ...node, status: { ...node.status, conditions } }, { subresource: 'status' });
  }

  private tell(node: Node, reason: string, message: string): void {
    this.events.record(source, node, { type: 'Normal', reason, message });
  }

  private later(name: string, delay: number, act: () => void): void {
    this.timers.set(name, [...(this.timers.get(name) ?? []), setTimeout(act, delay)]);
  }

  private cancel(name: string): void {
    for (const timer of this.timers.get(name) ?? []) clearTimeout(timer);
    this.timers.delete(name);
  }
}

/** What a kubelet that runs says of its node, by the condition's type. */
const healthy: Record<string, [status: string, reason: string, message: string]> = {
  MemoryPressure: ['False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  DiskPressure: ['False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  PIDPressure: ['False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  Ready: ['True', 'KubeletReady', 'kubelet is posting ready status'],
};
