import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterSide, Json, Metadata } from './cluster-sides.ts';

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

export interface ContainerStatus {
  ready: boolean;
  restartCount: number;
  state: Record<string, { reason?: string; exitCode?: number; message?: string } | undefined>;
  lastState: Record<string, { reason?: string; exitCode?: number } | undefined>;
}

export interface LiveObject {
  kind: string;
  metadata: Metadata;
  spec?: Json;
  status?: Json & { conditions?: Condition[]; phase?: string; containerStatuses?: ContainerStatus[] };
  involvedObject?: { kind: string; name: string };
  type?: string;
  reason?: string;
  message?: string;
}

/** Everything that a watch brought of a namespace, in the order of each kind. */
export class ObservedNamespace {
  private readonly seen: { type: string; object: LiveObject }[] = [];
  private readonly over = new AbortController();
  private watches: Promise<void>[] = [];

  constructor(
    readonly side: ClusterSide,
    readonly namespace: string,
  ) {}

  get core(): string {
    return `/api/v1/namespaces/${this.namespace}`;
  }

  get deployments(): string {
    return `/apis/apps/v1/namespaces/${this.namespace}/deployments`;
  }

  start(): void {
    const paths = [`${this.core}/pods`, `${this.core}/events`, this.deployments, this.deployments.replace('deployments', 'replicasets')];
    this.watches = paths.map(async (path) => {
      for await (const event of this.side.watch(`${path}?watch=true`, this.over.signal)) {
        if (event.type !== 'BOOKMARK') this.seen.push({ type: event.type, object: event.object as unknown as LiveObject });
      }
    });
  }

  async stop(): Promise<void> {
    this.over.abort();
    await Promise.all(this.watches);
  }

  /** The states of all objects of a kind, oldest first. */
  states(kind: string): LiveObject[] {
    return this.seen.map(({ object }) => object).filter((object) => object.kind === kind);
  }

  /** The last state of each object of a kind that is still there. */
  live(kind: string): LiveObject[] {
    const objects = new Map<string, LiveObject>();
    for (const { type, object } of this.seen) {
      if (object.kind !== kind) continue;
      if (type === 'DELETED') objects.delete(object.metadata.uid);
      else objects.set(object.metadata.uid, object);
    }
    return [...objects.values()];
  }

  /** Until what was seen fulfils the condition. */
  async until(what: string, holds: (observed: this) => boolean): Promise<void> {
    const end = performance.now() + 240_000;
    while (!holds(this)) {
      if (performance.now() > end)
        throw new Error(`${this.side.name}: never seen: ${what}; pods: ${JSON.stringify(this.live('Pod').map(({ status }) => status))}`);
      await pause(100);
    }
  }

  /** The states that a Deployment's conditions went through, as `Available=True MinimumReplicasAvailable`. */
  conditionsOf(kind: string, name: string): string[] {
    return inOrder(
      this.states(kind)
        .filter(({ metadata }) => metadata.name.startsWith(name))
        .flatMap(({ status }) => (status?.conditions ?? []).map(({ type, status: is, reason = '' }) => `${type}=${is} ${reason}`.trim())),
    );
  }

  /** What the newest object of a kind says in its conditions, with words. */
  wordsOf(kind: string, name: string): string[] {
    const object = this.states(kind)
      .filter(({ metadata }) => metadata.name.startsWith(name))
      .at(-1);
    return (object?.status?.conditions ?? [])
      .map(({ type, status, reason, message = '' }) => `${type}=${status} ${reason ?? ''}: ${plain(message)}`)
      .sort();
  }

  /** The states that the only container of the pods with this name went through, without those of its restarts after the second. */
  containersOf(name: string): string[] {
    const statuses = this.states('Pod')
      .filter(({ metadata }) => metadata.name.startsWith(name))
      .flatMap(({ status }) => status?.containerStatuses ?? []);
    return inOrder(statuses.filter(({ restartCount }) => restartCount < 2).map(stateOf));
  }

  phasesOf(name: string): string[] {
    const pods = this.states('Pod').filter(({ metadata }) => metadata.name.startsWith(name));
    return inOrder(pods.map(({ status }) => status?.phase ?? ''));
  }

  /** What the events about objects of a kind and name said, each once, in the order of the first time. */
  eventsOf(kind: string, name: string): string[] {
    const events = this.states('Event').filter(
      ({ involvedObject }) => involvedObject?.kind === kind && involvedObject.name.startsWith(name),
    );
    return inOrder(events.map(({ type = '', reason = '', message = '' }) => `${type} ${reason}: ${plain(message)}`));
  }
}

function stateOf({ state, lastState, ready }: ContainerStatus): string {
  const said = (of: ContainerStatus['state']): string =>
    Object.entries(of)
      .map(([name, details]) => [name, details?.reason, details?.exitCode].filter((each) => each !== undefined && each !== '').join(' '))
      .join();
  return `${said(state)}${Object.keys(lastState).length ? `, before: ${said(lastState)}` : ''}${ready ? ', ready' : ''}`;
}

/** Each once, in the order of the first time. */
const inOrder = (said: string[]): string[] => [...new Set(said)];

/** Words without what differs between any two clusters. */
const plain = (message: string): string =>
  message
    .replace(/fidelity-[a-z-]+-[a-z0-9]+/g, 'NAMESPACE')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '*')
    .replace(/-[bcdfghjklmnpqrstvwxz2456789]{8,10}(-[bcdfghjklmnpqrstvwxz2456789]{5})?\b/g, '-*')
    .replace(/\b10\.\d+\.\d+\.\d+(:\d+)?/g, '*')
    .replace(/lookup (\S+) on \S+:/g, 'lookup $1:')
    .replace(/\b(sandbox-node-1|node1)\b/g, 'NODE')
    .replace(/\b[\d.]+(ms|s)\b/g, '*');
