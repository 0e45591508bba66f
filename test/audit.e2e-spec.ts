import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DataSource } from 'typeorm';
import type { AuditResponse } from '../src/audit/audit.response.ts';
import type { Checkpoint } from '../src/audit/chain.ts';
import { Sealer } from '../src/audit/sealer.ts';
import { createDatabaseWithRoles, type DatabaseWithRoles } from './database-roles.ts';
import { holdEngine } from './hold.ts';
import { WEB_IMAGE } from './images.ts';
import { type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { type SandboxProcess, startSandboxProcess } from './sandbox-process.ts';
import { newPublicKey } from './ssh-key.ts';
import { ownKubeconfig } from './test-cluster.ts';

interface AuditPage {
  count: number;
  next: string | null;
  results: AuditResponse[];
}

/** Tables of one role, and a server of another, which can only add to the audit log: everything here works all the same. */
let database: DatabaseWithRoles;
let sandbox: SandboxProcess | undefined;
let keelson: Keelson;
/** Another process on the same database and cluster, whose requests wait for a moment only. */
let impatient: Keelson;
let root: Api;
let ada: Api;
let bob: Api;
const app = newAppId('audit');

const secrets = {
  DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
  DRYCC_BUILDER_KEY: randomBytes(32).toString('hex'),
  ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
};

beforeAll(async () => {
  database = await createDatabaseWithRoles();
  if (!ownKubeconfig) sandbox = await startSandboxProcess();
  const settings = {
    ...secrets,
    DATABASE_URL: database.serverUrl,
    MIGRATION_DATABASE_URL: database.ownerUrl,
    KUBECONFIG: ownKubeconfig ?? sandbox?.kubeconfig ?? '',
    KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1',
  };
  keelson = await startKeelson(settings);
  impatient = await startKeelson({ ...settings, REQUEST_WAIT: '1' });
  root = await keelson.register('root');
  [ada, bob] = [await keelson.register('ada'), await keelson.register('bob')];
  expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
  expect((await ada.post(`/v2/apps/${app}/perms`, { username: 'bob' })).status).toBe(201);
});

afterAll(async () => {
  await destroyApps(root);
  await impatient.stop();
  await keelson.stop();
  await sandbox?.stop();
  await database.drop();
});

const read = async (query = '', api = root, path = '/v2/admin/audit'): Promise<AuditPage> => {
  const { status, json, text } = await api.get<AuditPage>(`${path}${query}`);
  if (status !== 200) throw new Error(text);
  return json;
};

/** What is told of one request, oldest first. */
async function rowsOf(requestId: string): Promise<AuditResponse[]> {
  const { results } = await read('?limit=1000');
  return results.filter(({ request_id: id }) => id === requestId).reverse();
}

const told = (rows: AuditResponse[]): unknown[] => rows.map(({ outcome, after }) => (outcome === 'committed' ? outcome : [outcome, after]));

/** @returns the id that the request of a call had */
async function request(call: (headers: Record<string, string>) => Promise<unknown>): Promise<string> {
  const id = randomUUID();
  await call({ 'X-Request-Id': id });
  return id;
}

describe('a change', () => {
  it('is told of with who, from where and what, and with what its request was answered', async () => {
    const id = await request((headers) => bob.post(`/v2/apps/${app}/config`, { values: { GREETING: 'hello' } }, { headers }));
    const rows = await rowsOf(id);
    const same = { actor: 'bob', address: '127.0.0.1', action: 'config.set', object: `app:${app}` };
    expect(rows).toMatchObject([
      { ...same, outcome: 'committed' },
      { ...same, outcome: 'succeeded', before: null, after: { status: 201 } },
    ]);
    expect(JSON.stringify(rows)).not.toContain('hello');
  });

  it('is sealed within moments', async () => {
    await eventually(async () => {
      const { results } = await read('?limit=1000');
      const sealed = results.filter(({ sequence }) => sequence !== null);
      // reading adds nothing
      expect(sealed).toHaveLength(results.length);
      expect(sealed.every(({ hash }) => /^[0-9a-f]{64}$/.test(String(hash)))).toBe(true);
    }, 30);
  });

  it('that is not waited for was accepted', async () => {
    const id = await request((headers) =>
      ada.post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE }, { headers: { ...headers, Prefer: 'respond-async' } }),
    );
    expect(told(await rowsOf(id))).toEqual(['committed', ['accepted', { status: 202 }]]);
  });

  it('whose outcome is not known in time was accepted: the work goes on', async () => {
    // once it is done with what was accepted
    const letGo = await eventually(() => holdEngine(keelson.app.get(DataSource), app));
    const id = await request((headers) =>
      impatient.api.as(ada.token ?? '').post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE }, { headers }),
    );
    await letGo();
    expect(told(await rowsOf(id))).toEqual(['committed', ['accepted', { status: 503 }]]);
  });

  it('that is refused after it was recorded was refused', async () => {
    const doomed = newAppId('doomed');
    await ada.post('/v2/apps', { id: doomed });
    const letGo = await holdEngine(keelson.app.get(DataSource), doomed);
    let status = 0;
    const building = request(async (headers) => {
      ({ status } = await ada.post(`/v2/apps/${doomed}/builds`, { image: WEB_IMAGE }, { headers }));
    });
    await eventually(async () => {
      expect((await read(`?app=${doomed}&action=build.create`)).count).toBe(1);
    });
    const destroyed = ada.delete(`/v2/apps/${doomed}`);
    await eventually(async () => {
      expect((await read(`?app=${doomed}&action=app.destroy`)).count).toBe(1);
    });
    await letGo();
    const rows = await rowsOf(await building);
    expect((await destroyed).status).toBe(204);
    expect([404, 409]).toContain(status);
    expect(told(rows)).toEqual(['committed', ['refused', { status }]]);
  });

  it('is told of to its end when its caller has gone', async () => {
    const letGo = await eventually(() => holdEngine(keelson.app.get(DataSource), app));
    const gone = new AbortController();
    const id = randomUUID();
    const headers = { 'X-Request-Id': id };
    const call = ada.post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE }, { headers, signal: gone.signal });
    await eventually(async () => {
      expect(await rowsOf(id)).toHaveLength(1);
    });
    gone.abort();
    await expect(call).rejects.toThrow('abort');
    await letGo();
    await eventually(async () => {
      expect(told(await rowsOf(id))).toEqual(['committed', ['succeeded', { status: 201 }]]);
    });
  });

  it('is answered although the row of its outcome has to wait', async () => {
    const id = randomUUID();
    const key = { id: 'laptop', public: newPublicKey() };
    const { manager } = keelson.app.get(DataSource);
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    // as if no connection were free; the row of the change goes by another manager, its transaction's
    const plain = manager.query.bind(manager) as (statement: string, values?: unknown[]) => Promise<unknown>;
    const query = jest.spyOn(manager, 'query').mockImplementation(async (statement: string, values?: unknown) => {
      if (statement.startsWith('INSERT INTO "audit_rows"')) await released;
      return plain(statement, values as unknown[]);
    });
    expect((await ada.post('/v2/keys', key, { headers: { 'X-Request-Id': id } })).status).toBe(201);
    expect(told(await rowsOf(id))).toEqual(['committed']);
    release();
    query.mockRestore();
    await eventually(async () => {
      expect(told(await rowsOf(id))).toEqual(['committed', ['succeeded', { status: 201 }]]);
    });
  });

  it('that was not made has no row', async () => {
    const id = await request((headers) => ada.post('/v2/apps', { id: app }, { headers }));
    expect((await rowsOf(id)).filter(({ outcome }) => outcome === 'committed' || outcome === 'succeeded')).toEqual([]);
  });
});

describe('reading', () => {
  it('is for administrators, and of an app for its owner', async () => {
    await keelson.app.get(Sealer).seal();
    const page = await read('?limit=1000', ada, `/v2/apps/${app}/audit`);
    expect(page.count).toBeGreaterThan(5);
    const all = await read('?limit=1000');
    expect(page.results).toEqual((await read(`?limit=1000&app=${app}`)).results);
    expect(all.count).toBeGreaterThan(page.count);
    for (const [path, api] of [
      ['/v2/admin/audit', ada],
      [`/v2/apps/${app}/audit`, bob],
    ] as const) {
      expect((await api.get(path)).status).toBe(403);
    }
  });

  it('shows nothing of an earlier app of the same id', async () => {
    const id = newAppId('again');
    await bob.post('/v2/apps', { id });
    await bob.delete(`/v2/apps/${id}`);
    await ada.post('/v2/apps', { id });
    const { results } = await read('', ada, `/v2/apps/${id}/audit`);
    expect(results.map(({ actor }) => actor)).toEqual(results.map(() => 'ada'));
    expect((await read(`?app=${id}&actor=bob`)).count).toBeGreaterThan(0);
  });

  it('gives pages, newest first, that add up', async () => {
    await keelson.app.get(Sealer).seal();
    const { results } = await read(`?limit=1000&app=${app}`);
    const times = results.map(({ time }) => time);
    expect(times).toEqual([...times].sort().reverse());
    const pages = [];
    for (let offset = 0; offset < results.length; offset += 3) {
      pages.push(...(await read(`?app=${app}&limit=3&offset=${String(offset)}`)).results);
    }
    expect(pages).toEqual(results);
    expect((await read(`?app=${app}&limit=3`)).next).toContain(`app=${app}&limit=3&offset=3`);
  });

  it('finds by actor, action and time, all at once', async () => {
    const { results } = await read(`?limit=1000&app=${app}`);
    const [newest, oldest] = [results.at(0)?.time ?? '', results.at(-1)?.time ?? ''];
    const later = new Date(Date.parse(newest) + 1).toISOString();
    expect((await read(`?app=${app}&since=${oldest}&until=${later}`)).count).toBe(results.length);
    expect((await read(`?app=${app}&until=${oldest}`)).count).toBe(0);
    expect((await read(`?app=${app}&since=${later}`)).count).toBe(0);
    // 02:00 later in a zone that is two hours ahead is the same time; its plus may come as a blank
    const ahead = new Date(Date.parse(later) + 7_200_000).toISOString().replace('Z', '+02:00');
    expect((await read(`?app=${app}&since=${ahead}`)).count).toBe(0);
    const bobs = await read(`?actor=bob&action=config.set&app=${app}&since=${oldest}`);
    expect(bobs.results.map(({ actor, action, outcome }) => [actor, action, outcome])).toEqual([
      ['bob', 'config.set', 'succeeded'],
      ['bob', 'config.set', 'committed'],
    ]);
    expect((await read(`?actor=bob&action=config.set`, ada, `/v2/apps/${app}/audit`)).count).toBe(2);
    expect((await read('?actor=nobody')).count).toBe(0);
  });

  it('finds by object and outcome', async () => {
    const { results } = await read(`?limit=1000&object=app:${app}&outcome=committed`);
    expect(results.length).toBeGreaterThan(1);
    const other = results.filter(({ object, outcome }) => object !== `app:${app}` || outcome !== 'committed');
    expect(other).toEqual([]);
    expect((await read('?object=user:bob&outcome=committed', ada, `/v2/apps/${app}/audit`)).count).toBe(1);
    const { status, json } = await root.get('/v2/admin/audit?outcome=done');
    expect([status, json]).toEqual([400, { outcome: ['Enter one of committed, succeeded, accepted, refused, failed.'] }]);
  });

  it('names every filter that is malformed', async () => {
    const time = ['Enter a time as RFC 3339 has it, such as 2026-01-01T00:00:00Z.'];
    for (const malformed of ['yesterday', '2026-01-01', '2026-02-30T00:00:00Z', '2026-01-01T00:00:60Z', '2026-01-01T25:00:00Z']) {
      const { status, json } = await root.get(`/v2/admin/audit?since=${malformed}&until=${malformed}&actor=a&actor=b&app=%00`);
      expect([status, json]).toEqual([400, { since: time, until: time, actor: ['Give it once.'], app: ['Enter a valid value.'] }]);
    }
  });

  it.each(['/v2/admin/audit', `/v2/apps/${app}/audit`])('costs two statements, that for the caller and the app aside: %s', async (path) => {
    keelson.statements.length = 0;
    await read('?limit=5&action=config.set', root, path);
    expect(keelson.statements.filter((statement) => statement.includes('audit'))).toHaveLength(2);
    expect(keelson.statements).toHaveLength(3);
  });
});

/** `keelson audit verify`, of what is built. */
async function verify(...args: string[]): Promise<{ code: number; out: string }> {
  return verifyWith({ ...secrets, DATABASE_URL: database.serverUrl, SANDBOX_WITH_DATABASE_URL: 'true' }, args);
}

async function verifyWith(settings: Record<string, string>, args: string[] = []): Promise<{ code: number; out: string }> {
  const env = { ...settings, PATH: process.env.PATH };
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['dist/keelson.js', 'audit', 'verify', ...args], { env });
    return { code: 0, out: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout + stderr };
  }
}

it('1,000 changes at the same time, in two processes, leave one chain', async () => {
  const other = impatient.api.as(ada.token ?? '');
  const { count } = await read('?action=key.add');
  const changes = Array.from({ length: 1000 }, (_, number) =>
    (number % 2 ? ada : other).post('/v2/keys', { id: `key-${String(number)}`, public: newPublicKey() }),
  );
  const answers = await Promise.all(changes);
  expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
  expect((await read('?action=key.add')).count).toBe(count + 2000);
  await keelson.app.get(Sealer).seal();
  const { results } = await read('?limit=1');
  const { sequence, hash } = results[0] as unknown as Checkpoint;
  const { code, out } = await verify('--checkpoint', `${String(sequence)}:${hash}`);
  expect(out).toContain(`Whole up to sequence ${String(sequence)}, hash ${hash}.\n0 rows unsealed.\nCompared with 1 logged checkpoint`);
  expect(code).toBe(0);
});

describe('the command that verifies', () => {
  it('ends with 1 for what is broken, and with 2 for what it does not understand', async () => {
    const beyond = await verify('--checkpoint', `999999:${'a'.repeat(64)}`);
    expect(beyond).toEqual({ code: 1, out: expect.stringContaining('the chain was cut off') as string });
    expect(await verify('--checkpoint', '7')).toEqual({
      code: 2,
      out: expect.stringContaining('A checkpoint is <sequence>:<hash>') as string,
    });
    expect((await verify('--what')).code).toBe(2);
  });

  it('ends with 2 where nothing is wrong, but there is nothing to compare with', async () => {
    const { code, out } = await verify();
    expect(out).toContain('a chain that was cut off or made anew cannot be told from the true one');
    expect(code).toBe(2);
  });

  it('makes nothing where there is no database', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'keelson-verify-'));
    const DATA_DIR = join(parent, 'data');
    const words = {
      code: 2,
      out: `There is no database in ${DATA_DIR}: name that of the Keelson by DATA_DIR, or DATABASE_URL.\n`,
    };
    expect(await verifyWith({ DATA_DIR })).toEqual(words);
    expect(await verifyWith({ DATA_DIR, ...secrets })).toEqual(words);
    expect(readdirSync(parent)).toEqual([]);
    rmSync(parent, { recursive: true });
  });

  it('says that a database has no audit log', async () => {
    const empty = await createDatabaseWithRoles();
    try {
      const { code, out } = await verifyWith({ ...secrets, DATABASE_URL: empty.ownerUrl, SANDBOX_WITH_DATABASE_URL: 'true' });
      expect([code, out]).toEqual([2, expect.stringContaining('The database is not migrated') as string]);
    } finally {
      await empty.drop();
    }
  });
});
