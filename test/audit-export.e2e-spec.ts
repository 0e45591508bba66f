import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import pg from 'pg';
import type { AuditResponse } from '../src/audit/audit.response.ts';
import { Sealer } from '../src/audit/sealer.ts';
import { keelsonCommand, type Ended } from './commands-of-keelson.ts';
import { createTestDatabase } from './database.ts';
import { type Api, type Keelson, startKeelson } from './keelson.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { newPublicKey } from './ssh-key.ts';

let database: { url: string; drop(): Promise<void> };
let keelson: Keelson;
let root: Api;
const [one, other] = [newAppId('export'), newAppId('export')];
const ENCRYPTION_KEYS = `k1:${randomBytes(32).toString('base64')}`;

const env = (): Record<string, string> => ({ DATABASE_URL: database.url, ENCRYPTION_KEYS });
const run = (options = ''): Promise<Ended> => keelsonCommand(`audit export${options}`, env());

async function exported(options = ''): Promise<AuditResponse[]> {
  const { code, out } = await run(options);
  if (code !== 0) throw new Error(`it ended with ${String(code)}: ${out}`);
  return rowsIn(out);
}

const rowsIn = (out: string): AuditResponse[] =>
  out
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as AuditResponse);

/** What the API shows, oldest first. */
async function shown(query = ''): Promise<AuditResponse[]> {
  const rows: AuditResponse[] = [];
  for (;;) {
    const { json } = await root.get<{ count: number; results: AuditResponse[] }>(
      `/v2/admin/audit?limit=1000&offset=${String(rows.length)}${query}`,
    );
    rows.push(...json.results);
    if (rows.length >= json.count) return rows.reverse();
  }
}

async function sql(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  database = await createTestDatabase();
  keelson = await startKeelson({ ...env(), DRIFT_INTERVAL: '0' });
  root = await keelson.register('root');
  for (const id of [one, other]) expect((await root.post('/v2/apps', { id })).status).toBe(201);
  expect((await root.post(`/v2/apps/${one}/config`, { values: { GREETING: 'hello' } })).status).toBe(201);
  // several batches
  await sql(`INSERT INTO audit_rows (action, object, after, outcome)
    SELECT 'test.row', 'row:' || n, jsonb_build_object('note', E'line\\nbreak ü ' || n), 'committed' FROM generate_series(1, 1700) n`);
  await keelson.app.get(Sealer).seal();
});

afterAll(async () => {
  await destroyApps(root);
  await keelson.stop();
  await database.drop();
});

describe('keelson audit export', () => {
  it('writes every row as the API shows it, oldest first', async () => {
    const rows = await exported();
    expect(rows.length).toBeGreaterThan(1700);
    expect(rows).toEqual(await shown());
    const sequences = rows.map(({ sequence }) => sequence);
    expect(sequences).not.toContain(null);
    expect(sequences).toEqual([...sequences].sort((a, b) => Number(a) - Number(b)));
  });

  it('of an app and a time alone', async () => {
    const rows = await exported(` --app ${one}`);
    expect(rows).toEqual(await shown(`&app=${one}`));
    expect(rows.map(({ action }) => action)).toEqual(expect.arrayContaining(['app.create', 'config.set']));
    const [from, to] = [rows[1]?.time ?? '', rows.at(-1)?.time ?? ''];
    const part = await exported(` --app ${one} --since ${from} --until ${to}`);
    expect(part).toEqual(rows.filter(({ time }) => time >= from && time < to));
    expect(part.length).toBeGreaterThan(0);
    expect(part.length).toBeLessThan(rows.length);
    expect(await exported(' --since 2999-01-01T00:00:00+02:00')).toEqual([]);
    expect(await exported(' --app nobody-has-this')).toEqual([]);
  });

  it('leaves nothing out that was there when it began, whatever is added meanwhile', async () => {
    const before = (await exported()).length;
    let ending = false;
    const writing = Array.from({ length: 2 }, async (_, writer) => {
      for (let n = 0; !ending; n++) {
        expect((await root.post('/v2/keys', { id: `k-${String(writer)}-${String(n)}`, public: newPublicKey() })).status).toBe(201);
      }
    });
    const rows = await exported();
    ending = true;
    await Promise.all(writing);
    // what a row says doesn't change but for its seal
    const facts = (all: AuditResponse[]): unknown[] => all.map(({ sequence: _sequence, hash: _hash, ...fact }) => fact);
    const all = facts(await shown());
    expect(rows.length).toBeGreaterThanOrEqual(before);
    expect(all.slice(0, before)).toEqual(facts(rows.slice(0, before)));
    expect(all).toEqual(expect.arrayContaining(facts(rows.slice(before))));
  });

  it.each([
    [' --since yesterday', '--since: Enter a time as RFC 3339 has it, such as 2026-01-01T00:00:00Z.'],
    [' --since 2026-01-01 --until never', /--since: Enter a time[^]*--until: Enter a time/],
    [' --app=', '--app needs a value.'],
    [' --app a --app b', '--app: Give it once.'],
    [' --what', "Unknown option '--what'"],
    [' --app', "Option '--app <value>' argument missing"],
    [' everything', 'There is no command "audit export everything".'],
  ])('is told by 2 what it does not understand:%s', async (options, words) => {
    const { code, out } = await run(options);
    expect(out).toMatch(words);
    expect(code).toBe(2);
  });

  it('ends with 1 where it breaks off: without a database, or when nobody reads any more', async () => {
    const away = await keelsonCommand('audit export', { ...env(), DATABASE_URL: 'postgresql://127.0.0.1:1/none' });
    expect(away.code).toBe(1);
    const child = spawn(process.execPath, ['dist/keelson.js', 'audit', 'export'], {
      env: { PATH: process.env.PATH, ...env() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    let words = '';
    child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    expect([code, words]).toEqual([1, expect.stringContaining('EPIPE')]);
  });

  it('needs no more memory for much than for little', async () => {
    const many = await createTestDatabase();
    try {
      const client = new pg.Client({ connectionString: many.url });
      await client.connect();
      // 160 MB of JSON lines, without the triggers
      await client.query(`SET session_replication_role = replica`);
      await client.query(`INSERT INTO audit_rows (action, after, outcome)
        SELECT 'test.row', jsonb_build_object('note', repeat('x', 8000)), 'committed' FROM generate_series(1, 20000)`);
      await client.end();
      const child = spawn(process.execPath, ['--max-old-space-size=128', 'dist/keelson.js', 'audit', 'export'], {
        env: { PATH: process.env.PATH, ...env(), DATABASE_URL: many.url },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let lines = 0;
      child.stdout.on('data', (chunk: Buffer) => {
        for (const byte of chunk) if (byte === 0x0a) lines += 1;
      });
      const [code] = (await once(child, 'close')) as [number];
      expect([code, lines]).toEqual([0, 20_000]);
    } finally {
      await many.drop();
    }
  });
});
