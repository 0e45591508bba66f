import { Injectable } from '@nestjs/common';
import { setMaxListeners } from 'node:events';
import type { App } from '../apps/app.entity.ts';
import { Wakeup } from '../deploy/wakeup.ts';
import { Cluster } from '../kubernetes/cluster.ts';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { AppLogTail } from './app-log-tail.ts';
import { LineBuffer } from './line-buffer.ts';
import { ownLines, shown } from './log-lines.ts';
import { LogReader } from './log-reader.ts';
import { type LogStart, PodFollower } from './pod-follower.ts';

/** Pods that one caller follows at a time, each by a connection to the API server. */
const FOLLOWED = 50;
/** A change of the app's pods wakes who waits for it; they are looked at this often besides. Milliseconds. */
const LOOK = 30_000;

/** Follows the logs of apps: what their pods print, through their replacement, and what Keelson says. */
@Injectable()
export class LogFollowing {
  constructor(
    private readonly reader: LogReader,
    private readonly tail: AppLogTail,
    private readonly cluster: Cluster,
    private readonly cache: ClusterCache,
  ) {}

  /**
   * The last lines, and then each line as it comes. Who reads slowly makes the logs wait; what the kubelet doesn't keep meanwhile is shown
   * as a gap.
   * @param count how many of the last lines
   * @param signal ends it
   * @throws before it returns: what reading the last lines throws
   */
  async follow(app: App, count: number, signal: AbortSignal): Promise<AsyncGenerator<string, void, undefined>> {
    const over = new AbortController();
    // each pod has some
    setMaxListeners(0, over.signal);
    signal.addEventListener('abort', () => {
      over.abort();
    });
    if (signal.aborted) over.abort();
    const listening = this.tail.listen(app.uuid, over.signal);
    try {
      const { lines, own, pods } = await this.reader.end(app, count);
      return this.all(app, shown(lines), listening(own), pods, over);
    } catch (error) {
      over.abort();
      throw error;
    }
  }

  private async *all(
    app: App,
    first: string,
    own: AsyncIterable<{ at: Date; line: string }>,
    starts: Map<string, LogStart>,
    over: AbortController,
  ): AsyncGenerator<string, void, undefined> {
    const buffer = new LineBuffer(over.signal);
    let fault: unknown;
    const failed = (error: unknown): void => {
      fault = error;
      over.abort();
    };
    try {
      if (first !== '') yield first;
      this.own(own, buffer).catch(failed);
      this.pods(app, starts, buffer, over.signal).catch(failed);
      yield* buffer.texts();
      if (fault !== undefined) throw faultOf(fault);
    } finally {
      over.abort();
    }
  }

  private async own(lines: AsyncIterable<{ at: Date; line: string }>, buffer: LineBuffer): Promise<void> {
    for await (const { at, line } of lines) for (const each of ownLines(at, line)) await buffer.put(each);
  }

  /** Joins the pods of the app as the cache shows them. */
  private async pods(app: App, starts: Map<string, LogStart>, buffer: LineBuffer, signal: AbortSignal): Promise<void> {
    const followed = new Map<string, Promise<void>>();
    const done = new Set<string>();
    const changed = new Wakeup();
    const wake = (): void => {
      changed.signal();
    };
    const unsubscribe = this.cache.onChange(app.id, wake);
    signal.addEventListener('abort', wake);
    let left = 0;
    let fault: unknown;
    try {
      while (!signal.aborted) {
        if (fault !== undefined) throw faultOf(fault);
        const there = this.cache.podsOf(app.id);
        const uids = new Set(there.map(({ uid }) => uid));
        for (const uid of done) if (!uids.has(uid)) done.delete(uid);
        const others = there.filter(({ uid }) => !followed.has(uid) && !done.has(uid)).sort((a, b) => b.created.localeCompare(a.created));
        for (const pod of others.splice(0, FOLLOWED - followed.size)) {
          const follower = new PodFollower(this.cluster, this.cache, app.id, pod, starts.get(pod.uid));
          const ended = this.pod(follower, buffer, signal)
            .catch((error: unknown) => {
              fault = error;
            })
            .finally(() => {
              followed.delete(pod.uid);
              done.add(pod.uid);
              wake();
            });
          followed.set(pod.uid, ended);
        }
        if (others.length > left) {
          for (const line of ownLines(new Date(), `${others.length} pods are not followed: ${FOLLOWED} are at a time`))
            await buffer.put(line);
        }
        left = others.length;
        await changed.within(LOOK);
      }
    } finally {
      unsubscribe();
      signal.removeEventListener('abort', wake);
    }
  }

  private async pod(follower: PodFollower, buffer: LineBuffer, signal: AbortSignal): Promise<void> {
    for await (const line of follower.lines(signal)) await buffer.put(line);
  }
}

const faultOf = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error('the log cannot be followed', { cause: thrown }));
