import { ApiError } from '../api-error.ts';
import { reportUnexpected } from './report-unexpected.ts';
import { timing } from './timing.ts';

/**
 * A controller's queue: each key is worked at most once at a time, soon after it was added, and again after a failure, with back-off.
 * The work reads the newest state by itself (level-triggered), so many additions of a key may end in one run.
 */
export class WorkQueue {
  private readonly due = new Map<string, { at: number; timer: NodeJS.Timeout }>();
  private readonly failures = new Map<string, number>();
  private stopped = false;

  constructor(private readonly work: (key: string) => void) {}

  /** Run the work for `key` in `delay` milliseconds, or earlier if it is due earlier already. */
  add(key: string, delay = 0): void {
    if (this.stopped) return;
    const at = Date.now() + delay;
    const waiting = this.due.get(key);
    if (waiting && waiting.at <= at) return;
    clearTimeout(waiting?.timer);
    this.due.set(key, { at, timer: setTimeout(() => this.run(key), delay) });
  }

  stop(): void {
    this.stopped = true;
    for (const { timer } of this.due.values()) clearTimeout(timer);
    this.due.clear();
  }

  private run(key: string): void {
    this.due.delete(key);
    try {
      this.work(key);
      this.failures.delete(key);
    } catch (error) {
      // An API error is an answer (a conflict, a quota, a namespace that is going away); anything else is a mistake in here.
      if (!(error instanceof ApiError)) reportUnexpected(error);
      const failures = this.failures.get(key) ?? 0;
      this.failures.set(key, failures + 1);
      this.add(key, Math.min(timing.retry.greatest, timing.retry.first * 2 ** failures));
    }
  }
}

/** An object's key in a queue. */
export const keyOf = ({ namespace, name }: { namespace?: string; name: string }): string => `${namespace ?? ''}/${name}`;

export function fromKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
