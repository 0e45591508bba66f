import type { CachedEvent } from '../kubernetes/cluster-cache.ts';
import type { ContainerState } from '../kubernetes/cached-objects.ts';

/** How the kubelet's words about a probe that fails begin. */
const LIVENESS = /^Liveness probe /;
/** What it says when it therefore ends the container. */
const KILLED = /failed liveness probe/;
/** Exit codes of what was ended from outside: killed, and told to end. */
const ENDED_FROM_OUTSIDE = [137, 143];

/** A liveness probe counts as still failing for so long after it last did: three times a usual period. Milliseconds. */
const LASTS = 30_000;

const at = ({ last }: CachedEvent): number => Date.parse(last);

function newest(events: CachedEvent[], words: RegExp): CachedEvent | undefined {
  return events
    .filter(({ message }) => words.test(message))
    .reduce<CachedEvent | undefined>((a, b) => (a && at(a) >= at(b) ? a : b), undefined);
}

/**
 * What a probe says of a pod whose events these are. Of two that fail it is the one that will end the container; else the words would
 * change with every event. Null where none failed.
 */
export function probeFault(events: CachedEvent[]): string | null {
  const faults = events.filter(({ reason }) => reason === 'Unhealthy');
  const last = newest(faults, /./);
  const liveness = newest(faults, LIVENESS);
  if (!last) return null;
  return liveness && at(last) - at(liveness) <= LASTS ? liveness.message : last.message;
}

/**
 * What the liveness probe said for which a container was ended; null if it ended by itself. Its status tells only the exit code.
 * @param ended how it ended; @param events those of its pod
 */
export function killedByProbe({ exitCode, startedAt }: NonNullable<ContainerState['terminated']>, events: CachedEvent[]): string | null {
  const killing = newest(
    events.filter(({ reason }) => reason === 'Killing'),
    KILLED,
  );
  // the event of an earlier kill is brought up to date only after the container has ended
  const meant = killing && (ENDED_FROM_OUTSIDE.includes(exitCode) || at(killing) >= Date.parse(startedAt ?? ''));
  if (!meant) return null;
  const faults = events.filter(({ reason }) => reason === 'Unhealthy');
  return newest(faults, LIVENESS)?.message ?? 'its liveness probe failed';
}
