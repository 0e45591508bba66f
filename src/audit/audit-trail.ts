import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClsService } from 'nestjs-cls';
import type { Logger } from 'pino';
import {
  DataSource,
  type EntityManager,
  type EntitySubscriberInterface,
  type QueryRunner,
  type TransactionCommitEvent,
  type TransactionRollbackEvent,
} from 'typeorm';
import type { App } from '../apps/app.entity.ts';
import type { GuardedRequest } from '../auth/current.ts';
import { Insertion } from '../database/insertion.ts';
import { LOGGER } from '../http/logger.ts';
import { IdempotencyKeys } from '../idempotency/idempotency-keys.ts';
import { AuditRow, type AuditOutcome } from './audit-row.entity.ts';
import { Sealer } from './sealer.ts';

/** What a mutation says of itself. Secrets don't belong into it, or as `MASK`. */
export interface AuditFact {
  /** By default what the route does. */
  action?: string;
  /** What is changed, as `<kind>:<name>`; null where there is nothing of that name. */
  object: string | null;
  /** The app that it is about, if it is about one: its owner may read of it. */
  app?: Pick<App, 'uuid' | 'id'>;
  before?: object | null;
  after?: object | null;
  /** Username; by default who calls. */
  actor?: string | null;
}

type NewRow = Omit<AuditRow, 'id' | 'time' | 'seal'>;

/** A row that a transaction has added, and the request that it belongs to. */
interface Recorded {
  row: NewRow;
  request: FastifyRequest | undefined;
}

/** Milliseconds that an answer waits for the row that tells of it. */
const ANSWER_WAIT = 1000;

/** Stands for a secret. */
export const MASK = '***';

/** Where everything that changes something says so. Who does it, from where and in which request is taken from the request under way. */
@Injectable()
export class AuditTrail implements EntitySubscriberInterface {
  private readonly rows: Insertion<AuditRow>;
  private readonly uncommitted = new WeakMap<QueryRunner, Recorded[]>();
  private readonly unanswered = new WeakMap<FastifyRequest, NewRow[]>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly cls: ClsService,
    private readonly sealer: Sealer,
    private readonly keys: IdempotencyKeys,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.rows = new Insertion(dataSource, AuditRow);
    dataSource.subscribers.push(this);
  }

  /**
   * Adds a row in the transaction of a mutation: it is there if and only if the mutation is. One statement, and one more for a request with
   * an `Idempotency-Key`.
   * @throws KeyTaken
   */
  async record(manager: EntityManager, fact: AuditFact): Promise<void> {
    await this.keys.take(manager);
    const request = this.request();
    const row = rowOf(fact, 'committed', request);
    await this.rows.add(manager, row);
    const { queryRunner } = manager;
    if (queryRunner?.isTransactionActive) {
      this.uncommitted.set(queryRunner, [...(this.uncommitted.get(queryRunner) ?? []), { row, request }]);
    } else {
      this.committed({ row, request });
    }
  }

  /** Adds a row for what somebody was kept from. */
  async refused(fact: AuditFact): Promise<void> {
    await this.rows.add(this.dataSource.manager, rowOf(fact, 'refused', this.request()));
    this.sealer.wake();
  }

  /**
   * Adds, for each mutation that a request has committed, a row with what the request is answered. It never fails: the mutation is
   * recorded already, and the answer is on its way, which waits for the rows for a second at most. At most one statement.
   * @param goesOn the answer says that the work isn't over
   */
  async answered(request: FastifyRequest, status: number, goesOn: boolean): Promise<void> {
    const rows = this.unanswered.get(request);
    if (!rows) return;
    this.unanswered.delete(request);
    const outcome = goesOn ? 'accepted' : outcomeOf(status);
    const told = rows.map((row) => ({ ...row, before: null, after: { status }, outcome }));
    const adding = this.rows.add(this.dataSource.manager, ...told).then(
      () => {
        this.sealer.wake();
      },
      (error: unknown) => {
        this.logger.error({ err: error, requestId: request.id, status }, 'the outcome of a request is not in the audit log');
      },
    );
    // all connections may be busy, or the database out of reach without a word
    await Promise.race([adding, sleep(ANSWER_WAIT, undefined, { ref: false })]);
  }

  /** Called by TypeORM. */
  afterTransactionCommit({ queryRunner }: TransactionCommitEvent): void {
    const recorded = this.uncommitted.get(queryRunner);
    if (!recorded || queryRunner.isTransactionActive) return;
    this.uncommitted.delete(queryRunner);
    for (const one of recorded) this.committed(one);
  }

  /** Called by TypeORM. */
  afterTransactionRollback({ queryRunner }: TransactionRollbackEvent): void {
    if (!queryRunner.isTransactionActive) this.uncommitted.delete(queryRunner);
  }

  private committed({ row, request }: Recorded): void {
    this.sealer.wake();
    if (request) this.unanswered.set(request, [...(this.unanswered.get(request) ?? []), row]);
  }

  private request(): GuardedRequest | undefined {
    return this.cls.get<GuardedRequest | undefined>('request');
  }
}

function rowOf(fact: AuditFact, outcome: AuditOutcome, request: GuardedRequest | undefined): NewRow {
  const { action, object, app, before = null, after = null, actor } = fact;
  return {
    actor: storable(actor === undefined ? (request?.user?.username ?? null) : actor),
    address: request?.ip ?? null,
    requestId: request?.id ?? null,
    action: action ?? request?.action ?? 'unknown',
    object: storable(object),
    appUuid: app?.uuid ?? null,
    app: app?.id ?? null,
    before: storable(before),
    after: storable(after),
    outcome,
  };
}

/** What was refused may hold what PostgreSQL has no place for, in texts and JSON: NUL, and halves of characters. */
function storable<T>(value: T): T;
function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/[\0\p{Surrogate}]/gu, '\u{fffd}');
  if (Array.isArray(value)) return value.map((item: unknown) => storable(item));
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]: [string, unknown]) => [storable(key), storable(item)]));
}

function outcomeOf(status: number): AuditOutcome {
  if (status < 400) return 'succeeded';
  return status < 500 ? 'refused' : 'failed';
}
