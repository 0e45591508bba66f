import { defaultStructure, flavourOf, processTypes } from '../builds/flavour.ts';
import type { BuildSnapshot } from '../deploy/snapshot.ts';

/** Pods wanted by process type. */
export type Structure = Record<string, number>;

/**
 * The structure that a roll-out uses and that becomes the app's when it succeeds. It is the same for a new build, a config and a
 * rollback:
 * - without a build nothing runs, and the structure stays for later;
 * - a type that the build doesn't have gets 0;
 * - an app's first build brings its default structure, and so does a build of another flavour, which ends `web` and `cmd` of the old one;
 * - every other count stays, 0 too.
 *
 * @param previous the build that ran last; null: none ever did
 * @param candidate the build to roll out
 * @param current the app's structure as it stands
 */
export function planStructure(previous: BuildSnapshot | null, candidate: BuildSnapshot | null, current: Structure): Structure {
  if (!candidate) return current;
  const types = processTypes(candidate);
  const planned = new Map(Object.entries(current).map(([type, count]) => [type, types.includes(type) ? count : 0]));
  const byDefault = Object.entries(defaultStructure(candidate));
  if (!previous) {
    for (const [type, count] of byDefault) if (!planned.has(type)) planned.set(type, count);
  } else if (flavourOf(previous) !== flavourOf(candidate)) {
    // Any build can run `cmd`; a `web` that this one lacks has its 0 already, and one that it has is in its default.
    if (planned.has('cmd')) planned.set('cmd', 0);
    for (const [type, count] of byDefault) planned.set(type, count);
  }
  return Object.fromEntries([...planned].sort(([a], [b]) => (a < b ? -1 : 1)));
}
