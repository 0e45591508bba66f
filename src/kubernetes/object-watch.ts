import { Watch, type KubeConfig } from '@kubernetes/client-node';
import { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { OutOfReach, translate } from './cluster-errors.ts';
import type { KubernetesCluster } from './kubernetes-cluster.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { pathOf, type ObjectKind } from './object-kind.ts';

/** What is remembered of a kind, and how to tell that it was lost. */
export interface WatchOptions<T> {
  kind: ObjectKind;
  /** Only this namespace; all of them if absent. */
  namespace?: string;
  labelSelector?: string;
  keep: (object: KubernetesObject) => T;
  /** Called after each change, with the namespace it was in (empty for cluster-wide kinds) and the version it brought. */
  changed: (namespace: string, name: string, resourceVersion: string) => void;
  /** Whether two versions are alike as far as `altered` goes. */
  same?: (before: T, after: T) => boolean;
  /** Called when an object came, went, or isn't the `same` any more, but for the first list and for what `see` took over. */
  altered?: (namespace: string, name: string) => void;
}

interface Kept<T> {
  uid: string | undefined;
  version: string;
  object: T;
}

const RETRY_FIRST = 200;
const RETRY_MOST = 10_000;
/** A watch that stood for so long is taken up again at once; after one that ended sooner it is waited as after a failure. Milliseconds. */
const STOOD = 5_000;

/** HTTP status with which a watch was refused; undefined if it ended otherwise. */
function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : undefined;
}

/**
 * A list that stays current: one LIST, then a WATCH from there, taken up again where it broke; a new LIST when the server has
 * forgotten that point (410), or isn't there yet: when its etcd was restored from a backup. A watch from a version that is to come
 * connects, and is told nothing until then.
 */
export class ObjectWatch<T> {
  private readonly byNamespace = new Map<string, Map<string, Kept<T>>>();
  private readonly stopping = new AbortController();
  private resourceVersion = '';
  private running: Promise<void> = Promise.resolve();
  private brokenSince: number | null = performance.now();
  private listed = false;
  private pages = 0;
  /** Whether the server ended the watch, which may then be another one, or the same with an older state. */
  private doubted = false;
  private lastError: string | null = null;
  private readonly logger = new Logger(ObjectWatch.name);
  private readonly waiters: (() => void)[] = [];

  constructor(
    private readonly kubeConfig: KubeConfig,
    private readonly cluster: KubernetesCluster,
    private readonly options: WatchOptions<T>,
  ) {}

  get kind(): ObjectKind {
    return this.options.kind;
  }

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Resolves once the first list is in. */
  async ready(): Promise<void> {
    if (!this.listed) await new Promise<void>((resolve) => this.waiters.push(resolve));
  }

  /** Milliseconds since the watch broke; 0 while it stands. */
  brokenFor(): number {
    return this.brokenSince === null ? 0 : performance.now() - this.brokenSince;
  }

  /** How far into the kind's history this has come. */
  get version(): string {
    return this.resourceVersion;
  }

  warm(): boolean {
    return this.listed;
  }

  /** Pages of lists that have come in so far. */
  progress(): number {
    return this.pages;
  }

  get(namespace: string, name: string): T | undefined {
    return this.byNamespace.get(namespace)?.get(name)?.object;
  }

  in(namespace: string): T[] {
    return [...(this.byNamespace.get(namespace)?.values() ?? [])].map(({ object }) => object);
  }

  all(): T[] {
    return [...this.byNamespace.values()].flatMap((objects) => [...objects.values()].map(({ object }) => object));
  }

  /** What keeps it from being current, for people. */
  trouble(): string {
    return `${this.options.kind.plural}: ${this.lastError ?? 'not listed yet'}`;
  }

  /** Takes over an object that the API server answered, unless the watch has come further already. */
  see(object: KubernetesObject): void {
    const { namespace = '', resourceVersion = '0' } = object.metadata;
    // the watch is yet to bring this version, so a deletion after it is yet to come too
    if (this.listed && this.resourceVersion !== '' && BigInt(resourceVersion) > BigInt(this.resourceVersion)) {
      this.put(namespace, object);
      this.options.changed(namespace, object.metadata.name, resourceVersion);
    }
  }

  private async run(): Promise<void> {
    let pause = RETRY_FIRST;
    while (!this.stopping.signal.aborted) {
      const began = performance.now();
      try {
        if (this.resourceVersion === '' || (this.doubted && (await this.wentBack()))) await this.list();
        this.doubted = false;
        const end = await this.watch();
        this.doubted = end !== 'quiet';
        if (end === 'expired') this.resourceVersion = '';
      } catch (thrown) {
        this.doubted = true;
        // the reads see that the watch is broken and ask the API server; said once for each time that it is away
        const error = translate(thrown);
        if (this.lastError === null) this.logger.warn(`watching ${this.options.kind.plural} failed: ${error.message}`);
        this.lastError = error.message;
        if (error instanceof OutOfReach && error.retryAfter) pause = Math.max(pause, error.retryAfter * 1000);
      }
      this.brokenSince ??= performance.now();
      if (performance.now() - began >= STOOD) pause = RETRY_FIRST;
      else {
        await sleep(pause, undefined, { signal: this.stopping.signal }).catch(() => undefined);
        pause = Math.min(pause * 2, RETRY_MOST);
      }
    }
  }

  /** Whether the server is behind what was seen of it. */
  private async wentBack(): Promise<boolean> {
    const { kind, namespace, labelSelector } = this.options;
    const { resourceVersion } = await this.cluster.page(kind, namespace, labelSelector, 1);
    return this.isBefore(resourceVersion);
  }

  private isBefore(resourceVersion: string): boolean {
    return this.resourceVersion !== '' && BigInt(resourceVersion) < BigInt(this.resourceVersion);
  }

  /** What is listed takes the place of what is known, of whatever version that is. */
  private async list(): Promise<void> {
    const { kind, namespace, labelSelector, changed } = this.options;
    const there = new Map<string, Map<string, string | undefined>>();
    let version = '';
    for await (const { items, resourceVersion } of this.cluster.pages(kind, namespace, labelSelector)) {
      version = resourceVersion;
      this.pages += 1;
      for (const item of items) {
        const { namespace: ns = '', name } = item.metadata;
        if (!there.has(ns)) there.set(ns, new Map());
        there.get(ns)?.set(name, item.metadata.resourceVersion);
        if (this.put(ns, item, true) && this.listed) this.altered(item);
      }
    }
    const gone = [...this.byNamespace].flatMap(([ns, objects]) =>
      [...objects.keys()].filter((name) => there.get(ns)?.has(name) !== true).map((name) => ({ ns, name })),
    );
    for (const { ns, name } of gone) {
      this.drop(ns, name);
      this.options.altered?.(ns, name);
    }
    this.resourceVersion = version;
    this.listed = true;
    for (const waiter of this.waiters.splice(0)) waiter();
    for (const [ns, versions] of there) for (const [name, own] of versions) changed(ns, name, own ?? version);
    for (const { ns, name } of gone) changed(ns, name, version);
  }

  /** One watch connection, to its end: half a minute of silence (`quiet`), or whatever the server ends it with. */
  private async watch(): Promise<'quiet' | 'closed' | 'expired'> {
    const { kind, namespace, labelSelector } = this.options;
    const query = { labelSelector, resourceVersion: this.resourceVersion, allowWatchBookmarks: true };
    const seen = { expired: false, connected: false, over: false };
    let abort = (): void => undefined;
    const began = performance.now();
    const ended = new Promise<unknown>((resolve) => {
      const watch = new Watch(this.kubeConfig);
      const onEnd = (error: unknown): void => {
        seen.over = true;
        resolve(error);
      };
      const onEvent = (type: string, object: KubernetesObject & { code?: number }): void => {
        // versions only grow
        const back = type !== 'ERROR' && this.isBefore(object.metadata.resourceVersion ?? this.resourceVersion);
        if (type === 'ERROR' || back) {
          seen.expired ||= back || object.code === 410;
          abort();
          return;
        }
        if (seen.expired) return;
        // the client swallows what is thrown here
        try {
          this.hear(type, object);
        } catch (error) {
          this.logger.error(`an event of ${this.kind.kind} ${object.metadata.name} cannot be read`, (error as Error).stack);
        }
      };
      watch.watch(pathOf(kind, namespace), query, onEvent, onEnd).then((controller) => {
        // it also gets here when the connection failed
        if (!seen.over) {
          seen.connected = true;
          this.cluster.metrics.called('watch', 200, began);
          this.brokenSince = null;
          this.lastError = null;
        }
        abort = () => {
          controller.abort();
        };
        if (this.stopping.signal.aborted || seen.expired) abort();
        else if (!seen.over) this.stopping.signal.addEventListener('abort', abort, { once: true });
      }, onEnd);
    });
    const error = await ended;
    if (!seen.connected && !this.stopping.signal.aborted) this.cluster.metrics.called('watch', statusOf(error), began);
    this.stopping.signal.removeEventListener('abort', abort);
    if (seen.expired) return 'expired';
    const silent = error instanceof Error && error.name === 'TimeoutError';
    if (silent && seen.connected) return 'quiet';
    if (this.stopping.signal.aborted || ((error === null || error === undefined) && seen.connected)) return 'closed';
    if (statusOf(error) === 410) return 'expired';
    throw error;
  }

  private hear(type: string, object: KubernetesObject): void {
    const { name, namespace = '', resourceVersion = this.resourceVersion } = object.metadata;
    this.resourceVersion = resourceVersion;
    if (type === 'BOOKMARK') return;
    if (type === 'DELETED') this.drop(namespace, name);
    if (type === 'DELETED' || this.put(namespace, object)) this.altered(object);
    this.options.changed(namespace, name, resourceVersion);
  }

  private altered({ metadata: { namespace, name } }: KubernetesObject): void {
    this.options.altered?.(namespace ?? '', name);
  }

  /**
   * @param listed whether it is as the server has it now; an answer or an event may come late
   * @returns whether it isn't the same as before
   */
  private put(namespace: string, object: KubernetesObject, listed = false): boolean {
    const { name, resourceVersion = '0' } = object.metadata;
    const objects = this.byNamespace.get(namespace) ?? new Map<string, Kept<T>>();
    const known = objects.get(name);
    // an answer of the API server may have come ahead of the events before it
    if (!listed && known && known.uid === object.metadata.uid && BigInt(known.version) > BigInt(resourceVersion)) return false;
    this.byNamespace.set(namespace, objects);
    const kept = this.options.keep(object);
    objects.set(name, { uid: object.metadata.uid, version: resourceVersion, object: kept });
    return known === undefined || !(this.options.same?.(known.object, kept) ?? true);
  }

  private drop(namespace: string, name: string): void {
    const objects = this.byNamespace.get(namespace);
    if (objects?.delete(name) && objects.size === 0) this.byNamespace.delete(namespace);
  }
}
