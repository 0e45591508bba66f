import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { ClsService } from 'nestjs-cls';
import pg from 'pg';
import { pino } from 'pino';
import { DataSource } from 'typeorm';
import { createTestDatabase } from '../../test/database.ts';
import { eventually } from '../../test/keelson-process.ts';
import { dataSourceOptions } from '../database/data-source.ts';
import { DatabaseServer } from '../database/database-server.ts';
import { Encryption } from '../database/encryption.ts';
import { AuditRow } from './audit-row.entity.ts';
import { CHECKPOINT } from './chain.ts';
import { Sealer } from './sealer.ts';

/** The advisory lock that a sealer takes. */
const LOCK = 7_261_002;

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let encryption: Encryption;
let dataSource: DataSource;
let other: pg.Client;
let server: DatabaseServer;
let sealer: Sealer;
let logged: { msg: string; sequence?: number; waiting?: number }[];

beforeEach(async () => {
  database = await createTestDatabase();
  encryption = new Encryption([{ id: 'k1', key: randomBytes(32) }]);
  dataSource = await new DataSource(await dataSourceOptions(database.url, encryption)).initialize();
  other = new pg.Client({ connectionString: database.url });
  await other.connect();
  logged = [];
  const log = pino({ level: 'info' }, { write: (line: string) => logged.push(JSON.parse(line) as { msg: string }) });
  server = new DatabaseServer(database.url);
  sealer = new Sealer(server, encryption, new ClsService(new AsyncLocalStorage()), log);
});

afterEach(async () => {
  await server.finish();
  await other.end();
  await dataSource.destroy();
  await database.drop();
});

const addRow = (): Promise<unknown> => dataSource.manager.insert(AuditRow, { action: 'config.set', outcome: 'committed' });

/** How many sealers wait for the lock that `other` holds. */
const waiting = `SELECT count(*)::int AS waiting FROM pg_stat_activity
  WHERE application_name = 'keelson-sealer' AND datname = current_database() AND wait_event_type = 'Lock'`;

describe('a connection that is lost in the middle of a batch', () => {
  const ended = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'keelson-sealer' AND datname = current_database()`;

  it.each<[string, (connections: readonly Socket[]) => Promise<unknown>]>([
    ['is ended by the server', () => other.query(ended)],
    ['is reset', (connections) => Promise.resolve(connections.map((one) => one.destroy(new Error('read ECONNRESET'))))],
  ])('and %s fails that batch only, which is sealed the next time', async (_, cut) => {
    const connections: Socket[] = [];
    sealer['pool'].on('connect', (client) => {
      connections.push((client as unknown as { connection: { stream: Socket } }).connection.stream);
    });
    await addRow();
    await other.query('SELECT pg_advisory_lock($1)', [LOCK]);
    const sealing = sealer.seal();
    await eventually(async () => {
      expect((await other.query(waiting)).rows).toEqual([{ waiting: 1 }]);
    });
    await cut(connections);
    await sealing;
    await other.query('SELECT pg_advisory_unlock($1)', [LOCK]);
    await sealer.seal();
    expect(logged).toMatchObject([{ msg: expect.stringContaining('cannot be sealed') as string }, { msg: CHECKPOINT, sequence: 1 }]);
  });
});

it('makes the key with the first seal', async () => {
  await sealer.seal();
  expect((await other.query('SELECT FROM audit_keys')).rows).toHaveLength(0);
  await addRow();
  await sealer.seal();
  expect((await other.query('SELECT FROM audit_keys')).rows).toHaveLength(1);
});

it('takes out of the queue what is sealed already', async () => {
  await addRow();
  await sealer.seal();
  await other.query('INSERT INTO audit_unsealed SELECT id FROM audit_rows');
  await addRow();
  await sealer.seal();
  expect(logged).toMatchObject([
    { msg: CHECKPOINT, sequence: 1 },
    { msg: CHECKPOINT, sequence: 2 },
  ]);
  expect((await other.query('SELECT FROM audit_unsealed')).rows).toHaveLength(0);
});

it.each([
  ['cut off', 'DELETE FROM audit_seals WHERE sequence = 2'],
  ['changed', `UPDATE audit_seals SET hash = repeat('a', 64) WHERE sequence = 2`],
  ['emptied', 'DELETE FROM audit_seals'],
])('says once that the chain was %s behind its back, and goes on', async (_, tampering) => {
  for (let row = 0; row < 2; row++) {
    await addRow();
    await sealer.seal();
  }
  await other.query(`SET session_replication_role = replica; ${tampering}`);
  for (let row = 0; row < 2; row++) {
    await addRow();
    await sealer.seal();
  }
  const fault = 'the audit chain was changed or cut off: it had sequence 2 with this hash';
  expect(logged.map(({ msg }) => msg)).toEqual([CHECKPOINT, CHECKPOINT, fault, CHECKPOINT, CHECKPOINT]);
});

it('says again every five minutes that it cannot seal, with how many rows wait', async () => {
  await addRow();
  await other.query('ALTER TABLE audit_seals RENAME TO away');
  const now = jest.spyOn(Date, 'now');
  const start = Date.now();
  for (const minutes of [0, 1, 4.9, 5, 6, 10]) {
    now.mockReturnValue(start + minutes * 60_000);
    await sealer.seal();
  }
  now.mockRestore();
  expect(logged).toMatchObject([{ waiting: 1 }, { waiting: 1 }, { waiting: 1 }]);
  await other.query('ALTER TABLE away RENAME TO audit_seals');
  await sealer.seal();
  expect(logged.at(-1)).toMatchObject({ msg: CHECKPOINT });
});
