import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, In, MoreThanOrEqual, type EntityManager } from 'typeorm';
import { sameTrouble, type Cause } from './cause.ts';
import { LeaseConnection } from '../database/lease-connection.ts';
import { AppEvents } from '../events/app-events.ts';
import { Settings } from '../settings/settings.ts';
import { Lease, LeaseLost } from './lease.ts';
import { Notifications } from './notifications.ts';
import { Operation, type OperationKind, type OperationState } from './operation.entity.ts';

/** When several changes share an operation, it takes the strongest one's kind. */
const STRENGTH: readonly OperationKind[] = ['routing', 'restart', 'scale', 'heal', 'deploy', 'destroy'];

/** The one of two kinds that asks for more. */
export const stronger = (a: OperationKind, b: OperationKind): OperationKind => (STRENGTH.indexOf(a) > STRENGTH.indexOf(b) ? a : b);

/** Changes after which nothing but what is watched can be different. */
const WATCHED_ONLY: readonly OperationKind[] = ['restart', 'scale'];

/** Whether an operation `o` that is due may be taken: it waits while none of its app runs, or its owner is gone. */
const CLAIMABLE = `((o.state = 'pending' AND NOT EXISTS (SELECT 1 FROM operations r WHERE r.app_uuid = o.app_uuid AND r.state = 'running'))
  OR (o.state = 'running' AND o.lease_expires < now()))`;

/** What an operation is asked for. */
export interface Request {
  app: { uuid: string; id: string };
  generation: number;
  kind: OperationKind;
  /** May cut short the roll-out that runs. */
  cuts: boolean;
}

/** Steps that readers of the app's events are told of; the others pass too fast to tell anything. */
const TOLD: readonly string[] = ['claimed', 'waiting', 'restoring', 'destroying'];

/** An operation as a write left it. */
interface Written {
  app_uuid: string;
  kind: OperationKind;
  state: OperationState;
  step: string | null;
  release: number | null;
}

/** What its end records. */
export interface Ending {
  state: Extract<OperationState, 'succeeded' | 'failed' | 'superseded'>;
  cause?: Cause | null;
  outcome?: Operation['outcome'];
  supersededBy?: string;
}

/** The rows of operations as a queue: who may work on which app, decided by the database alone. */
@Injectable()
export class OperationQueue {
  /** How long a claim holds unless it is renewed, by the database's clock, in milliseconds. */
  private readonly term: number;

  constructor(
    private readonly dataSource: DataSource,
    private readonly connection: LeaseConnection,
    private readonly events: AppEvents,
    { operationLease }: Settings,
  ) {
    this.term = operationLease * 1000;
  }

  /**
   * Asks for an app to be brought to a generation, in the caller's transaction: joins the operation that waits, or makes one.
   * @returns the operation's uuid
   */
  async request(manager: EntityManager, { app, generation, kind, cuts }: Request): Promise<string> {
    const [row] = await manager.query<[Written & { uuid: string; made: boolean }]>(
      `INSERT INTO operations AS o (uuid, app_uuid, app_id, kind, state, generation, cuts, unwatched)
       VALUES ($1, $2, $3, $4, 'pending', $5, $6, $8)
       ON CONFLICT (app_uuid) WHERE state = 'pending' DO UPDATE SET
         generation = excluded.generation,
         kind = CASE WHEN array_position($7::text[], o.kind) > array_position($7::text[], excluded.kind) THEN o.kind ELSE excluded.kind END,
         cuts = o.cuts OR excluded.cuts,
         unwatched = o.unwatched OR excluded.unwatched,
         due = least(o.due, now())
       RETURNING uuid, app_uuid, kind, state, step, release, xmax = 0 AS made`,
      [randomUUID(), app.uuid, app.id, kind, generation, cuts, STRENGTH, !WATCHED_ONLY.includes(kind)],
    );
    if (row.made) await this.tell(manager, row.uuid, row, null);
    // one that waits for the cluster to come back tries at once
    await manager.query(
      `UPDATE operations SET due = now() WHERE app_uuid = $1 AND state = 'running' AND lease_owner IS NULL AND due > now()`,
      [app.uuid],
    );
    await Notifications.send(manager, 'due', app.uuid);
    return row.uuid;
  }

  /**
   * Takes one operation that is due: one that waits while none of its app runs, or one whose owner is gone.
   * @param later how long it has to be due already, in milliseconds: others may come first
   * @returns the operation with its lease, or null when nothing is due
   */
  async claim(owner: string, later: number): Promise<{ operation: Operation; lease: Lease } | null> {
    const asked = performance.now();
    const rows: unknown = await this.dataSource.query(
      `UPDATE operations SET state = 'running', lease_owner = $1, lease_token = lease_token + 1,
         lease_expires = now() + $2 * interval '1 millisecond', attempts = attempts + 1, started = coalesce(started, now())
       WHERE uuid = (
         SELECT uuid FROM operations o
         WHERE due <= now() - $3 * interval '1 millisecond' AND ${CLAIMABLE}
         ORDER BY due LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING uuid, lease_token`,
      [owner, this.term, later],
    );
    const [claimed] = (rows as [{ uuid: string; lease_token: string }[], number])[0];
    if (!claimed) return null;
    const operation = await this.dataSource.manager.findOneByOrFail(Operation, { uuid: claimed.uuid });
    return { operation, lease: new Lease(claimed.uuid, Number(claimed.lease_token), asked, this.term) };
  }

  /** Seconds that the operation which is due for longest has waited to be claimed; 0 when none waits. */
  async age(): Promise<number> {
    const [row] = await this.dataSource.query<[{ seconds: string | null }]>(
      `SELECT extract(epoch FROM now() - min(due)) AS seconds FROM operations o WHERE due <= now() AND ${CLAIMABLE}`,
    );
    return Number(row.seconds ?? 0);
  }

  /** Seconds until something may be due or a lease may have run out; null when there is no work at all. */
  async secondsToNext(): Promise<number | null> {
    const [row] = await this.dataSource.query<[{ seconds: string | null }]>(
      `SELECT extract(epoch FROM min(CASE WHEN state = 'running' THEN greatest(due, lease_expires) ELSE due END) - now()) AS seconds
       FROM operations o WHERE state = 'running'
         OR (state = 'pending' AND NOT EXISTS (SELECT 1 FROM operations r WHERE r.app_uuid = o.app_uuid AND r.state = 'running'))`,
    );
    return row.seconds === null ? null : Math.max(0, Number(row.seconds));
  }

  /**
   * Holds leases for longer, all by one statement. One that is somebody else's by now is lost. A row that a transaction has in its hands
   * isn't waited for: the others' leases would run out meanwhile.
   */
  async renew(leases: readonly Lease[]): Promise<void> {
    const asked = performance.now();
    const rows = await this.connection.query<{ uuid: string; renewed: boolean; held: boolean }>(
      `WITH ours AS (SELECT * FROM unnest($1::uuid[], $2::bigint[], $4::integer[]) AS ours (uuid, token, waited)),
         free AS (
           SELECT o.uuid, ours.waited FROM operations o JOIN ours ON ours.uuid = o.uuid AND ours.token = o.lease_token
           WHERE o.state = 'running' AND o.lease_owner IS NOT NULL FOR UPDATE OF o SKIP LOCKED),
         renewed AS (
           UPDATE operations o SET lease_expires = now() + $3 * interval '1 millisecond', waited = free.waited
           FROM free WHERE o.uuid = free.uuid RETURNING o.uuid)
       SELECT ours.uuid, renewed.uuid IS NOT NULL AS renewed, coalesce(o.lease_token = ours.token AND o.state = 'running', false) AS held
       FROM ours LEFT JOIN operations o ON o.uuid = ours.uuid LEFT JOIN renewed ON renewed.uuid = ours.uuid`,
      [
        leases.map(({ operation }) => operation),
        leases.map(({ token }) => token),
        this.term,
        leases.map(({ waited }) => Math.round(waited)),
      ],
    );
    const found = new Map(rows.map((row) => [row.uuid, row]));
    for (const lease of leases) {
      const row = found.get(lease.operation);
      if (row?.renewed) lease.renewed(asked);
      else if (!row?.held) lease.lose();
    }
  }

  /**
   * Says what is being done. Throws LeaseLost, as every write here does; inside a transaction that undoes all of it.
   * @param facts what it is about, and for how long that has been waited for; `told`: readers of the app's events know already
   */
  async step(
    manager: EntityManager,
    lease: Lease,
    step: string,
    facts: { generation?: number; release?: number | null; waited?: number; told?: boolean } = {},
  ): Promise<void> {
    const written = await this.write(
      manager,
      lease,
      'step = $3, generation = coalesce($4, generation), release = coalesce($5, release), waited = coalesce($6, waited)',
      [step, facts.generation ?? null, facts.release ?? null, facts.waited ?? null],
    );
    if (TOLD.includes(step) && !facts.told) await this.tell(manager, lease.operation, written, null);
  }

  /** Shows what holds the operation up, while it goes on. */
  async show(lease: Lease, cause: Cause | null): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      const written = await this.write(manager, lease, 'step = step', []);
      await manager.update(Operation, { uuid: lease.operation }, { uuid: lease.operation, cause });
      await this.tell(manager, lease.operation, written, cause);
    });
  }

  /**
   * Gives the lease back and tries again later.
   * @param cause what held it up, shown unless a failure is being made good: then that stays the cause. What is shown already is not
   *   told again, however long it lasts. Null: nothing worth telling
   */
  async postpone(lease: Lease, seconds: number, cause: Cause | null): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      const written = await this.write(
        manager,
        lease,
        `due = now() + $3 * interval '1 second', lease_expires = now() - interval '1 second', lease_owner = NULL,
         bugs = CASE $4 WHEN 'internal' THEN bugs + 1 WHEN '' THEN bugs ELSE 0 END, waited = $5`,
        [seconds, cause?.class ?? '', Math.round(lease.waited)],
      );
      // any replica may be the next to try it
      await Notifications.send(manager, 'due', written.app_uuid);
      if (!cause) return;
      const { restoring, cause: shown } = await manager.findOneByOrFail(Operation, { uuid: lease.operation });
      if (restoring || (shown && sameTrouble(shown, cause))) return;
      await manager.update(Operation, { uuid: lease.operation }, { uuid: lease.operation, cause });
      await this.tell(manager, lease.operation, written, cause);
    });
  }

  /** Ends the operation and wakes whoever waits for it. */
  async finish(manager: EntityManager, lease: Lease, { state, cause = null, outcome = null, supersededBy }: Ending): Promise<void> {
    const written = await this.write(
      manager,
      lease,
      `state = $3, finished = now(), lease_owner = NULL, lease_expires = NULL, superseded_by = $4::uuid`,
      [state, supersededBy ?? null],
    );
    await manager.update(Operation, { uuid: lease.operation }, { uuid: lease.operation, cause, outcome });
    await this.tell(manager, lease.operation, written, cause);
    const [row] = await manager.query<[{ app_uuid: string; kind: OperationKind; seconds: string }]>(
      'SELECT app_uuid, kind, extract(epoch FROM clock_timestamp() - created) AS seconds FROM operations WHERE uuid = $1',
      [lease.operation],
    );
    lease.ended = { kind: row.kind, state, cause: cause?.class ?? null, seconds: Math.max(0, Number(row.seconds)) };
    await Notifications.send(manager, 'settled', lease.operation);
    await Notifications.send(manager, 'due', row.app_uuid);
  }

  /** The operation of the app that waits for the running one to end. */
  async pendingOf(appUuid: string, manager: EntityManager = this.dataSource.manager): Promise<Operation | null> {
    return manager.findOneBy(Operation, { appUuid, state: 'pending' });
  }

  /** The newest operation of the app that isn't over. */
  async openOf(appUuid: string, manager: EntityManager = this.dataSource.manager): Promise<Operation | null> {
    return manager.findOne(Operation, {
      where: [
        { appUuid, state: 'pending' },
        { appUuid, state: 'running' },
      ],
      order: { created: 'DESC' },
    });
  }

  /** The operation that brings what the app's change of this generation wrote: of those that aren't over, the oldest that covers it. */
  async covering(appUuid: string, generation: number, manager: EntityManager = this.dataSource.manager): Promise<Operation | null> {
    const where = { appUuid, state: In(['running', 'pending']), generation: MoreThanOrEqual(generation) };
    return manager.findOne(Operation, { where, order: { created: 'ASC' } });
  }

  private async write(manager: EntityManager, lease: Lease, assignments: string, values: unknown[]): Promise<Written> {
    const result: unknown = await manager.query(
      `UPDATE operations SET ${assignments} WHERE uuid = $1 AND lease_token = $2 AND state = 'running'
       RETURNING app_uuid, kind, state, step, release`,
      [lease.operation, lease.token, ...values],
    );
    const [written] = (result as [Written[], number])[0];
    if (!written) {
      lease.lose();
      throw new LeaseLost();
    }
    return written;
  }

  private async tell(
    manager: EntityManager,
    id: string,
    { app_uuid, kind, state, step, release }: Written,
    cause: Cause | null,
  ): Promise<void> {
    await this.events.write(manager, app_uuid, 'operation', { id, kind, state, step, release, cause });
  }
}
