import type { KubeConfig } from '@kubernetes/client-node';
import { EventEmitter } from 'node:events';
import {
  cachedNamespace,
  cachedNode,
  cachedObject,
  cachedPod,
  cachedReplicaSet,
  sameIntent,
  type CachedNamespace,
  type CachedNode,
  type CachedPod,
  type CachedReplicaSet,
} from './cached-objects.ts';
import type { KubernetesCluster } from './kubernetes-cluster.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { KEELSON, MANAGED_BY } from './labels.ts';
import {
  DEPLOYMENT,
  EVENT,
  HORIZONTAL_POD_AUTOSCALER,
  INGRESS,
  NAMESPACE,
  NETWORK_POLICY,
  NODE,
  POD,
  REPLICA_SET,
  ROLE_BINDING,
  SERVICE,
  type ObjectKind,
} from './object-kind.ts';
import { ObjectWatch, type WatchOptions } from './object-watch.ts';

/** Something that the cluster says of an object. */
export interface CachedEvent {
  type: string;
  reason: string;
  message: string;
  /** The object it is about. */
  kind: string;
  name: string;
  uid: string;
  /** RFC 3339. */
  last: string;
}

/** A watch may be away for so long before reads stop trusting it, in milliseconds. */
const TRUSTED_WHILE_BROKEN = 3_000;

/** The emitter throws on an unheard event called `error`, which is a good name for an app. */
const eventOf = (namespace: string): string => `in ${namespace}`;

const ALTERED = 'altered';

const SELECTOR = `${MANAGED_BY}=${KEELSON}`;

/** Kinds that are watched as whole objects, to be compared with what is wanted. */
const WHOLE: readonly ObjectKind[] = [DEPLOYMENT, SERVICE, INGRESS, HORIZONTAL_POD_AUTOSCALER, NETWORK_POLICY, ROLE_BINDING];

/** All kinds that are listed and watched, events by namespace and only for a while. The rights in the cluster come from this. */
export const WATCHED: readonly ObjectKind[] = [POD, REPLICA_SET, NAMESPACE, NODE, ...WHOLE, EVENT];

function cachedEvent(object: KubernetesObject): CachedEvent {
  const { type, reason, message, involvedObject, lastTimestamp, eventTime } = object as unknown as {
    type?: string;
    reason?: string;
    message?: string;
    involvedObject?: { kind?: string; name?: string; uid?: string };
    lastTimestamp?: string;
    eventTime?: string;
  };
  return {
    type: type ?? '',
    reason: reason ?? '',
    message: message ?? '',
    kind: involvedObject?.kind ?? '',
    name: involvedObject?.name ?? '',
    uid: involvedObject?.uid ?? '',
    last: new Date(lastTimestamp ?? eventTime ?? object.metadata.creationTimestamp ?? 0).toISOString(),
  };
}

/**
 * What the cluster shows of Keelson's objects, kept current by watches, so that a read makes no call. Secrets are never in it:
 * watching them would need the right to read every Secret there is.
 */
export class ClusterCache {
  private readonly changes = new EventEmitter().setMaxListeners(0);
  private readonly pods: ObjectWatch<CachedPod>;
  private readonly replicaSets: ObjectWatch<CachedReplicaSet>;
  private readonly namespaces: ObjectWatch<CachedNamespace>;
  private readonly nodes: ObjectWatch<CachedNode>;
  private readonly whole: Map<string, ObjectWatch<KubernetesObject>>;
  private readonly podVersions = new Map<string, bigint>();
  private readonly events = new Map<string, { watch: ObjectWatch<CachedEvent>; users: number }>();

  constructor(
    private readonly kubeConfig: KubeConfig,
    private readonly cluster: KubernetesCluster,
    /** Watched whole, beside the usual ones. */
    kinds: readonly ObjectKind[],
  ) {
    this.pods = new ObjectWatch(kubeConfig, cluster, {
      kind: POD,
      labelSelector: SELECTOR,
      keep: cachedPod,
      changed: (namespace, _, resourceVersion) => {
        const version = BigInt(resourceVersion);
        if (version > (this.podVersions.get(namespace) ?? 0n)) this.podVersions.set(namespace, version);
        this.changes.emit(eventOf(namespace));
      },
    });
    this.replicaSets = this.watch(REPLICA_SET, cachedReplicaSet);
    const altered = (app: string): void => {
      this.changes.emit(ALTERED, app);
    };
    this.whole = new Map([...WHOLE, ...kinds].map((kind) => [kind.kind, this.watch(kind, cachedObject, { same: sameIntent, altered })]));
    this.namespaces = new ObjectWatch(kubeConfig, cluster, {
      kind: NAMESPACE,
      labelSelector: SELECTOR,
      keep: cachedNamespace,
      changed: (_, name) => {
        if (!this.namespace(name)) this.podVersions.delete(name);
        this.changes.emit(eventOf(name));
      },
      same: (before, after) => sameIntent(before.object, after.object),
      altered: (_, name) => {
        altered(name);
      },
    });
    this.nodes = new ObjectWatch(kubeConfig, cluster, { kind: NODE, keep: cachedNode, changed: () => undefined });
  }

  start(): void {
    for (const watch of this.all()) watch.start();
  }

  async stop(): Promise<void> {
    const events = [...this.events.values()].map(({ watch }) => watch);
    await Promise.all([...this.all(), ...events].map((watch) => watch.stop()));
  }

  /** Resolves once every kind was listed. */
  async ready(): Promise<void> {
    await Promise.all(this.all().map((watch) => watch.ready()));
  }

  /** Whether what it holds may be answered with: listed once, and no watch away for more than a few seconds. */
  fresh(): boolean {
    return this.all().every((watch) => watch.warm() && watch.brokenFor() < TRUSTED_WHILE_BROKEN);
  }

  /**
   * Whether the API server has begun to list every kind: it is there, and the rights are. How long a whole list takes depends on the
   * fleet; until then the reads ask the API server.
   */
  answered(): boolean {
    return this.all().every((watch) => watch.progress() > 0);
  }

  /** Pages of lists that have come in so far. */
  progress(): number {
    return this.all().reduce((sum, watch) => sum + watch.progress(), 0);
  }

  /** Whether every kind was listed once. */
  warm(): boolean {
    return this.all().every((watch) => watch.warm());
  }

  /** Why it isn't warm: the kinds that could not be listed, with what the API server said. */
  missing(): string {
    return this.all()
      .filter((watch) => !watch.warm())
      .map((watch) => watch.trouble())
      .join('; ');
  }

  /** Why it isn't fresh: what holds up the watch that is away for the longest. */
  trouble(): string {
    const [worst] = this.all().sort((a, b) => b.brokenFor() - a.brokenFor());
    return worst?.trouble() ?? '';
  }

  /** Takes over an object as the API server answered it, ahead of the watch: who writes reads what was written. */
  saw(object: KubernetesObject): void {
    this.whole.get(object.kind)?.see(object);
  }

  /** How long each kind's watch has been broken, in milliseconds; 0 while it stands. */
  ages(): [kind: string, age: number][] {
    return this.all().map((watch) => [watch.kind.kind, watch.brokenFor()]);
  }

  podsOf(namespace: string): CachedPod[] {
    return this.pods.in(namespace);
  }

  /** Pods of one-off runs, of all apps, that aren't on their way out. */
  runPods(): (CachedPod & { run: string })[] {
    return this.pods.all().filter((pod): pod is CachedPod & { run: string } => pod.run !== null && pod.deleted === null);
  }

  replicaSetsOf(namespace: string): CachedReplicaSet[] {
    return this.replicaSets.in(namespace);
  }

  namespace(name: string): CachedNamespace | undefined {
    return this.namespaces.get('', name);
  }

  allNamespaces(): CachedNamespace[] {
    return this.namespaces.in('');
  }

  allNodes(): CachedNode[] {
    return this.nodes.in('');
  }

  /** Whether objects of the kind are watched whole. */
  holds(kind: string): boolean {
    return this.whole.has(kind);
  }

  object(kind: string, namespace: string, name: string): KubernetesObject | undefined {
    return this.whole.get(kind)?.get(namespace, name);
  }

  objectsOf(kind: string, namespace: string): KubernetesObject[] {
    return this.whole.get(kind)?.in(namespace) ?? [];
  }

  /** Events of the namespace, as far as they are being watched. */
  eventsOf(namespace: string): CachedEvent[] {
    return this.events.get(namespace)?.watch.in(namespace) ?? [];
  }

  /** Watches a namespace's events (they carry no labels, so only by namespace) until the returned function is called. */
  watchEvents(namespace: string): () => void {
    let entry = this.events.get(namespace);
    if (!entry) {
      const watch = new ObjectWatch(this.kubeConfig, this.cluster, {
        kind: EVENT,
        namespace,
        keep: cachedEvent,
        changed: (ns) => this.changes.emit(eventOf(ns)),
      });
      entry = { watch, users: 0 };
      this.events.set(namespace, entry);
      watch.start();
    }
    const { watch } = entry;
    entry.users += 1;
    return () => {
      entry.users -= 1;
      if (entry.users > 0) return;
      this.events.delete(namespace);
      void watch.stop();
    };
  }

  /** Calls back at every change of something in the namespace, until the returned function is called. */
  onChange(namespace: string, listener: () => void): () => void {
    this.changes.on(eventOf(namespace), listener);
    return () => this.changes.off(eventOf(namespace), listener);
  }

  /**
   * Calls back with the namespace when more than the status of a namespace, or of an object in it that is watched whole, has changed, or
   * when it came or went; not for what this process itself sent.
   */
  onAltered(listener: (namespace: string) => void): () => void {
    this.changes.on(ALTERED, listener);
    return () => this.changes.off(ALTERED, listener);
  }

  /** The highest resourceVersion that a change of the namespace's pods has brought; null before the first. */
  podVersionOf(namespace: string): string | null {
    return this.podVersions.get(namespace)?.toString() ?? null;
  }

  /** Whether it has come as far as this version of a pod. Kubernetes compares versions of one kind as numbers. */
  hasReached(podVersion: string): boolean {
    return this.pods.version !== '' && BigInt(this.pods.version) >= BigInt(podVersion);
  }

  private watch<T>(
    kind: ObjectKind,
    keep: (object: KubernetesObject) => T,
    more: Pick<WatchOptions<T>, 'same' | 'altered'> = {},
  ): ObjectWatch<T> {
    return new ObjectWatch(this.kubeConfig, this.cluster, {
      kind,
      labelSelector: SELECTOR,
      keep,
      changed: (namespace) => this.changes.emit(eventOf(namespace)),
      ...more,
    });
  }

  private all(): Pick<ObjectWatch<unknown>, 'start' | 'stop' | 'kind' | 'ready' | 'warm' | 'progress' | 'brokenFor' | 'trouble'>[] {
    return [this.pods, this.replicaSets, this.namespaces, this.nodes, ...this.whole.values()];
  }
}
