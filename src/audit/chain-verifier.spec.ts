import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { ClsService } from 'nestjs-cls';
import pg from 'pg';
import { pino } from 'pino';
import { DataSource } from 'typeorm';
import { createTestDatabase } from '../../test/database.ts';
import { dataSourceOptions } from '../database/data-source.ts';
import { DatabaseServer } from '../database/database-server.ts';
import { Encryption } from '../database/encryption.ts';
import { AuditKey } from './audit-key.entity.ts';
import { AuditRow } from './audit-row.entity.ts';
import { type Checkpoint, CHECKPOINT, sealedColumns } from './chain.ts';
import { ChainVerifier } from './chain-verifier.ts';
import { report } from './report.ts';
import { Sealer } from './sealer.ts';

const ROWS = 12;

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let encryption: Encryption;
let dataSource: DataSource;
let server: DatabaseServer;
let sealer: Sealer;
/** May do what the server's role can't, as whoever owns the machine. */
let intruder: pg.Client;
/** What was logged, by every sealer. */
const logged: (Checkpoint & { msg: string })[] = [];

const newSealer = (server = new DatabaseServer(database.url)): Sealer => {
  const log = pino({ level: 'info' }, { write: (line: string) => logged.push(JSON.parse(line) as Checkpoint & { msg: string }) });
  return new Sealer(server, encryption, new ClsService(new AsyncLocalStorage()), log);
};

const addRow = (number: number): Promise<unknown> =>
  dataSource.manager.insert(AuditRow, { action: 'config.set', object: `app:n${String(number)}`, after: { number }, outcome: 'committed' });

beforeAll(async () => {
  database = await createTestDatabase();
  encryption = new Encryption([{ id: 'k1', key: randomBytes(32) }]);
  dataSource = await new DataSource(await dataSourceOptions(database.url, encryption)).initialize();
  server = new DatabaseServer(database.url);
  sealer = newSealer(server);
  for (let number = 1; number <= ROWS; number++) {
    await addRow(number);
    if (number % 4 === 0) await sealer.seal();
  }
  intruder = new pg.Client({ connectionString: database.url });
  await intruder.connect();
  await intruder.query('SET session_replication_role = replica');
  await intruder.query('CREATE TABLE kept_rows AS TABLE audit_rows; CREATE TABLE kept_seals AS TABLE audit_seals');
});

afterEach(async () => {
  await intruder.query(`
    DELETE FROM audit_seals; DELETE FROM audit_rows; DELETE FROM audit_unsealed;
    INSERT INTO audit_rows OVERRIDING SYSTEM VALUE SELECT * FROM kept_rows;
    INSERT INTO audit_seals SELECT * FROM kept_seals;
  `);
});

afterAll(async () => {
  await intruder.end();
  await server.finish();
  await dataSource.destroy();
  await database.drop();
});

/** What the command would print. */
async function verified(checkpoints: Iterable<Checkpoint> = []): Promise<{ well: boolean; verdict: string; text: string }> {
  const { verdict, lines } = report(await new ChainVerifier(dataSource).verify(checkpoints));
  return { well: verdict === 'well', verdict, text: lines.join('\n') };
}

const checkpoints = () => logged.slice(0, 3);

describe('a chain that nobody touched', () => {
  it('is whole, and agrees with every checkpoint that was logged', async () => {
    expect(checkpoints().map(({ msg, sequence }) => ({ msg, sequence }))).toEqual(
      [4, 8, 12].map((sequence) => ({ msg: CHECKPOINT, sequence })),
    );
    const { well, text } = await verified(checkpoints());
    expect(text).toMatch(/^Whole up to sequence 12, hash [0-9a-f]{64}\.\n0 rows unsealed\.\nCompared with 3 logged checkpoints\./);
    expect(well).toBe(true);
  });

  it('covers every column of the rows', async () => {
    const { rows } = await intruder.query<{ name: string }>(
      `SELECT column_name AS name FROM information_schema.columns WHERE table_name = 'audit_rows'`,
    );
    expect(rows.map(({ name }) => name).sort()).toEqual([...sealedColumns].sort());
  });

  it('is not said to be well without a checkpoint', async () => {
    const { verdict, text } = await verified();
    expect(verdict).toBe('open');
    expect(text).toContain('a chain that was cut off or made anew cannot be told from the true one');
    expect(text).not.toContain('as it was written');
  });

  it('counts what waits for its seal', async () => {
    await addRow(13);
    const { well, text } = await verified(checkpoints());
    expect([well, text]).toEqual([true, expect.stringContaining('\n1 row unsealed.')]);
  });

  it('has a key that is encrypted', async () => {
    const { rows } = await intruder.query<{ key: string }>('SELECT key FROM audit_keys');
    expect(rows).toEqual([{ key: expect.stringMatching(/^v1\.k1\./) as string }]);
    expect((await dataSource.manager.find(AuditKey))[0]?.key).toMatch(/^[A-Za-z0-9+/]{43}=$/);
  });
});

/** Ids are as places in the chain here: rows were added one after the other. */
describe.each([
  [
    'a row is changed',
    `UPDATE audit_rows SET actor = 'eve' WHERE id = 5`,
    /^BROKEN: sequence 5: row 5 \(.*Z, config.set app:n5\) was changed\./,
  ],
  [
    'its time is, by a microsecond',
    `UPDATE audit_rows SET time = time + interval '1 microsecond' WHERE id = 5`,
    /sequence 5: row 5 .* was changed/,
  ],
  [
    'its time is moved before Christ',
    `UPDATE audit_rows SET time = (to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00 BC')::timestamptz WHERE id = 5`,
    /sequence 5: row 5 .* was changed/,
  ],
  ['its time is moved to the end of days', `UPDATE audit_rows SET time = 'infinity' WHERE id = 5`, /sequence 5: row 5 .* was changed/],
  ['its JSON is', `UPDATE audit_rows SET after = '{"number": 5.0}' WHERE id = 5`, /sequence 5: row 5 .* was changed/],
  ['the last row is changed', `UPDATE audit_rows SET actor = 'eve' WHERE id = 12`, /sequence 12: row 12 .* or its seal was changed/],
  [
    'a seal is changed',
    `UPDATE audit_seals SET hash = repeat('a', 64) WHERE sequence = 5`,
    /sequence 5: row 5 .* but its seal was changed/,
  ],
  ['a row is deleted', 'DELETE FROM audit_rows WHERE id = 5', /sequence 5: row with the id 5 was deleted/],
  [
    'a seal is deleted',
    'DELETE FROM audit_seals WHERE sequence = 5',
    /sequence 5: row 5 \(.*app:n5\) has lost its seal[^]*id 5: lost a seal/,
  ],
  [
    'a row is deleted with its seal',
    'DELETE FROM audit_seals WHERE sequence = 5; DELETE FROM audit_rows WHERE id = 5',
    /sequence 5: row was deleted, and its seal with it/,
  ],
  ['several are', 'DELETE FROM audit_seals WHERE sequence IN (5, 6)', /sequence 5: row is missing, and all after it up to sequence 6/],
  [
    'a row is deleted and the gap closed',
    `DELETE FROM audit_seals WHERE sequence = 5; DELETE FROM audit_rows WHERE id = 5;
     UPDATE audit_seals SET sequence = -sequence WHERE sequence > 5; UPDATE audit_seals SET sequence = -sequence - 1 WHERE sequence < 0`,
    /sequence 5: row 6 /,
  ],
  [
    'two seals change places',
    `UPDATE audit_seals SET sequence = -sequence WHERE sequence IN (5, 9); UPDATE audit_seals SET sequence = 14 + sequence WHERE sequence < 0`,
    /sequence 5: row 9 \(.*app:n9\) is not the one of this place, which is that of row 5: rows were reordered/,
  ],
  [
    'two seals change rows',
    `UPDATE audit_seals SET row_id = -row_id WHERE row_id IN (5, 9); UPDATE audit_seals SET row_id = 14 + row_id WHERE row_id < 0`,
    /sequence 5: row 9 .* which is that of row 5: rows were reordered/,
  ],
  [
    'two rows change ids',
    `INSERT INTO audit_rows (id, time, action, object, after, outcome) OVERRIDING SYSTEM VALUE
       SELECT -(14 - id), time, action, object, after, outcome FROM audit_rows WHERE id IN (5, 9);
     DELETE FROM audit_rows WHERE id IN (5, 9);
     INSERT INTO audit_rows (id, time, action, object, after, outcome) OVERRIDING SYSTEM VALUE
       SELECT -id, time, action, object, after, outcome FROM audit_rows WHERE id < 0;
     DELETE FROM audit_rows WHERE id < 0`,
    /sequence 5: row 5 \(.*app:n9\) is not the one of this place, which is that of row 9: rows were reordered/,
  ],
  [
    'the first row is deleted with its seal',
    'DELETE FROM audit_seals WHERE sequence = 1; DELETE FROM audit_rows WHERE id = 1',
    /sequence 1: row was deleted/,
  ],
  ['the last row is deleted', 'DELETE FROM audit_rows WHERE id = 12', /sequence 12: row with the id 12 was deleted/],
  [
    'the last seal is deleted',
    'DELETE FROM audit_seals WHERE sequence = 12',
    /1 row without a seal and not waiting for one, the first with the id 12/,
  ],
])('when %s', (_, tampering, words) => {
  it('that is said', async () => {
    await intruder.query(tampering);
    const { verdict, text } = await verified();
    expect(text).toMatch(words);
    expect(verdict).toBe('broken');
  });
});

describe('a tail that was cut off', () => {
  const cutOff = 'DELETE FROM audit_seals WHERE sequence >= 12; DELETE FROM audit_rows WHERE id >= 12';

  it('shows against the checkpoints only', async () => {
    await intruder.query(cutOff);
    expect((await verified()).verdict).toBe('open');
    const { well, text } = await verified(checkpoints());
    expect(text).toContain('it ends at sequence 11, and 12 was logged; all from 12 on is missing');
    expect(well).toBe(false);
  });

  it('shows when the chain has grown again', async () => {
    await intruder.query(cutOff);
    for (const number of [14, 15]) await addRow(number);
    await sealer.seal();
    const { well, text } = await verified(checkpoints());
    expect(text).toContain('sequence 12 had another hash when it was logged');
    expect(well).toBe(false);
  });
});

it('a key without a single seal shows that all were deleted', async () => {
  await intruder.query('DELETE FROM audit_seals; DELETE FROM audit_rows');
  const { verdict, text } = await verified();
  expect(text).toContain('BROKEN: there is a key, which is made with the first seal, but no seal');
  expect(verdict).toBe('broken');
});

describe('a row that has no seal yet', () => {
  it('is missed when it is taken out of the queue', async () => {
    await addRow(13);
    await intruder.query('DELETE FROM audit_unsealed');
    const { well, text } = await verified(checkpoints());
    expect(text).toMatch(/1 row without a seal and not waiting for one/);
    expect(well).toBe(false);
  });

  it('waits for a minute at most', async () => {
    await addRow(13);
    await intruder.query(`UPDATE audit_rows SET time = time - interval '61 seconds' WHERE object = 'app:n13'`);
    const { well, text } = await verified(checkpoints());
    expect(text).toMatch(/BROKEN: 1 row waiting for a seal for more than a minute/);
    expect(well).toBe(false);
  });

  it('is missed when it is deleted', async () => {
    await addRow(13);
    await intruder.query(`DELETE FROM audit_rows WHERE object = 'app:n13'`);
    const { well, text } = await verified(checkpoints());
    expect(text).toMatch(/1 row deleted before being sealed/);
    expect(well).toBe(false);
  });
});

it('several sealers make one chain of rows that are added meanwhile, at their first start too', async () => {
  await intruder.query('DELETE FROM audit_seals; DELETE FROM audit_rows; DELETE FROM audit_keys');
  const servers = Array.from({ length: 3 }, () => new DatabaseServer(database.url));
  const sealers = servers.map((one) => newSealer(one));
  const begun = logged.length;
  // several writers: a thousand at once would only wait for connections
  const adding = Array.from({ length: 5 }, async (_, writer) => {
    for (let number = writer; number < 1000; number += 5) await addRow(number);
  });
  for (let round = 0; round < 5; round++) await Promise.all(sealers.map((one) => one.seal()));
  await Promise.all(adding);
  await Promise.all(servers.map((one) => one.finish()));
  // none got in another's way
  expect(logged.slice(begun).filter(({ msg }) => msg !== CHECKPOINT)).toEqual([]);
  const { well, text } = await verified(logged.slice(begun));
  expect(text).toMatch(/^Whole up to sequence 1000,[^]*\n0 rows unsealed\./);
  expect(well).toBe(true);
});

it('without its key nothing is sealed, and nothing is said to be well', async () => {
  await intruder.query('DELETE FROM audit_keys');
  await addRow(13);
  const another = new DatabaseServer(database.url);
  newSealer(another);
  await another.finish();
  expect(logged.at(-1)).toMatchObject({ msg: 'the audit log cannot be sealed; it is tried again' });
  await expect(new ChainVerifier(dataSource).verify()).rejects.toThrow('The key of the audit log is gone');
});
