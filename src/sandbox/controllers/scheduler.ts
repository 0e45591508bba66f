import { nano } from '../quantity.ts';
import type { Change, Store } from '../store.ts';
import { timestamp } from '../stored-object.ts';
import type { EventRecorder } from './event-recorder.ts';
import { hasEnded, matches, type Node, type Pod } from './objects.ts';
import { timing } from './timing.ts';
import { untolerated } from './tolerations.ts';
import { fromKey, keyOf, WorkQueue } from './work-queue.ts';

const manager = 'kube-scheduler';
const source = { reportingComponent: 'default-scheduler' };

/** Binds pods to nodes that carry the labels they select and have the room they request. */
export class Scheduler {
  private readonly queue = new WorkQueue((key) => {
    this.schedule(key);
  });
  private readonly unschedulable = new Set<string>();
  private readonly unsubscribe: () => void;

  constructor(
    private readonly store: Store,
    private readonly events: EventRecorder,
  ) {
    this.unsubscribe = store.onChange((change) => {
      this.hear(change);
    });
    for (const { metadata } of store.list('pods')) this.queue.add(keyOf(metadata), timing.schedule);
  }

  stop(): void {
    this.unsubscribe();
    this.queue.stop();
  }

  private hear({ type, resource, object, previous }: Change): void {
    if (resource === 'pods' && type === 'ADDED') this.queue.add(keyOf(object.metadata), timing.schedule);
    const roomMade = resource === 'pods' && (type === 'DELETED' || (previous && hasEnded(object as never) && !hasEnded(previous as never)));
    const nodesChanged = resource === 'nodes' && type !== 'DELETED';
    if (roomMade || nodesChanged) for (const key of this.unschedulable) this.queue.add(key, timing.schedule);
  }

  private schedule(key: string): void {
    const { namespace, name } = fromKey(key);
    const pod = this.store.get<Pod>('pods', namespace, name);
    this.unschedulable.delete(key);
    if (!pod || pod.spec.nodeName || pod.metadata.deletionTimestamp) return;
    const nodes = this.store.list<Node>('nodes');
    const faults = nodes.map((node) => this.faultsOf(pod, node));
    const node = nodes.find((_, index) => faults[index]?.length === 0);
    if (node) {
      this.bind(pod, node.metadata.name);
    } else {
      this.unschedulable.add(key);
      this.refuse(pod, nodes.length, faults.flat());
    }
  }

  private faultsOf(pod: Pod, node: Node): string[] {
    if (node.spec.unschedulable) return ['node(s) were unschedulable'];
    const taint = untolerated(pod, node);
    if (taint) return [taint];
    if (!matches(node.metadata.labels, pod.spec.nodeSelector ?? {})) return ["node(s) didn't match Pod's node affinity"];
    const others = this.store.list<Pod>('pods').filter((each) => each.spec.nodeName === node.metadata.name && !hasEnded(each));
    const allocatable = node.status?.allocatable;
    if (allocatable?.pods !== undefined && nano(others.length + 1) > nano(allocatable.pods)) return ['Too many pods'];
    return (['cpu', 'memory'] as const)
      .filter((resource) => {
        const wanted = requested(pod, resource);
        const room = allocatable?.[resource];
        return wanted > 0n && room !== undefined && wanted + others.reduce((sum, each) => sum + requested(each, resource), 0n) > nano(room);
      })
      .map((resource) => `Insufficient ${resource}`);
  }

  private bind(pod: Pod, nodeName: string): void {
    const bound = this.store.update<Pod>('pods', { ...pod, spec: { ...pod.spec, nodeName } }, { manager });
    this.store.update('pods', withScheduled(bound, { status: 'True' }), { manager, subresource: 'status' });
    const { namespace, name } = pod.metadata;
    const message = `Successfully assigned ${namespace ?? ''}/${name} to ${nodeName}`;
    this.events.record({ ...source, action: 'Binding' }, pod, { type: 'Normal', reason: 'Scheduled', message });
  }

  private refuse(pod: Pod, nodes: number, faults: string[]): void {
    const counts = new Map<string, number>();
    for (const fault of faults) counts.set(fault, (counts.get(fault) ?? 0) + 1);
    const reasons = [...counts].map(([fault, count]) => `${count} ${fault}`).sort();
    const message = nodes ? `0/${nodes} nodes are available: ${reasons.join(', ')}.` : 'no nodes available to schedule pods';
    this.store.update('pods', withScheduled(pod, { status: 'False', reason: 'Unschedulable', message }), {
      manager,
      subresource: 'status',
    });
    this.events.record({ ...source, action: 'Scheduling' }, pod, { type: 'Warning', reason: 'FailedScheduling', message });
  }
}

function withScheduled(pod: Pod, { status, reason, message }: { status: string; reason?: string; message?: string }): Pod {
  const present = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  const lastTransitionTime = present?.status === status ? present.lastTransitionTime : timestamp();
  const condition = { type: 'PodScheduled', status, reason, message, lastProbeTime: null as never, lastTransitionTime };
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  return { ...pod, status: { phase: 'Pending', ...pod.status, conditions: [...others, condition] } };
}

/** Billionths of a core, or of a byte, that the pod's containers ask for. */
const requested = ({ spec }: Pod, resource: 'cpu' | 'memory'): bigint =>
  spec.containers.reduce((sum, { resources }) => sum + nano(resources?.requests?.[resource] ?? resources?.limits?.[resource]), 0n);
