import pg from 'pg';
import { createDatabaseWithRoles, type DatabaseWithRoles } from '../../test/database-roles.ts';
import { createTestDatabase } from '../../test/database.ts';
import { migrate } from './data-source.ts';

let database: DatabaseWithRoles;

beforeAll(async () => {
  database = await createDatabaseWithRoles();
}, 60_000);
afterAll(() => database.drop());

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

const ADD = `INSERT INTO audit_rows (action, outcome) VALUES ('app.create', 'committed')`;
const SEAL = `INSERT INTO audit_seals (sequence, row_id, hash) SELECT 1, min(id), 'x' FROM audit_rows`;
const KEY = `INSERT INTO audit_keys (uuid, key) VALUES (gen_random_uuid(), 'k')`;
const CHANGES = [`UPDATE audit_rows SET actor = 'eve'`, `UPDATE audit_seals SET hash = 'y'`, `UPDATE audit_keys SET key = 'l'`];
const TAMPERING = [
  ...CHANGES,
  ...['audit_rows', 'audit_seals', 'audit_keys'].flatMap((table) => [`DELETE FROM ${table}`, `TRUNCATE ${table} CASCADE`]),
];

describe('a server whose tables another role owns', () => {
  beforeAll(async () => {
    expect((await migrate(database.serverUrl, database.ownerUrl)).length).toBeGreaterThan(0);
  });

  it('reads and writes them', async () => {
    await query(database.serverUrl, `INSERT INTO roles (uuid, name, tag) VALUES (gen_random_uuid(), 'guest', 1)`);
    await query(database.serverUrl, `UPDATE roles SET name = 'visitor' WHERE name = 'guest'`);
    await query(database.serverUrl, `DELETE FROM roles WHERE name = 'visitor'`);
    await query(database.serverUrl, ADD);
    await query(database.serverUrl, SEAL);
    await query(database.serverUrl, KEY);
    await query(database.serverUrl, 'DELETE FROM audit_unsealed');
    expect(await query(database.serverUrl, 'SELECT action FROM audit_rows JOIN audit_seals ON id = row_id')).toEqual([
      { action: 'app.create' },
    ]);
  });

  it.each([
    ...TAMPERING,
    'INSERT INTO audit_unsealed VALUES (1)',
    'UPDATE audit_unsealed SET row_id = 2',
    'TRUNCATE audit_unsealed',
    'ALTER TABLE audit_rows DISABLE TRIGGER ALL',
    'DROP TABLE audit_seals',
  ])('may not: %s', async (sql) => {
    await expect(query(database.serverUrl, sql)).rejects.toThrow(/permission denied for table|must be owner of/);
  });

  it('starts on what the owner has migrated', async () => {
    expect(await migrate(database.serverUrl)).toEqual([]);
  });

  it('gets the same rights again', async () => {
    await query(database.ownerUrl, `GRANT UPDATE ON audit_rows TO PUBLIC; GRANT UPDATE (hash) ON audit_seals TO PUBLIC`);
    expect(await migrate(database.serverUrl, database.ownerUrl)).toEqual([]);
    for (const change of CHANGES) await expect(query(database.serverUrl, change)).rejects.toThrow('permission denied');
  });

  it.each(['ownerUrl', 'url'] as const)('must not be who could change the audit log (%s)', async (name) => {
    await expect(migrate(database[name], database.ownerUrl)).rejects.toThrow(
      name === 'url' ? 'could change the audit log: it is a superuser.' : 'owns the schema public, owns the table audit_keys',
    );
  });

  /** With `server`, `owner` and `other` for the names of roles, and `db` for that of the database. */
  it.each([
    [
      'owns the schema public',
      'ALTER SCHEMA public OWNER TO server; GRANT ALL ON SCHEMA public TO owner',
      'ALTER SCHEMA public OWNER TO owner',
    ],
    ['owns the database', 'ALTER DATABASE db OWNER TO server', 'ALTER DATABASE db OWNER TO postgres'],
    ['has CREATEROLE', 'ALTER ROLE server CREATEROLE', 'ALTER ROLE server NOCREATEROLE'],
    ['has TRIGGER on audit_seals, as other', 'GRANT other TO server; GRANT TRIGGER ON audit_seals TO other', 'REVOKE other FROM server'],
    ['has UPDATE on audit_keys, as other', 'GRANT other TO server; GRANT UPDATE (key) ON audit_keys TO other', 'REVOKE other FROM server'],
    ['may act as pg_execute_server_program', 'GRANT pg_execute_server_program TO server', 'REVOKE pg_execute_server_program FROM server'],
  ])('must not be one that %s (%s)', async (reason, given, back) => {
    const roleIn = (url: string): string => new URL(url).username;
    const other = `${roleIn(database.serverUrl)}_other`;
    const named = (text: string): string =>
      text
        .replace(/\bserver\b/g, roleIn(database.serverUrl))
        .replace(/\bowner\b/g, roleIn(database.ownerUrl))
        .replace(/\bother\b/g, other)
        .replace(/\bdb\b/g, new URL(database.url).pathname.slice(1));
    await query(database.url, `CREATE ROLE ${other} NOINHERIT; ${named(given)}`);
    try {
      await expect(migrate(database.serverUrl, database.ownerUrl)).rejects.toThrow(named(reason));
    } finally {
      await query(database.url, `${named(back)}; DROP OWNED BY ${other}; DROP ROLE ${other}`);
    }
    await migrate(database.serverUrl, database.ownerUrl);
  });

  it('must be at home in the same database', async () => {
    const other = await createTestDatabase();
    try {
      await expect(migrate(other.url, database.ownerUrl)).rejects.toThrow('lead to different databases');
    } finally {
      await other.drop();
    }
  });
});

describe('a database that was not made ready', () => {
  let other: DatabaseWithRoles;
  beforeEach(async () => {
    other = await createDatabaseWithRoles();
  });
  afterEach(() => other.drop());

  const role = (url: string): string => new URL(url).username;

  it('is to be migrated by its owner', async () => {
    await query(other.ownerUrl, `GRANT USAGE ON SCHEMA public TO ${role(other.serverUrl)}`);
    await expect(migrate(other.serverUrl)).rejects.toThrow(
      `the role ${role(other.serverUrl)} of DATABASE_URL may not do that. Run: keelson migrate, with MIGRATION_DATABASE_URL`,
    );
  });

  it('is to be handed over first', async () => {
    const [server, owner] = [role(other.serverUrl), role(other.ownerUrl)];
    await query(other.ownerUrl, `GRANT ALL ON SCHEMA public TO ${server}`);
    await migrate(other.serverUrl);
    await expect(migrate(other.serverUrl, other.ownerUrl)).rejects.toThrow(`belong to the role ${server}, not to ${owner} of`);
    await query(other.url, `REASSIGN OWNED BY ${server} TO ${owner}; REVOKE CREATE ON SCHEMA public FROM ${server}`);
    expect(await migrate(other.serverUrl, other.ownerUrl)).toEqual([]);
    await query(other.ownerUrl, `DELETE FROM migrations WHERE name LIKE 'Audit%'`);
    await expect(migrate(other.serverUrl)).rejects.toThrow(`may not do that: its tables belong to ${owner}. Run: keelson migrate`);
  });
});

it.each(TAMPERING)('the audit log is append-only for who owns it, too: %s', async (sql) => {
  const embedded = await createTestDatabase();
  try {
    await query(embedded.url, ADD);
    await query(embedded.url, SEAL);
    await query(embedded.url, KEY);
    await expect(query(embedded.url, sql)).rejects.toThrow('The audit log is append-only.');
  } finally {
    await embedded.drop();
  }
});

it('the database says when a row was added, whatever is sent', async () => {
  const database = await createTestDatabase();
  const { url } = database;
  try {
    await query(url, `INSERT INTO audit_rows (time, action, outcome) VALUES ('2001-01-01', 'app.create', 'committed')`);
    expect(await query(url, `SELECT now() - time < interval '1 hour' AS now FROM audit_rows`)).toEqual([{ now: true }]);
  } finally {
    await database.drop();
  }
});
