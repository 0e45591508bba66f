import { Injectable } from '@nestjs/common';
import { createHmac } from 'node:crypto';
import { DataSource } from 'typeorm';
import { Sweeper } from '../database/sweeper.ts';
import { Settings } from '../settings/settings.ts';

/** Something that may be tried so often in a while. */
export interface Counter {
  key: string;
  limit: number;
  /** Seconds from the first time on, after which it is counted anew. */
  window: number;
}

/** How often it was tried, and in how many seconds that is forgotten. */
export interface Count {
  count: number;
  seconds: number;
}

interface Row extends Count {
  key: string;
}

const SECONDS_LEFT = `greatest(1, ceil(extract(epoch FROM ends - now())))::integer AS seconds`;

/** Counts what is tried, in the database: all replicas count together. Each method is one statement. */
@Injectable()
export class AttemptCounts {
  constructor(
    private readonly dataSource: DataSource,
    private readonly settings: Settings,
    sweeper: Sweeper,
  ) {
    sweeper.add(
      'counts of attempts',
      'DELETE FROM attempts WHERE key IN (SELECT key FROM attempts WHERE ends <= now() ORDER BY ends LIMIT $1 FOR UPDATE SKIP LOCKED)',
    );
  }

  /** The key of a count, from what it is about. It tells nothing of that: a name may be a password in the wrong field. */
  key(...about: string[]): string {
    return createHmac('sha256', this.settings.secretKey)
      .update(JSON.stringify(['attempts', ...about]))
      .digest('base64url');
  }

  /** The counts by their keys; of what was not tried lately there is none. */
  async read(keys: readonly string[]): Promise<Map<string, Count>> {
    const rows = await this.dataSource.query<Row[]>(
      `SELECT key, count, ${SECONDS_LEFT} FROM attempts WHERE key = ANY($1) AND ends > now()`,
      [keys],
    );
    return byKey(rows);
  }

  /** Counts one more try of each. @returns the counts by their keys */
  async add(counters: readonly Counter[]): Promise<Map<string, Count>> {
    const rows = await this.dataSource.query<Row[]>(
      // in the order of the keys: two that lock the same rows in another order would wait for each other
      `INSERT INTO attempts AS a (key, count, ends)
       SELECT key, 1, now() + seconds * interval '1 second' FROM unnest($1::text[], $2::integer[]) AS t (key, seconds) ORDER BY key
       ON CONFLICT (key) DO UPDATE SET
         count = CASE WHEN a.ends > now() THEN a.count + 1 ELSE 1 END,
         ends = CASE WHEN a.ends > now() THEN a.ends ELSE excluded.ends END
       RETURNING key, count, ${SECONDS_LEFT}`,
      [counters.map(({ key }) => key), counters.map(({ window }) => window)],
    );
    return byKey(rows);
  }

  /** Counts the first refusal: it is the one try beyond the limit that is counted. @returns whether this is the first */
  async addRefusal({ key, limit }: Counter): Promise<boolean> {
    const result: unknown = await this.dataSource.query(
      'UPDATE attempts SET count = count + 1 WHERE key = $1 AND count = $2 AND ends > now()',
      [key, limit],
    );
    return (result as [unknown, number])[1] === 1;
  }

  /** Forgets a count, and keeps a mark for so many seconds. */
  async clear(cleared: string, mark: string, seconds: number): Promise<void> {
    await this.dataSource.query(
      `WITH cleared AS (DELETE FROM attempts WHERE key = $1)
       INSERT INTO attempts (key, count, ends) VALUES ($2, 0, now() + $3 * interval '1 second')
       ON CONFLICT (key) DO UPDATE SET ends = excluded.ends`,
      [cleared, mark, seconds],
    );
  }
}

const byKey = (rows: readonly Row[]): Map<string, Count> => new Map(rows.map(({ key, count, seconds }) => [key, { count, seconds }]));
