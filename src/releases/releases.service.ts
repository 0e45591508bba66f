import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { App } from '../apps/app.entity.ts';
import { listed } from '../database/listing.ts';
import { Projection } from '../database/projection.ts';
import { Changes } from '../deploy/changes.ts';
import { Submissions } from '../deploy/submissions.ts';
import { BadRequest, NotFound } from '../http/errors.ts';
import type { Page, Paging } from '../http/paging.ts';
import type { Submitted } from '../http/submitted.ts';
import { User } from '../users/user.entity.ts';
import { ReleaseLedger } from './release-ledger.ts';
import { Release } from './release.entity.ts';

/** What is shown of a release. Its change is not read: it can be large, and is sealed. */
const SHOWN = ['uuid', 'ownerId', 'version', 'state', 'summary', 'buildUuid', 'configUuid', 'exception', 'created', 'updated'] as const;

const OWNER = 'JOIN users owner ON owner.id = release.owner_id';

type Row = Record<string, unknown>;

/** The history of an app, and the way back in it. */
@Injectable()
export class ReleasesService {
  private readonly release: Projection<Release>;
  private readonly owner: Projection<User>;

  constructor(
    private readonly dataSource: DataSource,
    private readonly changes: Changes,
    private readonly submissions: Submissions,
    private readonly releases: ReleaseLedger,
  ) {
    this.release = new Projection(dataSource, Release, 'release', SHOWN);
    this.owner = new Projection(dataSource, User, 'owner', ['id', 'username']);
  }

  /** Newest first, failed ones too. One statement. */
  async list(app: App, paging: Paging): Promise<Page<Release>> {
    const listing = {
      columns: `${this.release.columns}, ${this.owner.columns}`,
      table: 'releases',
      alias: 'release',
      join: OWNER,
      where: 'release.app_uuid = $1',
      order: 'release.version DESC',
      values: [app.uuid],
    };
    const { count, rows } = await listed(this.dataSource.manager, listing, paging);
    return paging.page(
      count,
      rows.map((row) => this.of(row)),
    );
  }

  /** @param version null for a number that no release has @throws NotFound */
  async get(app: App, version: number | null): Promise<Release> {
    const [row] = await this.dataSource.manager.query<Row[]>(
      `SELECT ${this.release.columns}, ${this.owner.columns} FROM releases release ${OWNER} WHERE release.app_uuid = $1 AND release.version = $2`,
      [app.uuid, version],
    );
    if (!row) throw NotFound.of('Release');
    return this.of(row);
  }

  /**
   * Makes a release with the build and config of an earlier one.
   * @param version null: that of the release that ran before the one that runs
   * @throws NotFound, BadRequest; when settled, what the roll-out failed of
   * @returns the number of the new release
   */
  async rollback(app: App, author: User, version: number | null): Promise<Submitted<number>> {
    const { value: release, operation } = await this.changes.commit(app.uuid, async (tx) => {
      const target = version ?? (await this.previous(tx.manager, app));
      const change = { kind: 'rollback', version: target } as const;
      const { release, head, rollsOut } = await this.releases.append(tx.manager, tx.app, { author, change });
      const audit = { before: { version: head?.version ?? null }, after: { version: release.version, rolled_back_to: target } };
      return { value: release, cluster: rollsOut ? { kind: 'deploy', cuts: true } : null, audit };
    });
    return this.submissions.release(operation, release, app.id, () => Promise.resolve(release.version));
  }

  /** The newest release below the one that runs that ran itself. @throws BadRequest where there is none, or it has no build */
  private async previous(manager: EntityManager, app: App): Promise<number> {
    const [, target] = await manager
      .createQueryBuilder(Release, 'release')
      .select(['release.uuid', 'release.version', 'release.buildUuid'])
      .where(`release.appUuid = :app AND release.state = 'succeeded'`, { app: app.uuid })
      .orderBy('release.version', 'DESC')
      .limit(2)
      .getMany();
    if (!target) throw new BadRequest('version cannot be below 0');
    if (target.buildUuid === null) throw new BadRequest('Cannot roll back to initial release.');
    return target.version;
  }

  private of(row: Row): Release {
    return Object.assign(this.release.entity(row), { owner: this.owner.entity(row) });
  }
}
