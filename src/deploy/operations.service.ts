import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { AppAccesses } from '../apps/app-accesses.ts';
import type { App } from '../apps/app.entity.ts';
import { mayUse } from '../apps/app.rights.ts';
import { Sweeper } from '../database/sweeper.ts';
import { Forbidden, NotFound } from '../http/errors.ts';
import { Settings } from '../settings/settings.ts';
import type { User } from '../users/user.entity.ts';
import { Operation } from './operation.entity.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Lets people look at operations. */
@Injectable()
export class OperationsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly accesses: AppAccesses,
    { operationRetention }: Settings,
    sweeper: Sweeper,
  ) {
    // the newest of an app says what became of its last change, however long that is ago
    sweeper.add(
      'operations',
      `DELETE FROM operations WHERE uuid IN (
         SELECT uuid FROM operations o
         WHERE finished < now() - $2 * interval '1 second'
           AND (EXISTS (SELECT FROM operations n WHERE n.app_uuid = o.app_uuid AND (n.created, n.uuid) > (o.created, o.uuid))
             OR NOT EXISTS (SELECT FROM apps a WHERE a.uuid = o.app_uuid))
         ORDER BY finished LIMIT $1 FOR UPDATE SKIP LOCKED)`,
      () => (operationRetention === 0 ? null : [operationRetention]),
    );
  }

  /** @throws NotFound; Forbidden to who may not use its app, and, when the app is gone, to all but administrators */
  async get(uuid: string, user: User): Promise<Operation> {
    const { manager } = this.dataSource;
    const operation = UUID.test(uuid) ? await manager.findOneBy(Operation, { uuid }) : null;
    if (!operation) throw NotFound.of('Operation');
    if (user.isSuperuser) return operation;
    const access = await this.accesses.findByUuid(operation.appUuid, user);
    if (!access || !mayUse(user, access)) throw new Forbidden();
    return operation;
  }

  /** Newest first, and how many there are in all. */
  async list(app: App, { offset, limit }: { offset: number; limit: number }): Promise<[Operation[], number]> {
    return this.dataSource.manager.findAndCount(Operation, {
      where: { appUuid: app.uuid },
      order: { created: 'DESC' },
      skip: offset,
      take: limit,
    });
  }
}
