import type { Change, Store } from '../store.ts';
import type { EventRecorder } from './event-recorder.ts';
import { KubeletSwitch } from './kubelet-switch.ts';
import { hasEnded, type Node, type Pod } from './objects.ts';
import type { PodLogs } from './pod-logs.ts';
import { PodWorker, type PodNode } from './pod-worker.ts';
import { reportUnexpected } from './report-unexpected.ts';

/** The kubelets of all nodes: runs the pods that the scheduler has bound. */
export class Kubelet {
  private readonly pods = new Map<string, PodWorker>();
  private readonly images = new Map<string, Set<string>>();
  private readonly unsubscribe: () => void;
  /** By node. */
  private readonly switches = new Map<string, KubeletSwitch>();
  private addresses = 0;

  constructor(
    private readonly store: Store,
    private readonly events: EventRecorder,
    private readonly logs: PodLogs,
  ) {
    this.unsubscribe = store.onChange((change) => {
      this.hear(change);
    });
    for (const pod of store.list<Pod>('pods')) this.sync(pod);
  }

  stop(): void {
    this.unsubscribe();
    for (const worker of this.pods.values()) worker.discard();
    this.pods.clear();
  }

  /** The node's kubelet stops: what runs goes on, but nobody hears of it, and nothing is started or ended. */
  stopOn(node: string): void {
    this.switchOf(node).stop();
  }

  /** The node's kubelet is back: it tells how things stand and does what it was asked meanwhile. */
  startOn(node: string): void {
    this.switchOf(node).start();
    for (const { spec, metadata } of this.store.list<Pod>('pods')) {
      if (spec.nodeName !== node) continue;
      this.pods.get(metadata.uid)?.publish();
      const current = this.store.get<Pod>('pods', metadata.namespace, metadata.name);
      if (current) this.sync(current);
    }
  }

  isOffOn(node: string): boolean {
    return this.switchOf(node).isOff;
  }

  private switchOf(node: string): KubeletSwitch {
    let found = this.switches.get(node);
    if (!found) this.switches.set(node, (found = new KubeletSwitch()));
    return found;
  }

  private hear({ type, resource, object }: Change): void {
    if (resource === 'secrets' || resource === 'configmaps') {
      for (const pod of this.store.list<Pod>('pods', object.metadata.namespace)) this.pods.get(pod.metadata.uid)?.configChanged();
    }
    if (resource !== 'pods') return;
    if (type !== 'DELETED') {
      this.sync(object as unknown as Pod);
      return;
    }
    this.pods.get(object.metadata.uid)?.discard();
    this.pods.delete(object.metadata.uid);
  }

  private sync(pod: Pod): void {
    const { uid, namespace, name, deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
    if (pod.spec.nodeName && this.isOffOn(pod.spec.nodeName)) return;
    let worker = this.pods.get(uid);
    if (deletionTimestamp) {
      if (worker) worker.terminate(deletionGracePeriodSeconds ?? 30).catch(reportUnexpected);
      else this.store.remove('pods', namespace, name);
      return;
    }
    if (worker || !pod.spec.nodeName || hasEnded(pod)) return;
    worker = new PodWorker(this.store, this.events, this.logs, this.nodeOf(pod.spec.nodeName), pod);
    this.pods.set(uid, worker);
    worker.run().catch(reportUnexpected);
  }

  private nodeOf(name: string): PodNode {
    const node = this.store.get<Node>('nodes', undefined, name);
    let images = this.images.get(name);
    if (!images) this.images.set(name, (images = new Set()));
    // One address a pod, none of them twice until 65,000 others were given.
    const next = (this.addresses++ % 65_000) + 2;
    return {
      hostIP: node?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '127.0.0.1',
      podIP: `10.244.${String(Math.floor(next / 256))}.${next % 256}`,
      images,
      kubelet: this.switchOf(name),
    };
  }
}
