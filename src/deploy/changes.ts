import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { AuditTrail, type AuditFact } from '../audit/audit-trail.ts';
import { App } from '../apps/app.entity.ts';
import { Projection } from '../database/projection.ts';
import { Conflict, NotFound } from '../http/errors.ts';
import { IdempotencyKeys } from '../idempotency/idempotency-keys.ts';
import { FaultPoints } from './fault-points.ts';
import { OperationQueue } from './operation-queue.ts';
import type { OperationKind } from './operation.entity.ts';

/** The transaction of one change, which holds the app's row. */
export interface AppTransaction {
  manager: EntityManager;
  /** The row, which has the generation of this change. */
  app: App;
  /** The generation that this change makes. */
  generation: number;
}

/** What a change wants of the cluster; null: nothing, it is a matter of rows alone. */
export interface ClusterWork {
  kind: OperationKind;
  /** May cut short the roll-out that runs: destroy and rollback. */
  cuts?: boolean;
}

/** Where a change stands. */
export interface Covered {
  /** uuid of the operation that covers it; null when the cluster has nothing to do, it is a matter of rows alone. */
  operation: string | null;
  /** The app's generation that it made. */
  generation: number;
}

export interface Committed<T> extends Covered {
  value: T;
}

/** How every service changes an app: rows, generation and operation are written together, or not at all. */
@Injectable()
export class Changes {
  private readonly app: Projection<App>;
  /** SQL: takes the row of the app $1, and its next generation. */
  private readonly take: string;

  constructor(
    private readonly dataSource: DataSource,
    private readonly queue: OperationQueue,
    private readonly audit: AuditTrail,
    private readonly keys: IdempotencyKeys,
    private readonly points: FaultPoints,
  ) {
    this.app = new Projection(dataSource, App, 'app');
    this.take = `UPDATE apps app SET generation = generation + 1, updated = now() WHERE uuid = $1 RETURNING ${this.app.columns}`;
  }

  /**
   * Runs `work` in a transaction that holds the app's row. The audit log gets a row of what it says as `audit`. For a request that repeats
   * another one by its key, `work` isn't run again: what it gave is remembered.
   * @throws NotFound when the app is gone, Conflict while it is being destroyed
   */
  async commit<T>(
    appUuid: string,
    work: (tx: AppTransaction) => Promise<{ value: T; cluster: ClusterWork | null; audit?: Partial<AuditFact> }>,
  ): Promise<Committed<T>> {
    const recalled = this.keys.recalled();
    if (recalled) return recalled.value as Committed<T>;
    let id = '';
    const committed = await this.dataSource.transaction(async (manager) => {
      // first, so that who repeats a request doesn't wait with the app's row in his hands
      await this.keys.take(manager);
      const [[row]] = await manager.query<[Record<string, unknown>[], number]>(this.take, [appUuid]);
      if (!row) throw NotFound.of('App');
      const app = this.app.entity(row);
      id = app.id;
      if (app.destroying) throw new Conflict(`${app.id} is being destroyed`);
      const { generation } = app;
      const { value, cluster, audit } = await work({ manager, app, generation });
      await this.audit.record(manager, { object: `app:${app.id}`, app, ...audit });
      const operation =
        cluster && (await this.queue.request(manager, { app, generation, kind: cluster.kind, cuts: cluster.cuts ?? false }));
      await this.keys.remember(manager, { value, operation, generation });
      return { value, operation, generation };
    });
    await this.points.reach('committed', id);
    return committed;
  }

  /**
   * The first change of an app: `work` adds what belongs to it to its new row, and all of it is committed with its first operation.
   * What is remembered for a request that repeats this one is as after `commit`, with the app as its value.
   * @returns the operation's uuid
   */
  async create(app: App, work: (manager: EntityManager) => Promise<void>): Promise<string> {
    const operation = await this.dataSource.transaction(async (manager) => {
      await this.keys.take(manager);
      await manager.insert(App, app);
      await work(manager);
      await this.audit.record(manager, { object: `app:${app.id}`, app, after: { id: app.id, owner: app.owner.username } });
      const made = await this.queue.request(manager, { app, generation: app.generation, kind: 'deploy', cuts: false });
      await this.keys.remember(manager, { value: app, operation: made, generation: app.generation });
      return made;
    });
    await this.points.reach('committed', app.id);
    return operation;
  }

  /**
   * The last change of an app, which no other follows. Where it was made already, its operation is joined and `work` is not done again.
   * @param app with its owner
   * @returns the operation's uuid
   * @throws NotFound when the app is gone
   */
  async destroy({ uuid: appUuid, id, owner }: App, work: (manager: EntityManager) => Promise<void>): Promise<string> {
    const operation = await this.dataSource.transaction(async (manager) => {
      const app = await manager.findOne(App, { where: { uuid: appUuid }, lock: { mode: 'pessimistic_write' } });
      if (!app) throw NotFound.of('App');
      const open = app.destroying && (await this.queue.openOf(appUuid, manager));
      if (open) {
        await this.audit.record(manager, { object: `app:${app.id}`, app });
        return open.uuid;
      }
      const generation = app.generation + 1;
      await manager.query('UPDATE apps SET destroying = now(), generation = $2, updated = now() WHERE uuid = $1', [appUuid, generation]);
      await work(manager);
      await this.audit.record(manager, { object: `app:${app.id}`, app, before: { id: app.id, owner: owner.username } });
      return this.queue.request(manager, { app, generation, kind: 'destroy', cuts: true });
    });
    await this.points.reach('committed', id);
    return operation;
  }
}
