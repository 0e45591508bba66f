import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, type SelectQueryBuilder } from 'typeorm';
import type { App } from '../apps/app.entity.ts';
import { Changes } from '../deploy/changes.ts';
import { Submissions } from '../deploy/submissions.ts';
import { Conflict, NotFound } from '../http/errors.ts';
import type { Page, Paging } from '../http/paging.ts';
import type { Submitted } from '../http/submitted.ts';
import { AppLog } from '../logs/app-log.ts';
import { ReleaseLedger } from '../releases/release-ledger.ts';
import type { User } from '../users/user.entity.ts';
import { Build } from './build.entity.ts';

/** What a request says of a build. */
export type BuildContent = Pick<Build, 'image' | 'sha' | 'procfile' | 'dockerfile' | 'stack'>;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What an app runs. */
@Injectable()
export class BuildsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes: Changes,
    private readonly submissions: Submissions,
    private readonly releases: ReleaseLedger,
    private readonly appLog: AppLog,
  ) {}

  /** Newest first. Two statements. */
  async list(app: App, paging: Paging): Promise<Page<Build>> {
    const [builds, count] = await this.of(app)
      .orderBy({ 'build.created': 'DESC', 'build.uuid': 'ASC' })
      .offset(paging.offset)
      .limit(paging.limit)
      .getManyAndCount();
    return paging.page(count, builds);
  }

  /** The build of the newest release that hasn't failed. @throws NotFound where that has none */
  async current(app: App): Promise<Build> {
    const head = await this.releases.head(this.dataSource.manager, app.uuid);
    if (!head?.build) throw NotFound.of('Build');
    return head.build;
  }

  /** @throws NotFound */
  async get(app: App, uuid: string): Promise<Build> {
    const build = UUID.test(uuid) ? await this.of(app).andWhere('build.uuid = :uuid', { uuid }).getOne() : null;
    if (!build) throw NotFound.of('Build');
    return build;
  }

  /**
   * Records a build and rolls it out, as a new release.
   * @throws Conflict by the Procfile policy; when settled, what the roll-out failed of
   */
  async create(app: App, owner: User, content: BuildContent): Promise<Submitted<Build>> {
    const { value: release, operation } = await this.changes.commit(app.uuid, async (tx) => {
      const [uuid, now] = [randomUUID(), new Date()];
      const build = tx.manager.create(Build, { uuid, appUuid: app.uuid, owner, ownerId: owner.id, ...content, created: now, updated: now });
      await this.appLog.write(tx.manager, app.uuid, `build ${app.id}-${uuid.slice(0, 7)} created`);
      const change = { kind: 'build', build: uuid, procfile: content.procfile } as const;
      const { release, head } = await this.releases.append(tx.manager, tx.app, { author: owner, change, build });
      const audit = { actor: owner.username, before: head?.build && audited(head.build), after: audited(build) };
      return { value: release, cluster: { kind: 'deploy' }, audit };
    });
    return this.submissions.release(operation, release, app.id, async () => {
      // read again: its Procfile may have been taken over from another build since
      const build = await this.of(app).andWhere('build.uuid = :uuid', { uuid: release.buildUuid }).getOne();
      if (!build) throw new Conflict(`${app.id} is being destroyed`);
      return build;
    });
  }

  private of(app: App): SelectQueryBuilder<Build> {
    return this.dataSource.manager
      .createQueryBuilder(Build, 'build')
      .innerJoinAndSelect('build.owner', 'owner')
      .where('build.appUuid = :app', { app: app.uuid });
  }
}

/** As the audit log has it: of its processes the names, for their commands may have secrets in them. */
const audited = ({ uuid, image, sha, procfile }: Build): object => ({ build: uuid, image, sha, types: Object.keys(procfile).sort() });
