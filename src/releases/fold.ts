import { effectiveProcfile, type ProcfilePolicy } from '../builds/procfile-policy.ts';
import { mergeConfig } from '../config/config-merge.ts';
import { emptyConfig, type ConfigContent } from '../config/config-content.ts';
import type { BuildSnapshot } from '../deploy/snapshot.ts';
import { BadRequest, NotFound } from '../http/errors.ts';
import type { Change } from './change.ts';

/** What a release consists of: the head that the next change is folded onto. Owners are usernames. */
export interface FoldState {
  version: number;
  config: ConfigContent;
  /** Who made the change that the config comes from. */
  configOwner: string;
  build: FoldBuild | null;
}

export interface FoldBuild extends BuildSnapshot {
  owner: string;
}

/** What a change refers to but doesn't carry, and the settings that decide about it. */
export interface FoldContext {
  /** Number of the release that the change makes. */
  version: number;
  /** Username of who makes it. */
  author: string;
  /** The build row that a build change names. Its procfile is not looked at: the change has the one that was sent. */
  build?: FoldBuild;
  /** The release that a rollback names, as it is recorded now; null: there is none of that number. */
  target?: (FoldState & { failed: boolean }) | null;
  procfilePolicy: ProcfilePolicy;
  /** Whether an app may be rolled back to a release without a build, which takes its processes away. */
  rollbackToBuildless: boolean;
}

function rollback(target: FoldContext['target'], context: FoldContext): FoldState {
  if (!target) throw NotFound.of('Release');
  if (target.failed) throw new BadRequest('Cannot roll back to failed release.');
  if (!target.build && !context.rollbackToBuildless) throw new BadRequest('Cannot roll back to initial release.');
  return { version: context.version, config: target.config, configOwner: target.configOwner, build: target.build };
}

/**
 * What a release consists of, from the head it comes after and its own change: when it is committed, and again when the head it was
 * committed on turns out to fail. Throws the `ApiError` that says why the change doesn't apply to this head.
 *
 * @param head null for the first release only
 */
export function fold(head: FoldState | null, change: Change, context: FoldContext): FoldState {
  const { version, author } = context;
  if (change.kind === 'create') return { version, config: emptyConfig(), configOwner: author, build: null };
  if (!head) throw new Error(`v${version} changes an app that has no release`);
  switch (change.kind) {
    case 'config':
      return { ...head, version, config: mergeConfig(head.config, change.patch), configOwner: author };
    case 'build': {
      if (context.build?.uuid !== change.build) throw new Error(`v${version} brings build ${change.build}, which was not given`);
      const procfile = effectiveProcfile(head.build?.procfile ?? {}, change.procfile, context.procfilePolicy);
      return { ...head, version, build: { ...context.build, procfile } };
    }
    case 'rollback':
      return rollback(context.target, context);
  }
}
