import { setTimeout as sleep } from 'node:timers/promises';

/** A signal that is kept until somebody waits for it. */
export class Wakeup {
  private signalled = false;
  private wake: (() => void) | null = null;

  signal(): void {
    this.signalled = true;
    this.wake?.();
  }

  /** Resolves at the next signal (or one since the last wait), at the latest after so many milliseconds. */
  async within(milliseconds: number): Promise<void> {
    if (!this.signalled) {
      const timer = new AbortController();
      await Promise.race([
        new Promise<void>((resolve) => (this.wake = resolve)),
        sleep(milliseconds, undefined, { signal: timer.signal }).catch(() => undefined),
      ]);
      timer.abort();
    }
    this.signalled = false;
    this.wake = null;
  }
}
