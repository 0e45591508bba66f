import type { DataSource, QueryRunner } from 'typeorm';
import { KEY_GONE, readAuditKey } from './audit-key.entity.ts';
import { type Checkpoint, hashOf, ROW_TEXTS, type RowTexts, START } from './chain.ts';

/** The first place where the chain is not as it was made. */
export interface Break {
  sequence: number;
  /** The row that is there now, as far as there is one. */
  row: Pick<RowTexts, 'id' | 'time' | 'action' | 'object'> | null;
  /** What is wrong, in words that continue "row …". */
  fault: string;
}

export interface Findings {
  /** How far the chain is whole. */
  head: Checkpoint;
  broken: Break | null;
  /** There is a key, which is made with the first seal, and no seal. */
  emptied: boolean;
  /** Rows that wait for their seal. */
  waiting: number;
  /** Those that have waited for more than a minute, and the first of them. */
  late: { count: number; first: string | null };
  /** Rows without a seal that don't wait for one either, and the first of them. */
  outcasts: { count: number; first: string | null };
  /** Rows that waited for a seal and are gone, and the first of them. */
  vanished: { count: number; first: string | null };
  checkpoints: { compared: number; fault: string | null };
}

interface Link extends Checkpoint {
  rowId: string;
  row: RowTexts | null;
}

type Raw = RowTexts & { sequence: string; hash: string; row_id: string };

const FETCH = 1000;
const LINKS = `SELECT s.sequence, s.hash, s.row_id, ${ROW_TEXTS} FROM audit_seals s LEFT JOIN audit_rows r ON r.id = s.row_id`;
const UNSEALED = 'FROM audit_rows r WHERE NOT EXISTS (SELECT FROM audit_seals s WHERE s.row_id = r.id)';

/**
 * Goes through the whole chain, as one snapshot of the database has it: sealing may go on meanwhile. It needs no more memory for a long
 * chain than for a short one.
 */
export class ChainVerifier {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * @param checkpoints what was logged; without any, a chain that was cut off or made anew cannot be told from the true one
   * @throws {Error} when there is a chain but not its key, and where there are no tables
   */
  async verify(checkpoints: Iterable<Checkpoint> | AsyncIterable<Checkpoint> = []): Promise<Findings> {
    const runner = this.dataSource.createQueryRunner();
    await runner.startTransaction('REPEATABLE READ');
    try {
      await runner.query('SET TRANSACTION READ ONLY');
      await runner.query('SET LOCAL statement_timeout = 0');
      // a log on standard input may take its time
      await runner.query('SET LOCAL idle_in_transaction_session_timeout = 0');
      const [{ migrated }] = (await runner.query(`SELECT to_regclass('audit_seals') IS NOT NULL AS migrated`)) as [{ migrated: boolean }];
      if (!migrated) throw new Error('The database is not migrated: it has no audit log. Look at what DATABASE_URL or DATA_DIR names.');
      return await new Inspection(runner, await readAuditKey(runner.manager)).findings(checkpoints);
    } finally {
      await runner.rollbackTransaction();
      await runner.release();
    }
  }
}

/** One look at the chain, within a transaction. */
class Inspection {
  private readonly key: Buffer;
  private cursors = 0;

  constructor(
    private readonly runner: QueryRunner,
    private readonly found: Buffer | null,
  ) {
    this.key = found ?? Buffer.alloc(0);
  }

  async findings(checkpoints: Iterable<Checkpoint> | AsyncIterable<Checkpoint>): Promise<Findings> {
    const { head, broken } = await this.walk();
    const [unsealed] = await this.rows<Record<'waiting' | 'late' | 'outcasts', string> & Record<'first_late' | 'first', string | null>>(
      `SELECT count(u.row_id) AS waiting,
              count(*) FILTER (WHERE late) AS late, min(id) FILTER (WHERE late) AS first_late,
              count(*) - count(u.row_id) AS outcasts, min(id) FILTER (WHERE u.row_id IS NULL) AS first
         FROM (SELECT r.id, r.time ${UNSEALED}) r LEFT JOIN audit_unsealed u ON u.row_id = r.id,
              LATERAL (SELECT u.row_id IS NOT NULL AND r.time < now() - interval '1 minute' AS late) l`,
    );
    const [gone] = await this.rows<{ count: string; first: string | null }>(
      `SELECT count(*) AS count, min(row_id) AS first FROM audit_unsealed u WHERE NOT EXISTS (SELECT FROM audit_rows r WHERE r.id = u.row_id)`,
    );
    return {
      head,
      broken,
      emptied: this.found !== null && head.sequence === 0 && !broken,
      waiting: Number(unsealed?.waiting),
      late: { count: Number(unsealed?.late), first: unsealed?.first_late ?? null },
      outcasts: { count: Number(unsealed?.outcasts), first: unsealed?.first ?? null },
      vanished: { count: Number(gone?.count), first: gone?.first ?? null },
      checkpoints: await this.compare(checkpoints),
    };
  }

  private async walk(): Promise<{ head: Checkpoint; broken: Break | null }> {
    let head: Checkpoint = { sequence: 0, hash: START };
    for await (const raw of this.each<Raw>(`${LINKS} ORDER BY s.sequence`)) {
      if (!this.found) throw new Error(KEY_GONE);
      const link = linkOf(raw);
      const fault = await this.faultOf(link, head);
      if (fault) return { head, broken: fault };
      head = { sequence: link.sequence, hash: link.hash };
    }
    return { head, broken: null };
  }

  private async faultOf(link: Link, before: Checkpoint): Promise<Break | null> {
    const sequence = before.sequence + 1;
    if (link.sequence !== sequence) return this.gap(link, before);
    if (!link.row) return { sequence, row: null, fault: `with the id ${link.rowId} was deleted` };
    if (hashOf(this.key, link.row, sequence, before.hash) === link.hash) return null;
    return { sequence, row: link.row, fault: await this.mismatch({ ...link, row: link.row }, before.hash) };
  }

  /** Seals are missing before a link. Where it is one, its row is found if it is still there. */
  private async gap(next: Link, before: Checkpoint): Promise<Break> {
    const sequence = before.sequence + 1;
    if (next.sequence < sequence)
      return { sequence: next.sequence, row: next.row, fault: 'shares its place in the chain with another one' };
    if (next.sequence > sequence + 1) {
      return { sequence, row: null, fault: `is missing, and all after it up to sequence ${String(next.sequence - 1)}: seals were deleted` };
    }
    for await (const row of this.each<RowTexts>(`SELECT ${ROW_TEXTS} ${UNSEALED}`)) {
      const hash = hashOf(this.key, row, sequence, before.hash);
      if (next.row && hashOf(this.key, next.row, next.sequence, hash) === next.hash) return { sequence, row, fault: 'has lost its seal' };
    }
    return { sequence, row: null, fault: 'was deleted, and its seal with it' };
  }

  /** Why a seal and its row don't match. */
  private async mismatch(link: Link & { row: RowTexts }, previous: string): Promise<string> {
    const { sequence, hash, row } = link;
    for await (const raw of this.each<Raw>(`${LINKS} WHERE r.id IS NOT NULL`)) {
      if (raw.id === row.id) continue;
      const [moved, renamed] = [raw, { ...raw, id: row.id }].map((texts) => hashOf(this.key, texts, sequence, previous));
      if (moved === hash || moved === raw.hash || renamed === hash)
        return `is not the one of this place, which is that of row ${raw.id}: rows were reordered`;
    }
    const [raw] = await this.rows<Raw>(`${LINKS} WHERE s.sequence > ${String(sequence)} ORDER BY s.sequence LIMIT 1`);
    const next = raw && linkOf(raw);
    const leadsOn = (from: string): boolean => !!next?.row && hashOf(this.key, next.row, next.sequence, from) === next.hash;
    if (leadsOn(hash)) return 'was changed';
    return leadsOn(hashOf(this.key, row, sequence, previous)) ? 'is as it was, but its seal was changed' : 'or its seal was changed';
  }

  private async compare(checkpoints: Iterable<Checkpoint> | AsyncIterable<Checkpoint>): Promise<Findings['checkpoints']> {
    let compared = 0;
    let fault: string | null = null;
    const look = async (logged: Checkpoint[]): Promise<void> => {
      compared += logged.length;
      fault ??= await this.contradiction(logged);
    };
    let batch: Checkpoint[] = [];
    for await (const checkpoint of checkpoints) {
      batch.push(checkpoint);
      if (batch.length < FETCH) continue;
      await look(batch);
      batch = [];
    }
    await look(batch);
    return { compared, fault };
  }

  private async contradiction(logged: readonly Checkpoint[]): Promise<string | null> {
    const sequences = logged.map(({ sequence }) => sequence);
    const seals = await this.rows<{ sequence: string; hash: string }>(
      'SELECT sequence, hash FROM audit_seals WHERE sequence = ANY($1::bigint[]) OR sequence = (SELECT max(sequence) FROM audit_seals)',
      [sequences],
    );
    const hashes = new Map(seals.map(({ sequence, hash }) => [Number(sequence), hash]));
    const last = Math.max(0, ...hashes.keys());
    const wrong = logged.find(({ sequence, hash }) => hashes.get(sequence) !== hash);
    if (!wrong) return null;
    const { sequence } = wrong;
    if (sequence > last)
      return `the chain was cut off: it ends at sequence ${String(last)}, and ${String(sequence)} was logged; all from ${String(last + 1)} on is missing`;
    if (!hashes.has(sequence)) return `sequence ${String(sequence)} was logged and is missing`;
    return `sequence ${String(sequence)} had another hash when it was logged: it, or what is before it, was cut off and made anew`;
  }

  private rows<T>(sql: string, parameters?: unknown[]): Promise<T[]> {
    return this.runner.query(sql, parameters) as Promise<T[]>;
  }

  /** The rows of a SELECT, read in portions. */
  private async *each<T>(select: string): AsyncGenerator<T> {
    const cursor = `audit_${String((this.cursors += 1))}`;
    await this.runner.query(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${select}`);
    for (;;) {
      const portion = await this.rows<T>(`FETCH ${String(FETCH)} FROM ${cursor}`);
      yield* portion;
      if (portion.length < FETCH) return;
    }
  }
}

function linkOf({ sequence, hash, row_id: rowId, ...row }: Raw): Link {
  return { sequence: Number(sequence), hash, rowId, row: (row.id as string | null) === null ? null : row };
}
