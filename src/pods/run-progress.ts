import { podVerdict } from '../deploy/verdict.ts';
import type { CachedPod } from '../kubernetes/cached-objects.ts';
import type { CachedEvent } from '../kubernetes/cluster-cache.ts';

/** How far a run has come. `failed`: it can't start, or was taken away; `trouble` is what keeps it from starting, so far. */
export type RunProgress =
  | { state: 'pending'; trouble: string | null }
  | { state: 'running' }
  | { state: 'exited'; exitCode: number }
  | { state: 'failed'; text: string };

/** Why a container ended without ever having run. */
const NEVER_RAN = new Set(['StartError', 'ContainerCannotRun']);

/** Judges the pod of a run: a pure function of what the cluster shows. @param container the run's own, in case others were put beside it */
export function runProgress(pod: CachedPod, container: string, events: CachedEvent[]): RunProgress {
  const state = pod.containers.find(({ name }) => name === container)?.state;
  if (state?.terminated) {
    const { exitCode, reason = '', message } = state.terminated;
    return NEVER_RAN.has(reason) ? { state: 'failed', text: `cannot start: ${message ?? reason}` } : { state: 'exited', exitCode };
  }
  if (pod.phase === 'Succeeded') return { state: 'exited', exitCode: 0 };
  // how it ended is not told when its pod was taken away: it goes in a moment
  if (pod.phase === 'Failed' && pod.deleted !== null && pod.reason === null) return { state: 'running' };
  if (pod.phase === 'Failed') return { state: 'failed', text: [pod.reason ?? 'the pod failed', pod.message].filter(Boolean).join(': ') };
  if (state?.running) return { state: 'running' };
  const found = podVerdict(pod, { events, endedBefore: new Map(), now: 0 });
  if (found?.fails) return { state: 'failed', text: found.trouble.message };
  return { state: 'pending', trouble: found?.trouble.message ?? null };
}
