import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import type { App } from '../apps/app.entity.ts';
import { Changes } from '../deploy/changes.ts';
import { OperationQueue } from '../deploy/operation-queue.ts';
import { Submissions } from '../deploy/submissions.ts';
import { NotFound } from '../http/errors.ts';
import type { Submitted } from '../http/submitted.ts';
import { AppLog } from '../logs/app-log.ts';
import type { User } from '../users/user.entity.ts';
import { Service } from './service.entity.ts';

/** Services of single process types, beside the app's own. */
@Injectable()
export class ServicesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes: Changes,
    private readonly queue: OperationQueue,
    private readonly submissions: Submissions,
    private readonly appLog: AppLog,
  ) {}

  /** By process type. One statement. */
  async list(app: App): Promise<Service[]> {
    return this.dataSource.manager.find(Service, { where: { appUuid: app.uuid }, order: { procfileType: 'ASC' } });
  }

  /**
   * Makes a type's Service, or gives it other paths. Repeated before it is over, it joins what is under way.
   * @returns null where it is so already
   * @throws when settled Recorded with the cluster's words if it refused
   */
  async set(app: App, owner: User, procfileType: string, pathPattern: string): Promise<Submitted<void> | null> {
    const { value, operation } = await this.changes.commit(app.uuid, async ({ manager, app: { shownGeneration }, generation }) => {
      const known = await manager.findOneBy(Service, { appUuid: app.uuid, procfileType });
      if (known?.pathPattern === pathPattern) {
        const open = known.generation <= shownGeneration ? null : await this.queue.covering(app.uuid, known.generation, manager);
        return { value: { row: known, open: open?.uuid ?? null }, cluster: null, audit: { before: audited(known), after: audited(known) } };
      }
      const now = new Date();
      const row =
        known ??
        manager.create(Service, { uuid: randomUUID(), appUuid: app.uuid, ownerId: owner.id, procfileType, settled: false, created: now });
      const before = known && audited(known);
      // one that was in the cluster stays settled: to undo its making would take away what was there before
      Object.assign(row, { pathPattern, generation, updated: now });
      await manager.save(row);
      await this.appLog.write(manager, app.uuid, `service ${procfileType} ${known ? 'changed' : 'added'}`);
      return { value: { row, open: null }, cluster: { kind: 'routing' }, audit: { before, after: audited(row) } };
    });
    const change = { operation: operation ?? value.open, generation: value.row.generation };
    return change.operation === null ? null : this.submissions.routed(change, app, value.row, () => undefined);
  }

  /** @throws NotFound for a type that has none */
  async remove(app: App, procfileType: string): Promise<Submitted<void>> {
    const change = await this.changes.commit(app.uuid, async ({ manager }) => {
      const service = await manager.findOneBy(Service, { appUuid: app.uuid, procfileType });
      if (!service) throw NotFound.of('Service');
      await manager.delete(Service, { uuid: service.uuid });
      await this.appLog.write(manager, app.uuid, `service ${procfileType} removed`);
      return { value: undefined, cluster: { kind: 'routing' }, audit: { before: audited(service) } };
    });
    return this.submissions.routed(change, app, null, () => undefined);
  }
}

const audited = ({ procfileType, pathPattern }: Service): object => ({ procfile_type: procfileType, path_pattern: pathPattern });
