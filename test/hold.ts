import { randomUUID } from 'node:crypto';
import type { DataSource, EntityManager } from 'typeorm';
import type { OperationKind } from '../src/deploy/operation.entity.ts';
import { eventually } from './keelson-process.ts';

/** What is still held when a test ends, for instance because it failed: the next ones would wait for it until they time out. */
const held = new Map<string, () => Promise<void>>();

afterEach(async () => {
  for (const letGo of held.values()) await letGo();
});

/** An operation that the engine takes no notice of, as if another replica worked on it. @returns its uuid */
async function occupy(database: DataSource, appId: string, kind: OperationKind, unwatched: boolean): Promise<string> {
  const uuid = randomUUID();
  await database.query(
    `INSERT INTO operations (uuid, app_uuid, app_id, kind, unwatched, state, generation, lease_owner, lease_expires)
     SELECT $1, uuid, id, $3, $4, 'running', 0, 'the test', now() + interval '1 hour' FROM apps WHERE id = $2`,
    [uuid, appId, kind, unwatched],
  );
  return uuid;
}

/** Does something with an operation, and wakes the engine. @param statement gets its uuid, and returns its app's */
async function wake(database: DataSource, statement: string, uuid: string): Promise<void> {
  const [rows] = await database.query<[{ app_uuid: string }[], number]>(statement, [uuid]);
  await database.query(`SELECT pg_notify('keelson_due', $1)`, [rows[0]?.app_uuid]);
}

/**
 * Keeps the engine from an app, as if another replica worked on it: what is committed meanwhile waits.
 * @returns lets it go on
 */
export async function holdEngine(database: DataSource, appId: string): Promise<() => Promise<void>> {
  const uuid = await occupy(database, appId, 'heal', true);
  const letGo = async (): Promise<void> => {
    held.delete(uuid);
    await wake(database, 'DELETE FROM operations WHERE uuid = $1 RETURNING app_uuid', uuid);
  };
  held.set(uuid, letGo);
  return letGo;
}

/**
 * Makes a change while an operation is claimed that hasn't read the app's rows yet: its owner dies, and the next one reads what the change
 * wrote.
 * @param unwatched whether that operation also looks at what no watch shows
 */
export async function overtaken<T>(
  database: DataSource,
  appId: string,
  { kind, unwatched }: { kind: OperationKind; unwatched: boolean },
  change: () => Promise<T>,
): Promise<T> {
  const uuid = await occupy(database, appId, kind, unwatched);
  const before = await generationOf(database, appId);
  const answer = change();
  await eventually(async () => {
    expect(await generationOf(database, appId)).toBe(before + 1);
  });
  await wake(database, `UPDATE operations SET lease_expires = now() - interval '1 second' WHERE uuid = $1 RETURNING app_uuid`, uuid);
  return answer;
}

/** The app's generation: how many changes were committed. */
export async function generationOf(database: DataSource, appId: string): Promise<number> {
  const [row] = await database.query<[{ generation: string }]>('SELECT generation FROM apps WHERE id = $1', [appId]);
  return Number(row.generation);
}

/** Does something while a transaction of its own holds what others need. */
export async function holding<T>(
  database: DataSource,
  lock: (tx: EntityManager) => Promise<unknown>,
  during: (letGo: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const runner = database.createQueryRunner();
  await runner.connect();
  await runner.startTransaction();
  await lock(runner.manager);
  try {
    return await during(() => runner.commitTransaction());
  } finally {
    if (runner.isTransactionActive) await runner.rollbackTransaction();
    await runner.release();
  }
}

/** Until so many transactions wait for others. The look for drift, which any time may bring, is none of them. */
export async function waiting(database: DataSource, count: number): Promise<void> {
  await eventually(async () => {
    const [row] = await database.query<[{ waiting: string }]>(
      `SELECT count(*) AS waiting FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock' AND query NOT LIKE '%app_drift%'`,
    );
    expect(Number(row.waiting)).toBe(count);
  });
}
