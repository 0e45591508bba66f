import { Injectable } from '@nestjs/common';
import { RUN } from '../builds/run-pod.manifests.ts';
import { Wakeup } from '../deploy/wakeup.ts';
import type { CachedPod } from '../kubernetes/cached-objects.ts';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { deploymentName } from '../kubernetes/names.ts';
import { podState } from './pod-state.ts';
import { RunLimits } from './run-limits.ts';
import { runProgress } from './run-progress.ts';

/** The pod of a run that is waited for. */
export interface WatchedRun {
  /** The app's id: its namespace. */
  app: string;
  pod: string;
  uid: string;
  /** Version of the pod that is known to be there: before the cache has come so far, a missing pod says nothing. */
  resourceVersion: string;
  /** Milliseconds in which it has to start. */
  startLimit: number;
  /** Milliseconds that its command has run already. */
  ran: number;
}

/**
 * How the wait ended. `failed`: it can't start, or was taken away. `unstarted`: its time to start is up, with the state of its pod and what
 * kept it, if that is known. `overtime`: its time to run is up.
 */
export type RunEnd =
  | { state: 'exited'; exitCode: number }
  | { state: 'failed'; text: string }
  | { state: 'unstarted'; podState: string; trouble: string | null }
  | { state: 'overtime' }
  | { state: 'gone' };

/** Limits have no event of their own: they are looked at this often, in milliseconds. */
const TICK = 1_000;
/** A pod that hasn't started by then has its events looked at, which takes a watch of its own. */
const SLOW_START = 2_000;

/** Waits on the watch cache for runs to end. */
@Injectable()
export class RunWatch {
  constructor(
    private readonly cache: ClusterCache,
    private readonly limits: RunLimits,
  ) {}

  /** @param onRunning called once when the command is seen running @throws what the signal was aborted with */
  async wait(run: WatchedRun, signal: AbortSignal, onRunning: () => Promise<void>): Promise<RunEnd> {
    const container = deploymentName(run.app, RUN);
    const changed = new Wakeup();
    const wake = (): void => {
      changed.signal();
    };
    const unsubscribe = this.cache.onChange(run.app, wake);
    signal.addEventListener('abort', wake);
    let stopEvents: (() => void) | null = null;
    // only time in which the cluster can be seen counts
    let waited = 0;
    let ran = run.ran;
    let running = ran > 0;
    let last = performance.now();
    try {
      for (;;) {
        signal.throwIfAborted();
        const now = performance.now();
        const passed = this.cache.fresh() ? now - last : 0;
        last = now;
        if (running) ran += passed;
        else waited += passed;
        const pod = this.podOf(run);
        if (pod === null) return { state: 'gone' };
        if (pod) {
          const progress = runProgress(pod, container, this.cache.eventsOf(run.app));
          if (progress.state === 'exited' || progress.state === 'failed') return progress;
          if (progress.state === 'running' && !running) {
            running = true;
            await onRunning();
          }
          if (progress.state === 'pending' && waited > run.startLimit) {
            return { state: 'unstarted', podState: podState(pod, container, this.cache.eventsOf(run.app)), trouble: progress.trouble };
          }
        }
        if (ran > this.limits.running) return { state: 'overtime' };
        if (!running && waited > SLOW_START) stopEvents ??= this.cache.watchEvents(run.app);
        await changed.within(TICK);
      }
    } finally {
      unsubscribe();
      signal.removeEventListener('abort', wake);
      stopEvents?.();
    }
  }

  /** Null: it is gone; undefined: the cache doesn't know yet. */
  private podOf({ app, pod, uid, resourceVersion }: WatchedRun): CachedPod | null | undefined {
    const found = this.cache.podsOf(app).find((candidate) => candidate.name === pod && candidate.uid === uid);
    if (found) return found;
    return this.cache.fresh() && this.cache.hasReached(resourceVersion) ? null : undefined;
  }
}
