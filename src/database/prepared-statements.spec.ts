import type pg from 'pg';
import { createTestDatabase } from '../../test/database.ts';
import { BoundedClient } from './bounded-client.ts';
import { PreparedStatements } from './prepared-statements.ts';

describe('a connection', () => {
  let database: { url: string; drop(): Promise<void> };
  let client: pg.Client;
  const prepared = async (): Promise<string[]> =>
    (await client.query<{ statement: string }>('SELECT statement FROM pg_prepared_statements ORDER BY name')).rows.map(
      ({ statement }) => statement,
    );

  beforeAll(async () => {
    database = await createTestDatabase();
    client = new BoundedClient({ connectionString: database.url });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  it('prepares what is sent for the third time with parameters', async () => {
    const text = 'SELECT $1::integer + 1 AS sum';
    for (const [value, statements] of [
      [1, []],
      [2, []],
      [3, [text]],
      [4, [text]],
    ] as const) {
      expect((await client.query<{ sum: number }>(text, [value])).rows).toEqual([{ sum: value + 1 }]);
      expect(await prepared()).toEqual(statements);
    }
  });

  it('goes on when a migration has changed what a statement gives', async () => {
    await client.query('CREATE TEMPORARY TABLE things (id integer)');
    await client.query('INSERT INTO things VALUES (1)');
    const text = 'SELECT * FROM things WHERE id = $1';
    for (let n = 0; n < 3; n++) await client.query(text, [1]);
    await client.query('ALTER TABLE things ADD COLUMN name text');
    await expect(client.query(text, [1])).rejects.toThrow('cached plan must not change result type');
    expect((await client.query(text, [1])).rows).toEqual([{ id: 1, name: null }]);
  });
});

it('what is no statement with a plan has no name, and there is an end to names', () => {
  const statements = new PreparedStatements();
  for (let n = 0; n < 5; n++) expect(statements.nameOf('LISTEN something')).toBeUndefined();
  for (let n = 0; n < 1_000; n++) for (let use = 0; use < 3; use++) statements.nameOf(`SELECT ${String(n)}`);
  expect(statements.nameOf('SELECT 299')).toBe('keelson_300');
  expect(statements.nameOf('SELECT 300')).toBeUndefined();
});
