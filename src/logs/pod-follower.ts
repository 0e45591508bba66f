import { setTimeout as sleep } from 'node:timers/promises';
import { Wakeup } from '../deploy/wakeup.ts';
import type { CachedPod } from '../kubernetes/cached-objects.ts';
import type { Cluster, LogQuery } from '../kubernetes/cluster.ts';
import type { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { ObjectNotFound, OutOfReach, Refused } from '../kubernetes/cluster-errors.ts';
import { deploymentName } from '../kubernetes/names.ts';
import { linesAsTheyCome, type LogLine, type LogPosition, ownLines, podLine, positionAfter, sourceOf, timedLine } from './log-lines.ts';

/** The first pause before a log is asked for again, doubled up to the longest. Milliseconds. */
const PAUSE = 250;
const LONGEST_PAUSE = 5_000;
/** A change of a pod wakes who waits for it; it is looked at this often besides. Milliseconds. */
const LOOK = 30_000;
/** Who reads so slowly that a line waited this long may have lost some to the kubelet: its place is looked for again. Milliseconds. */
const STALLED = 30_000;
/** A log that can't be read for so long is told of. Milliseconds. */
const SILENT = 10_000;

/** Where to begin with a pod's log. */
export interface LogStart {
  /** How far it was read before; null: there was nothing in it. Undefined: it was not read. */
  position?: LogPosition | null;
  /** If it was not read: only so many of the last lines; undefined for all. */
  tailLines?: number;
}

/** One run of a container: how often it was restarted before, and whether it still runs. */
interface ContainerRun {
  restarts: number;
  running: boolean;
}

/** Follows the log of one pod, over broken connections and restarts of its container, until it is gone or has ended. */
export class PodFollower {
  private readonly container: string;
  private readonly source: string;
  private position: LogPosition | null;
  private tailLines: number | undefined;
  /** Restarts of the container before the run that was read last, and before the one that was read to its end. */
  private met: number | null = null;
  private readToEnd: number | null = null;
  /** Whether lines may have gone unread: the last connection broke off, or there was none to this run of the container. */
  private unsure = false;
  private outOfReachSince: number | null = null;

  /** @param app id of the app; @param pod as the cache has it now */
  constructor(
    private readonly cluster: Cluster,
    private readonly cache: ClusterCache,
    private readonly app: string,
    private readonly pod: CachedPod,
    { position, tailLines }: LogStart = {},
  ) {
    this.container = containerOf(app, pod);
    this.source = sourceOf(app, pod);
    this.position = position ?? null;
    this.tailLines = tailLines;
    const run = runOf(pod, this.container);
    if (position !== undefined && run && !run.running) this.met = this.readToEnd = run.restarts;
  }

  /** The lines, each once, in the order of the log; and one in place of those that are lost. */
  async *lines(signal: AbortSignal): AsyncGenerator<LogLine, void, undefined> {
    const changed = new Wakeup();
    const wake = (): void => {
      changed.signal();
    };
    const unsubscribe = this.cache.onChange(this.app, wake);
    signal.addEventListener('abort', wake);
    let pause = PAUSE;
    try {
      while (!signal.aborted) {
        const pod = this.cache.podsOf(this.app).find(({ uid }) => uid === this.pod.uid);
        const run = pod && runOf(pod, this.container);
        if (!pod && !this.unsure) return;
        if (pod && (!run || (run.restarts === this.readToEnd && !run.running))) {
          if (hasEnded(pod)) return;
          await changed.within(LOOK);
          continue;
        }
        if (run && run.restarts !== this.met) this.meet(run);
        let some = false;
        try {
          for await (const line of this.connection(signal)) {
            some = true;
            pause = PAUSE;
            yield line;
          }
          this.unsure = false;
          this.outOfReachSince = null;
          if (run && !run.running) this.readToEnd = run.restarts;
          // it may have ended before the cache knew, or the API server has lost its kubelet: what was read tells when it is read again
          else await changed.within(pause);
        } catch (error) {
          if (error instanceof ObjectNotFound) {
            if (this.unsure) yield this.gap('the pod went before they were read');
            return;
          }
          if (error instanceof OutOfReach) {
            this.unsure = true;
            const told = this.outOfReach(error);
            if (told) yield told;
          } else if (!(error instanceof Refused)) throw error;
          // a container that hasn't started has no log
          await sleep(pause, undefined, { signal }).catch(() => undefined);
        }
        if (!some) pause = Math.min(2 * pause, LONGEST_PAUSE);
      }
    } finally {
      unsubscribe();
      signal.removeEventListener('abort', wake);
    }
  }

  private meet({ restarts }: ContainerRun): void {
    // the former run was read to its end, and this one has a log of its own
    if (this.readToEnd !== null && restarts === this.readToEnd + 1) this.position = null;
    this.met = restarts;
    this.unsure = true;
  }

  /** What is new, from one connection. */
  private async *connection(signal: AbortSignal): AsyncGenerator<LogLine, void, undefined> {
    const from = this.position;
    let known = 0;
    let catchingUp = from !== null;
    for await (const line of linesAsTheyCome(this.cluster.followLog(this.app, this.pod.name, this.query(), signal))) {
      const timed = timedLine(line);
      if (!timed) {
        // no line of a process: the kubelet says so why it has no log. At the end of one that was read, a container that goes is no loss
        if (this.unsure && catchingUp && known === 0) yield this.gap(line);
        continue;
      }
      if (catchingUp && from) {
        if (timed.at < from.at) continue;
        if (timed.at === from.at && known < from.lines) {
          known += 1;
          continue;
        }
        catchingUp = false;
        // the last line that was read isn't there any more
        if (known === 0) yield* this.formerLines(from, signal);
      }
      this.position = positionAfter(this.position, timed);
      this.outOfReachSince = null;
      const offered = performance.now();
      yield podLine(this.source, timed);
      if (performance.now() - offered > STALLED) return;
    }
  }

  /** The rest of the log of the container's former run, if the last line that was read is in it. Else lines are lost. */
  private async *formerLines(from: LogPosition, signal: AbortSignal): AsyncGenerator<LogLine, void, undefined> {
    let known = 0;
    try {
      const log = this.cluster.followLog(this.app, this.pod.name, { ...this.query(), previous: true }, signal);
      for await (const line of linesAsTheyCome(log)) {
        const timed = timedLine(line);
        if (!timed || timed.at < from.at) continue;
        if (timed.at === from.at && known < from.lines) {
          known += 1;
          continue;
        }
        if (known === 0) break;
        this.position = positionAfter(this.position, timed);
        yield podLine(this.source, timed);
      }
    } catch (error) {
      if (!(error instanceof Refused || error instanceof ObjectNotFound)) throw error;
    }
    if (known === 0) yield this.gap('its log was rotated or its container replaced before they were read');
  }

  private query(): LogQuery {
    const { container, position, tailLines } = this;
    if (position === null) return { container, timestamps: true, tailLines };
    // Kubernetes knows whole seconds alone
    return { container, timestamps: true, sinceTime: `${new Date(Number(position.at / 1_000_000n)).toISOString().slice(0, 19)}Z` };
  }

  private gap(why: string): LogLine {
    return this.own(`lines of ${this.pod.name} may be missing here: ${why}`);
  }

  /** Told once, if it lasts. */
  private outOfReach(error: OutOfReach): LogLine | null {
    const since = (this.outOfReachSince ??= performance.now());
    if (performance.now() - since < SILENT) return null;
    this.outOfReachSince = Infinity;
    return this.own(`the log of ${this.pod.name} is out of reach: ${error.message}`);
  }

  private own(text: string): LogLine {
    const [line] = ownLines(new Date(), text);
    return line ?? { at: Date.now(), text };
  }
}

/** The container of a pod that is the app's: whatever else was put beside it isn't. */
export function containerOf(app: string, { labels, containers }: CachedPod): string {
  const own = deploymentName(app, labels.type ?? '');
  return containers.length === 0 || containers.some(({ name }) => name === own) ? own : (containers[0]?.name ?? own);
}

/** Undefined: it has never run. */
function runOf({ containers }: CachedPod, container: string): ContainerRun | undefined {
  const status = containers.find(({ name }) => name === container);
  if (!status) return undefined;
  const { state, lastState, restartCount } = status;
  if (state?.running) return { restarts: restartCount, running: true };
  return (state?.terminated ?? lastState?.terminated) ? { restarts: restartCount, running: false } : undefined;
}

const hasEnded = ({ phase }: CachedPod): boolean => phase === 'Succeeded' || phase === 'Failed';
