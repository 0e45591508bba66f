import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import type { App } from '../apps/app.entity.ts';
import { Changes } from '../deploy/changes.ts';
import { Submissions } from '../deploy/submissions.ts';
import { Conflict, NotFound } from '../http/errors.ts';
import type { Submitted } from '../http/submitted.ts';
import { AppLog } from '../logs/app-log.ts';
import type { User } from '../users/user.entity.ts';
import { Tls } from './tls.entity.ts';

/** What a change switches; null leaves a switch as it is. */
export type TlsPatch = Pick<Tls, 'httpsEnforced' | 'certsAutoEnabled'>;

/** An app's TLS switches. Every change adds a whole row; the newest holds. */
@Injectable()
export class TlsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes: Changes,
    private readonly submissions: Submissions,
    private readonly appLog: AppLog,
  ) {}

  /** @throws NotFound when the app has just gone */
  async get(app: App): Promise<Tls> {
    return this.newest(this.dataSource.manager, app.uuid);
  }

  /**
   * @throws Conflict when nothing would change; when settled Recorded with the cluster's words if it refused, as one without
   *   cert-manager does
   */
  async change(app: App, owner: User, patch: TlsPatch): Promise<Submitted<Tls>> {
    const change = await this.changes.commit(app.uuid, async ({ manager, generation }) => {
      const before = await this.newest(manager, app.uuid);
      const httpsEnforced = patch.httpsEnforced ?? before.httpsEnforced;
      const certsAutoEnabled = patch.certsAutoEnabled ?? before.certsAutoEnabled;
      if (httpsEnforced === before.httpsEnforced && certsAutoEnabled === before.certsAutoEnabled) {
        throw new Conflict(`${owner.username} changed nothing`);
      }
      const now = new Date();
      const row = manager.create(Tls, {
        uuid: randomUUID(),
        appUuid: app.uuid,
        owner,
        ownerId: owner.id,
        generation,
        settled: false,
        httpsEnforced,
        certsAutoEnabled,
        created: now,
        updated: now,
      });
      await manager.insert(Tls, row);
      await this.appLog.write(manager, app.uuid, `${owner.username} changed tls`);
      return { value: row, cluster: { kind: 'routing' }, audit: { before: switches(before), after: switches(row) } };
    });
    return this.submissions.routed(change, app, change.value, () => change.value);
  }

  private async newest(manager: EntityManager, appUuid: string): Promise<Tls> {
    const tls = await manager
      .createQueryBuilder(Tls, 'tls')
      .innerJoinAndSelect('tls.owner', 'owner')
      .where('tls.appUuid = :appUuid', { appUuid })
      .orderBy('tls.generation', 'DESC')
      .limit(1)
      .getOne();
    if (!tls) throw NotFound.of('App');
    return tls;
  }
}

/** As the audit log has them. */
const switches = ({ httpsEnforced, certsAutoEnabled }: Tls): object => ({
  https_enforced: httpsEnforced,
  certs_auto_enabled: certsAutoEnabled,
});
