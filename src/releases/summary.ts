import { isDeepStrictEqual } from 'node:util';
import { configFields } from '../config/config-fields.ts';
import type { Change } from './change.ts';
import type { FoldBuild, FoldState } from './fold.ts';

type Map = Record<string, unknown>;
type Difference = 'added' | 'changed' | 'deleted';

function differences(before: Map, after: Map): Record<Difference, string[]> {
  const added = Object.keys(after).filter((key) => !Object.hasOwn(before, key));
  const changed = Object.keys(after).filter((key) => Object.hasOwn(before, key) && !isDeepStrictEqual(before[key], after[key]));
  const deleted = Object.keys(before).filter((key) => !Object.hasOwn(after, key));
  return { added: added.sort(), changed: changed.sort(), deleted: deleted.sort() };
}

/** `added tag x, changed tag y`: the groups that aren't empty, each with its verb and what its keys are. Null: nothing differs. */
function keyChanges(before: Map, after: Map, noun = ''): string | null {
  const groups = Object.entries(differences(before, after)).filter(([, keys]) => keys.length > 0);
  return groups.map(([verb, keys]) => `${verb} ${noun}${keys.join(', ')}`).join(', ') || null;
}

function configChanges(before: FoldState['config'], after: FoldState['config']): string[] {
  const changed = (...fields: (keyof FoldState['config'])[]): string =>
    fields
      .filter((field) => !isDeepStrictEqual(before[field], after[field]))
      .map((field) => configFields[field])
      .join(', ');
  const limits = changed('memory', 'cpu');
  const timeouts = changed('terminationGracePeriod');
  const hooks = changed('lifecyclePostStart', 'lifecyclePreStop');
  return [
    keyChanges(before.values, after.values),
    limits && `changed limits for ${limits}`,
    keyChanges(before.tags, after.tags, 'tag '),
    keyChanges(before.registry, after.registry, 'registry info '),
    keyChanges(before.healthcheck, after.healthcheck, 'healthcheck info for proc type '),
    timeouts && `changed timeouts for ${timeouts}`,
    hooks && `changed hooks for ${hooks}`,
  ].filter((part): part is string => Boolean(part));
}

const deployed = (build: FoldBuild): string => `${build.owner} deployed ${build.sha ? build.sha.slice(0, 7) : build.image}`;

function changeParts(before: FoldState, after: FoldState): string[] {
  const build = after.build && after.build.uuid !== before.build?.uuid ? [deployed(after.build)] : [];
  return [...build, ...configChanges(before.config, after.config).map((part) => `${after.configOwner} ${part}`)];
}

/** Whether a change leaves everything as it was, so that `NOOP_RELEASE=reject` refuses it. A rollback never counts as that. */
export function changesNothing(before: FoldState, change: Change, after: FoldState): boolean {
  return change.kind !== 'rollback' && changeParts(before, after).length === 0;
}

/**
 * What a release changed, in one line, with keys sorted.
 *
 * @param before the head that the change was folded onto; null for the first release
 * @param author username of who made the change; for the first release the app's owner
 */
export function summary(before: FoldState | null, change: Change, after: FoldState, author: string): string {
  if (!before) return `${author} created initial release`;
  if (change.kind === 'rollback') return `${author} rolled back to v${change.version}`;
  return changeParts(before, after).join(' and ') || `${author} changed nothing`;
}

/** The summary that a release gets when it has failed. */
export function failedSummary(change: Change, author: string): string {
  switch (change.kind) {
    case 'create':
      return `${author} created initial release which failed`;
    case 'config':
      return `${author} deployed a config that failed`;
    case 'build':
      return `${author} deployed ${change.build.slice(0, 7)} which failed`;
    case 'rollback':
      return `${author} performed roll back to a release that failed`;
  }
}
