import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ClsService } from 'nestjs-cls';
import pg from 'pg';
import type { Logger } from 'pino';
import { DatabaseServer } from '../database/database-server.ts';
import { Encryption } from '../database/encryption.ts';
import { LOGGER } from '../http/logger.ts';
import { sealingKey } from './audit-key.entity.ts';
import { type Checkpoint, CHECKPOINT, hashOf, ROW_TEXTS, type RowTexts, START } from './chain.ts';

/** Advisory lock: of all processes, one seals at a time. */
const LOCK = 7_261_002;
/** Rows sealed in one transaction. */
const BATCH = 1000;
/** Milliseconds in which rows gather before they are sealed together. */
const GATHER = 200;
/** How often rows are looked for that a process which died has left, in milliseconds. */
const EVERY = 10_000;
/** Milliseconds that the end of the process waits for the last rows to be sealed. What is left is another process' or the next start's. */
const LAST = 5_000;
/** How often it is logged again that nothing can be sealed, in milliseconds. */
const AGAIN = 300_000;

/**
 * Gives the rows of the audit log their places in the chain, soon after they are committed. What adds rows doesn't wait for it: chained
 * as they are added, all changes of the platform would stand in one line.
 */
@Injectable()
export class Sealer implements OnApplicationBootstrap {
  /** A connection of its own: however many requests wait for one, rows are sealed in time. */
  private readonly pool: pg.Pool;
  private every: NodeJS.Timeout | undefined;
  private soon: NodeJS.Timeout | undefined;
  private work: Promise<void> = Promise.resolve();
  /** The end of the chain when this process last saw it. */
  private head: Checkpoint | undefined;
  /** When it was last logged that nothing can be sealed; undefined while rows are. */
  private complained: number | undefined;

  constructor(
    server: DatabaseServer,
    private readonly encryption: Encryption,
    private readonly cls: ClsService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.pool = new pg.Pool({
      connectionString: server.url,
      application_name: 'keelson-sealer',
      max: 1,
      allowExitOnIdle: true,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      statement_timeout: 10_000,
      // of a connection that was cut silently
      query_timeout: 15_000,
      idle_in_transaction_session_timeout: 60_000,
    });
    // A connection that is lost while nobody uses it: the next one is a new one. One that is lost in the middle of a batch fails the batch;
    // without a listener of its own it would end the process, too.
    this.pool.on('error', () => undefined);
    this.pool.on('connect', (client) => client.on('error', () => undefined));
    server.atLast(() => this.end());
  }

  onApplicationBootstrap(): void {
    this.every = setInterval(() => void this.seal(), EVERY).unref();
    this.wake();
  }

  /** There are new rows. */
  wake(): void {
    // not as a part of the request that added them: the log would say so
    this.soon ??= this.cls.exit(() =>
      setTimeout(() => {
        this.soon = undefined;
        void this.seal();
      }, GATHER).unref(),
    );
  }

  /** Seals all rows that are committed. What keeps it from that is logged, and left to the next time. */
  async seal(): Promise<void> {
    this.work = this.work.then(async () => {
      try {
        while ((await this.sealBatch()) === BATCH);
        this.complained = undefined;
      } catch (error) {
        await this.complain(error);
      }
    });
    await this.work;
  }

  /** Seals the last rows. */
  private async end(): Promise<void> {
    clearInterval(this.every);
    clearTimeout(this.soon);
    await Promise.race([this.seal().then(() => this.pool.end()), new Promise((resolve) => setTimeout(resolve, LAST).unref())]);
  }

  private async complain(error: unknown): Promise<void> {
    if (this.complained !== undefined && Date.now() - this.complained < AGAIN) return;
    this.complained = Date.now();
    const waiting = await this.pool.query<{ count: string }>('SELECT count(*) AS count FROM audit_unsealed').then(
      ({ rows }) => Number(rows[0]?.count),
      // then that is why
      () => undefined,
    );
    this.logger.error({ err: error, waiting }, 'the audit log cannot be sealed; it is tried again');
  }

  /** @returns how many rows it sealed */
  private async sealBatch(): Promise<number> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
      const last = await this.lastSeal(client);
      // somebody put them there: sealed again, they would keep all others from being sealed
      await client.query('DELETE FROM audit_unsealed u USING audit_seals s WHERE s.row_id = u.row_id');
      const { rows } = await client.query<RowTexts>(
        `SELECT ${ROW_TEXTS} FROM audit_unsealed u JOIN audit_rows r ON r.id = u.row_id ORDER BY u.row_id LIMIT ${String(BATCH)}`,
      );
      const head = rows.length > 0 ? await this.chain(client, last, rows) : last;
      await client.query('COMMIT');
      client.release();
      this.head = head;
      if (rows.length > 0) this.logger.info(head, CHECKPOINT);
      return rows.length;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  /** The end of the chain. Logs an error if it is no longer the one that this process has seen, or one that follows it. */
  private async lastSeal(client: pg.PoolClient): Promise<Checkpoint> {
    const known = this.head;
    const { rows } = await client.query<{ sequence: string; hash: string }>(
      'SELECT sequence, hash FROM audit_seals WHERE sequence = $1 OR sequence = (SELECT max(sequence) FROM audit_seals) ORDER BY 1 DESC',
      [known?.sequence ?? 0],
    );
    const seals = rows.map(({ sequence, hash }) => ({ sequence: Number(sequence), hash }));
    if (known && known.sequence > 0 && !seals.some(({ sequence, hash }) => sequence === known.sequence && hash === known.hash)) {
      this.logger.error(known, `the audit chain was changed or cut off: it had sequence ${String(known.sequence)} with this hash`);
    }
    return (this.head = seals[0] ?? { sequence: 0, hash: START });
  }

  /** @returns the new end of the chain */
  private async chain(client: pg.PoolClient, last: Checkpoint, rows: readonly RowTexts[]): Promise<Checkpoint> {
    const key = await sealingKey(client, this.encryption, last.sequence > 0);
    const head = { ...last };
    const seals = rows.map((row) => {
      head.sequence += 1;
      head.hash = hashOf(key, row, head.sequence, head.hash);
      return { ...head };
    });
    const ids = rows.map(({ id }) => id);
    await client.query('INSERT INTO audit_seals (sequence, row_id, hash) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[])', [
      seals.map(({ sequence }) => sequence),
      ids,
      seals.map(({ hash }) => hash),
    ]);
    await client.query('DELETE FROM audit_unsealed WHERE row_id = ANY($1::bigint[])', [ids]);
    return head;
  }
}
