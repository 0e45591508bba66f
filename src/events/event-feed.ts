import { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Wakeup } from '../deploy/wakeup.ts';
import type { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { podList } from '../pods/pod-list.ts';
import type { AppEvent } from './app-event.entity.ts';
import type { EventBounds } from './app-events.ts';
import type { EventData } from './event-data.ts';

type PodData = EventData['pod'];

/** Events read from the database at a time. */
export const PAGE = 500;
/** Events that are kept here for readers who are a little behind. */
const KEPT = 1_000;
/** The pause after the database didn't answer, in milliseconds. */
const PAUSE = 1_000;

/** Where a feed reads an app's events. */
export interface EventSource {
  after(id: number): Promise<AppEvent[]>;
  bounds(): Promise<EventBounds | null>;
}

/**
 * The events of one app as they come, for all who follow it in this process: what is new is read once, whenever there is something new.
 * Its pods are as the watch cache shows them.
 */
export class EventFeed {
  private readonly logger = new Logger(EventFeed.name);
  private readonly readers = new Set<Wakeup>();
  /** Without gaps, up to `last`. */
  private newest: AppEvent[] = [];
  /** Number of the newest event that was read; null before it is known where to begin. */
  private last: number | null = null;
  private types: readonly string[] = [];
  private pods: ReadonlyMap<string, PodData> = new Map();
  private behind = false;
  private reading = false;
  private podsChanged = false;
  private unsubscribe: () => void = () => undefined;
  private over = false;

  constructor(
    private readonly appId: string,
    private readonly source: EventSource,
    private readonly cache: ClusterCache,
  ) {}

  /** Whether the app is gone, and no event comes after those that were read. */
  get ended(): boolean {
    return this.over;
  }

  get empty(): boolean {
    return this.readers.size === 0;
  }

  /** Has a reader woken from now on whenever there is something for him. */
  join(reader: Wakeup): void {
    if (this.empty) this.unsubscribe = this.cache.onChange(this.appId, () => this.podsSoon());
    this.readers.add(reader);
  }

  /** May be repeated. */
  leave(reader: Wakeup): void {
    this.readers.delete(reader);
    if (this.empty) this.unsubscribe();
  }

  /** Where to begin, as the first reader found it. */
  begin({ last, types }: EventBounds): void {
    if (this.last !== null) return;
    this.last = last;
    this.types = types;
    this.lookAtPods();
    if (this.behind) this.look();
  }

  /** There may be something new. */
  look(): void {
    this.behind = true;
    if (!this.reading && this.last !== null) void this.catchUp();
  }

  /** The events after one that a reader has; null: they are not all here. */
  since(id: number): readonly AppEvent[] | null {
    if (this.last === null || id >= this.last) return [];
    const [first] = this.newest;
    return first && first.id <= id + 1 ? this.newest.slice(id + 1 - first.id) : null;
  }

  /** What a reader who saw these pods last is to be told of them, by their uids; they are brought up to date. */
  podsSince(seen: Map<string, PodData>): PodData[] {
    const gone = [...seen].filter(([uid]) => !this.pods.has(uid));
    const changed = [...this.pods].filter(([uid, pod]) => seen.get(uid) !== pod);
    for (const [uid] of gone) seen.delete(uid);
    for (const [uid, pod] of changed) seen.set(uid, pod);
    return [...gone.map(([, pod]) => ({ ...pod, state: 'destroyed' })), ...changed.map(([, pod]) => pod)];
  }

  private async catchUp(): Promise<void> {
    this.reading = true;
    while (this.behind && !this.empty) {
      this.behind = false;
      try {
        await this.read();
      } catch (error) {
        this.logger.warn(`the events of an app cannot be read for the moment: ${error instanceof Error ? error.message : String(error)}`);
        this.behind = true;
        await sleep(PAUSE);
      }
    }
    this.reading = false;
  }

  private async read(): Promise<void> {
    let page: AppEvent[];
    let any = false;
    let types = false;
    do {
      page = await this.source.after(this.last ?? 0);
      for (const event of page) this.add(event);
      any ||= page.length > 0;
      types ||= page.some(({ event }) => event === 'release' || event === 'scale');
      if (page.length > 0) this.wake();
    } while (page.length === PAGE);
    if (any && !types) return;
    const bounds = await this.source.bounds();
    this.over = bounds === null;
    this.types = bounds?.types ?? [];
    if (this.over) this.wake();
    else this.lookAtPods();
  }

  private add(event: AppEvent): void {
    if (event.id !== (this.last ?? 0) + 1) this.newest = [];
    this.newest.push(event);
    if (this.newest.length > KEPT) this.newest = this.newest.slice(-KEPT);
    this.last = event.id;
  }

  /** Changes come in bursts: they are looked at together. */
  private podsSoon(): void {
    if (this.podsChanged) return;
    this.podsChanged = true;
    setImmediate(() => {
      this.podsChanged = false;
      if (!this.empty && this.last !== null) this.lookAtPods();
    });
  }

  private lookAtPods(): void {
    const context = { app: this.appId, types: this.types, events: this.cache.eventsOf(this.appId), now: new Date() };
    const before = this.pods;
    this.pods = new Map(
      podList(this.cache.podsOf(this.appId), context).map(({ uid, name, type, release, state, started }) => {
        const pod: PodData = { name, type, release, state, started: started?.toISOString() ?? null };
        const known = before.get(uid);
        return [uid, known && isSame(known, pod) ? known : pod];
      }),
    );
    const same = before.size === this.pods.size && [...this.pods].every(([uid, pod]) => before.get(uid) === pod);
    if (!same) this.wake();
  }

  private wake(): void {
    for (const reader of this.readers) reader.signal();
  }
}

const isSame = (one: PodData, other: PodData): boolean =>
  one.state === other.state && one.type === other.type && one.release === other.release && one.started === other.started;
