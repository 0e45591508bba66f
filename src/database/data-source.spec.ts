import pg from 'pg';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { createTestDatabase } from '../../test/database.ts';
import { eventually } from '../../test/keelson-process.ts';
import { dataSourceOptions, migrate } from './data-source.ts';
import { Encryption } from './encryption.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  database = await createTestDatabase();
}, 60_000);
afterAll(() => database.drop());

async function query<T extends pg.QueryResultRow>(statement: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query<T>(statement)).rows;
  } finally {
    await client.end();
  }
}

const encryption = new Encryption([{ id: 'k1', key: Buffer.alloc(32) }]);

describe('the data source', () => {
  it('knows the entities of every folder, and bounds what a statement and a transaction may take', async () => {
    const source = await new DataSource(await dataSourceOptions(database.url, encryption)).initialize();
    try {
      expect(source.entityMetadatas.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['App', 'Config', 'Operation', 'Release', 'User']),
      );
      for (const { target } of source.entityMetadatas) await source.getRepository(target).find({ take: 1 });
      expect(await source.query('SHOW statement_timeout')).toEqual([{ statement_timeout: '30s' }]);
      expect(await source.query('SHOW idle_in_transaction_session_timeout')).toEqual([{ idle_in_transaction_session_timeout: '15s' }]);
      expect(await source.query('SHOW lock_timeout')).toEqual([{ lock_timeout: '10s' }]);
      expect(await source.query('SHOW application_name')).toEqual([{ application_name: 'keelson' }]);
    } finally {
      await source.destroy();
    }
  });
});

describe('migrating', () => {
  const recorded = 'SELECT name FROM migrations ORDER BY id';

  it('has nothing to do twice', async () => {
    expect(await migrate(database.url)).toEqual([]);
  });

  it('leaves the migrations of a newer version alone', async () => {
    await query(`INSERT INTO migrations (timestamp, name) VALUES (9999999999999, 'Newer9999999999999')`);
    expect(await migrate(database.url)).toEqual([]);
    expect((await query<{ name: string }>(recorded)).at(-1)).toEqual({ name: 'Newer9999999999999' });
  });

  it('is done once when replicas start together', async () => {
    await query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    const done = await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)]);
    const names = (await query<{ name: string }>(recorded)).map(({ name }) => name);
    expect(names.length).toBeGreaterThan(0);
    expect(done.flat()).toEqual(names);
  });

  it('waits for a table that is in use, and lets everybody else get to it meanwhile', async () => {
    const holder = new pg.Client({ connectionString: database.url });
    await holder.connect();
    try {
      // as pg_dump holds every table
      await holder.query('BEGIN; LOCK TABLE users IN ACCESS SHARE MODE');
      const migrated = migrate(database.url, undefined, [
        { modules: [], entities: [], migrations: [Altering1799999999999], manifests: [], kinds: [] },
      ]);
      await eventually(async () => expect(await waitingFor('users')).toBe(1));
      // behind the migration, until that gives way
      expect(await query('SELECT count(*)::int AS count FROM users')).toEqual([{ count: 0 }]);
      expect(await query(`SELECT FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'nickname'`)).toEqual([]);
      await holder.query('COMMIT');
      expect(await migrated).toEqual(['Altering1799999999999']);
    } finally {
      await holder.end();
    }
    expect(await query(`SELECT FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'nickname'`)).toHaveLength(1);
  }, 60_000);
});

/** How many statements wait for a lock on a table. */
async function waitingFor(table: string): Promise<number> {
  return (await query(`SELECT FROM pg_locks WHERE NOT granted AND relation = '${table}'::regclass`)).length;
}

class Altering1799999999999 implements MigrationInterface {
  readonly name = 'Altering1799999999999';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE users ADD COLUMN nickname text');
  }

  down(): Promise<void> {
    throw new Error('not here');
  }
}
