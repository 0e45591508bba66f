import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, LessThanOrEqual, In, type EntityManager } from 'typeorm';
import type { App } from '../apps/app.entity.ts';
import { Build } from '../builds/build.entity.ts';
import { Config } from '../config/config.entity.ts';
import type { ConfigContent } from '../config/config-content.ts';
import { Insertion } from '../database/insertion.ts';
import { Projection } from '../database/projection.ts';
import { DeployHookQueue } from '../deploy-hooks/deploy-hook-queue.ts';
import { AppEvents } from '../events/app-events.ts';
import type { EventData } from '../events/event-data.ts';
import { ApiError, Conflict } from '../http/errors.ts';
import { AppLog } from '../logs/app-log.ts';
import { Settings } from '../settings/settings.ts';
import { User } from '../users/user.entity.ts';
import type { Change } from './change.ts';
import { fold, type FoldBuild, type FoldContext, type FoldState } from './fold.ts';
import { Release, type ReleaseState } from './release.entity.ts';
import { changesNothing, failedSummary, summary } from './summary.ts';

type Row = Record<string, unknown>;

/** What a new release is made of. */
export interface Entry {
  author: User;
  change: Change;
  /** The row that a build change names. */
  build?: Build;
}

/** SQL: what a release has to be for the newest of them to be the head. */
const HEAD = `release.state <> 'failed'`;

/** SQL: the newest release first, and no other. */
const NEWEST = 'ORDER BY release.version DESC LIMIT 1';

/** States of a release that is yet to be decided. */
const OPEN: readonly ReleaseState[] = ['pending', 'deploying'];

export function configContent(config: Config): ConfigContent {
  const { values, memory, cpu, tags, registry, healthcheck, terminationGracePeriod, lifecyclePostStart, lifecyclePreStop } = config;
  return { values, memory, cpu, tags, registry, healthcheck, terminationGracePeriod, lifecyclePostStart, lifecyclePreStop };
}

function foldBuild(build: Build): FoldBuild {
  const { uuid, image, sha, dockerfile, procfile, owner } = build;
  return { uuid, image, sha, dockerfile, procfile, owner: owner.username };
}

/** A release as the folding function takes it. Its build and config must have been loaded with their owners. */
export function foldState(release: Release): FoldState {
  return {
    version: release.version,
    config: configContent(release.config),
    configOwner: release.config.owner.username,
    build: release.build && foldBuild(release.build),
  };
}

/**
 * The book of an app's releases: numbering, folding, and what becomes of them. Every method runs in the caller's transaction, which
 * holds the app's row.
 */
@Injectable()
export class ReleaseLedger {
  private readonly projections;
  private readonly insertions;

  constructor(
    dataSource: DataSource,
    private readonly appLog: AppLog,
    private readonly deployHooks: DeployHookQueue,
    private readonly events: AppEvents,
    private readonly settings: Settings,
  ) {
    const name = ['id', 'uuid', 'username'] as const;
    this.projections = {
      release: new Projection(dataSource, Release, 'release'),
      owner: new Projection(dataSource, User, 'owner', name),
      config: new Projection(dataSource, Config, 'config'),
      configOwner: new Projection(dataSource, User, 'config_owner', name),
      build: new Projection(dataSource, Build, 'build'),
      buildOwner: new Projection(dataSource, User, 'build_owner', name),
    };
    this.insertions = { release: new Insertion(dataSource, Release), config: new Insertion(dataSource, Config) };
  }

  /** The highest release that has not failed: what the app is, or is about to be. */
  async head(manager: EntityManager, appUuid: string): Promise<Release | null> {
    return this.newest(manager, appUuid, HEAD);
  }

  /** The highest release that succeeded: what a failure falls back to. */
  async good(manager: EntityManager, appUuid: string): Promise<Release | null> {
    return this.newest(manager, appUuid, `release.state = 'succeeded'`);
  }

  /** The build of the highest succeeded release that had one, whether or not it still runs. */
  async lastBuild(manager: EntityManager, appUuid: string): Promise<Build | null> {
    const release = await this.newest(manager, appUuid, `release.state = 'succeeded' AND release.build_uuid IS NOT NULL`);
    return release?.build ?? null;
  }

  async find(manager: EntityManager, appUuid: string, version: number): Promise<Release | null> {
    return this.newest(manager, appUuid, 'release.version = $2', [version]);
  }

  /**
   * Adds a release on top of the head.
   * @returns the release with its config and build, the head that it was added to, and whether the cluster has to be brought to it
   * @throws the ApiError that says why the change doesn't apply
   */
  async append(
    manager: EntityManager,
    app: App,
    { author, change, build }: Entry,
  ): Promise<{ release: Release; head: Release | null; rollsOut: boolean }> {
    const { head, version, runs } = await this.place(manager, app.uuid);
    const before = head && foldState(head);
    const target = change.kind === 'rollback' ? await this.find(manager, app.uuid, change.version) : null;
    const after = fold(before, change, this.context(version, author.username, build, target));
    if (before && this.settings.noopRelease !== 'record' && changesNothing(before, change, after)) {
      throw new Conflict(`${author.username} changed nothing - release stopped`);
    }
    // without a build, now or before, there is nothing in the cluster to bring anywhere
    const rollsOut = after.build !== null || runs;
    const config = this.configOf(change, head, target) ?? (await this.insertConfig(manager, app, author, after.config));
    const release = Object.assign(new Release(), {
      uuid: randomUUID(),
      appUuid: app.uuid,
      owner: author,
      ownerId: author.id,
      version,
      state: rollsOut ? ('pending' as const) : ('succeeded' as const),
      summary: summary(before, change, after, author.username),
      build: build ?? (target ? target.build : (head?.build ?? null)),
      buildUuid: after.build?.uuid ?? null,
      config,
      configUuid: config.uuid,
      change,
      structure: null,
      failureStatus: null,
      exception: null,
      created: new Date(),
      updated: new Date(),
    });
    if (build && after.build) build.procfile = after.build.procfile;
    if (build) await manager.insert(Build, build);
    await this.insertions.release.add(manager, release);
    await this.appLog.write(manager, app.uuid, release.summary);
    await this.tell(manager, release);
    const facts = { app: app.id, version, summary: release.summary, sha: release.build?.sha ?? null, user: author.username };
    await this.deployHooks.add(manager, app.uuid, facts);
    return { release, head, rollsOut };
  }

  /** The releases that a roll-out of `candidate` decides: itself and every open one below it. */
  async openUpTo(manager: EntityManager, appUuid: string, candidate: number): Promise<Release[]> {
    return manager.find(Release, {
      where: { appUuid, state: In(OPEN), version: LessThanOrEqual(candidate) },
      relations: { owner: true },
      order: { version: 'ASC' },
    });
  }

  /** Marks what a roll-out brings, with the structure that comes with it. */
  async markDeploying(manager: EntityManager, candidate: Release, structure: Record<string, number>): Promise<void> {
    await manager.query(
      `UPDATE releases SET state = 'deploying', updated = now() WHERE app_uuid = $1 AND version <= $2 AND state = 'pending'`,
      [candidate.appUuid, candidate.version],
    );
    await manager.query('UPDATE releases SET structure = $2 WHERE uuid = $1', [candidate.uuid, JSON.stringify(structure)]);
  }

  /** The roll-out came up: the candidate succeeded, what was open below it is superseded. */
  async succeed(manager: EntityManager, appUuid: string, candidate: number): Promise<void> {
    const result: unknown = await manager.query(
      `UPDATE releases SET state = CASE WHEN version = $2 THEN 'succeeded' ELSE 'superseded' END, updated = now() FROM users
       WHERE app_uuid = $1 AND version <= $2 AND state = ANY($3) AND users.id = owner_id
       RETURNING version, state, summary, username AS owner, exception`,
      [appUuid, candidate, OPEN],
    );
    const [decided] = result as [EventData['release'][], number];
    for (const release of decided.sort((a, b) => a.version - b.version)) await this.events.write(manager, appUuid, 'release', release);
  }

  /**
   * The roll-out failed: so did all that it was to bring. What was committed after it is folded again onto the head that is left, so
   * that nothing of a failed release lives on in it.
   * @param status the HTTP status to answer with; @param text the cause in words
   */
  async fail(manager: EntityManager, app: App, candidate: number, status: number, text: string): Promise<void> {
    for (const release of await this.openUpTo(manager, app.uuid, candidate)) {
      const words = release.version === candidate ? text : `${text} (rolled out with v${String(candidate)})`;
      await this.markFailed(manager, release, status, words);
    }
    await this.refold(manager, app, candidate);
  }

  private async refold(manager: EntityManager, app: App, above: number): Promise<void> {
    const isLater = 'release.version > $2 AND release.state = ANY($3)';
    const later = await this.whole(manager, app.uuid, `${isLater} ORDER BY release.version`, [above, OPEN]);
    let base = await this.newest(manager, app.uuid, `release.version < $2 AND release.state <> 'failed'`, [above]);
    for (const release of later) {
      if (!base) return;
      const { change } = release;
      const target = change.kind === 'rollback' ? await this.find(manager, app.uuid, change.version) : null;
      const build = change.kind === 'build' ? (release.build ?? undefined) : undefined;
      const before = foldState(base);
      let after: FoldState;
      try {
        after = fold(before, change, this.context(release.version, release.owner.username, build, target));
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        await this.markFailed(manager, release, error.status, error.message);
        continue;
      }
      const shared = this.configOf(change, base, target);
      if (shared) release.config = shared;
      else {
        Object.assign(release.config, after.config);
        await manager.update(Config, { uuid: release.config.uuid }, { uuid: release.config.uuid, ...after.config });
      }
      if (build && after.build) {
        build.procfile = after.build.procfile;
        await manager.update(Build, { uuid: build.uuid }, { procfile: build.procfile });
      }
      release.build = build ?? (target ? target.build : base.build);
      release.buildUuid = release.build?.uuid ?? null;
      release.configUuid = release.config.uuid;
      release.summary = summary(before, change, after, release.owner.username);
      await manager.query('UPDATE releases SET build_uuid = $2, config_uuid = $3, summary = $4, updated = now() WHERE uuid = $1', [
        release.uuid,
        release.buildUuid,
        release.configUuid,
        release.summary,
      ]);
      base = release;
    }
  }

  private async markFailed(manager: EntityManager, release: Release, failureStatus: number, exception: string): Promise<void> {
    const summary = failedSummary(release.change, release.owner.username);
    await manager.update(
      Release,
      { uuid: release.uuid },
      { uuid: release.uuid, state: 'failed', failureStatus, exception, summary, updated: new Date() },
    );
    const { appUuid, version, owner } = release;
    await this.tell(manager, { appUuid, version, owner, state: 'failed', exception, summary });
  }

  private async tell(
    manager: EntityManager,
    {
      appUuid,
      version,
      state,
      summary,
      owner,
      exception,
    }: Pick<Release, 'appUuid' | 'version' | 'state' | 'summary' | 'owner' | 'exception'>,
  ): Promise<void> {
    await this.events.write(manager, appUuid, 'release', { version, state, summary, owner: owner.username, exception });
  }

  /** The config that a change takes over as it is; null: it gets one of its own. */
  private configOf(change: Change, head: Release | null, target: Release | null): Config | null {
    if (change.kind === 'build') return head?.config ?? null;
    return change.kind === 'rollback' ? (target?.config ?? null) : null;
  }

  private async insertConfig(manager: EntityManager, app: App, author: User, content: ConfigContent): Promise<Config> {
    const now = new Date();
    const config = Object.assign(new Config(), {
      uuid: randomUUID(),
      appUuid: app.uuid,
      owner: author,
      ownerId: author.id,
      ...content,
      created: now,
      updated: now,
    });
    await this.insertions.config.add(manager, config);
    return config;
  }

  /**
   * The head, the number of the next release, and whether something of the app runs, or is on its way: the good release, or one still open,
   * has a build. One SELECT.
   */
  private async place(manager: EntityManager, appUuid: string): Promise<{ head: Release | null; version: number; runs: boolean }> {
    const [row] = await manager.query<[Row & { version: number; runs: boolean }]>(
      `SELECT place.version, place.runs, head.* FROM (
         SELECT coalesce(max(version), 0) + 1 AS version, coalesce(bool_or(state = ANY($2)), false)
           OR coalesce((SELECT build_uuid IS NOT NULL FROM releases WHERE app_uuid = $1 AND state = 'succeeded' ORDER BY version DESC LIMIT 1), false) AS runs
         FROM releases WHERE app_uuid = $1
       ) AS place LEFT JOIN (${this.select(`${HEAD} ${NEWEST}`)}) AS head ON true`,
      [appUuid, OPEN],
    );
    const { version, runs } = row;
    return { head: typeof row.release_uuid === 'string' ? this.read(row) : null, version, runs };
  }

  private context(version: number, author: string, build: Build | undefined, target: Release | null): FoldContext {
    return {
      version,
      author,
      build: build && foldBuild(build),
      target: target && { ...foldState(target), failed: target.state === 'failed' },
      procfilePolicy: { rejectIfMissing: this.settings.rejectIfProcfileMissing, removeIfMissing: this.settings.procfileMissingRemove },
      rollbackToBuildless: this.settings.rollbackToBuildless === 'allow',
    };
  }

  /** @param condition in SQL, on `release`; @param values of its parameters from `$2` on */
  private async newest(manager: EntityManager, appUuid: string, condition: string, values: unknown[] = []): Promise<Release | null> {
    const [release] = await this.whole(manager, appUuid, `${condition} ${NEWEST}`, values);
    return release ?? null;
  }

  /** Releases with all that folding needs. @param rest SQL: conditions and order; @param values of its parameters from `$2` on */
  private async whole(manager: EntityManager, appUuid: string, rest: string, values: unknown[]): Promise<Release[]> {
    const rows = await manager.query<Row[]>(this.select(rest), [appUuid, ...values]);
    return rows.map((row) => this.read(row));
  }

  private select(rest: string): string {
    const columns = Object.values(this.projections).map((projection) => projection.columns);
    return `SELECT ${columns.join(', ')} FROM releases release JOIN users owner ON owner.id = release.owner_id
      JOIN configs config ON config.uuid = release.config_uuid JOIN users config_owner ON config_owner.id = config.owner_id
      LEFT JOIN (builds build JOIN users build_owner ON build_owner.id = build.owner_id) ON build.uuid = release.build_uuid
      WHERE release.app_uuid = $1 AND ${rest}`;
  }

  private read(row: Row): Release {
    const { release, owner, config, configOwner, build, buildOwner } = this.projections;
    const read = release.entity(row);
    read.owner = owner.entity(row);
    read.config = Object.assign(config.entity(row), { owner: configOwner.entity(row) });
    read.build = read.buildUuid === null ? null : Object.assign(build.entity(row), { owner: buildOwner.entity(row) });
    return read;
  }
}
