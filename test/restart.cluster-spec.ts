import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createTestDatabase } from './database.ts';
import { WEB_2_IMAGE, WEB_IMAGE } from './images.ts';
import { eventually, FIRST_ADMIN, freePort, KeelsonProcess } from './keelson-process.ts';
import { newAppId } from './live-app.ts';

/**
 * A Keelson that is killed in the middle of a deploy on a real cluster, and started again: how long after it is alive the app is as recorded.
 * CONVERGED_WITHIN seconds at most.
 */

const within = Number(process.env.CONVERGED_WITHIN ?? 30);
const took: string[] = [];
const app = newAppId('restart');
let folder: string;
let database: { url: string; drop(): Promise<void> };
let rows: pg.Client;
let keelson: KeelsonProcess;
let base: string;
let env: Record<string, string>;
let token = '';

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; json: unknown }> {
  const response = await fetch(base + path, {
    method,
    headers: { ...(token && { Authorization: `token ${token}` }), 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, json: text === '' ? undefined : JSON.parse(text) };
}

async function list<T>(path: string): Promise<T[]> {
  return ((await call('GET', `/v2/apps/${app}/${path}`)).json as { results: T[] }).results;
}

async function start(): Promise<void> {
  keelson = KeelsonProcess.start('keelson.js', env);
  await keelson.answers(`${base}/readiness`);
}

interface OperationRow {
  uuid: string;
  state: string;
  step: string | null;
}

const newest = async (): Promise<OperationRow | undefined> =>
  (await rows.query<OperationRow>('SELECT uuid, state, step FROM operations WHERE app_id = $1 ORDER BY created DESC LIMIT 1', [app]))
    .rows[0];

/**
 * Kills Keelson as soon as the next operation is at the step, which may be over in a moment.
 * @param before the operation before that @returns whether it was in time
 */
async function killedAt(step: string, before: string | undefined): Promise<boolean> {
  for (const deadline = Date.now() + 120_000; Date.now() < deadline;) {
    const operation = await newest();
    if (!operation || operation.uuid === before) continue;
    if (operation.state === 'running' && operation.step === step) {
      await keelson.end('SIGKILL');
      return true;
    }
    if (operation.state === 'succeeded') return false;
  }
  throw new Error(`nothing came to the step ${step}`);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keelson-restart-'));
  database = await createTestDatabase();
  rows = new pg.Client({ connectionString: database.url });
  await rows.connect();
  const port = await freePort();
  base = `http://127.0.0.1:${String(port)}`;
  env = {
    HOST: '127.0.0.1',
    PORT: String(port),
    DATABASE_URL: database.url,
    DATA_DIR: join(folder, 'data'),
    DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
    DRYCC_BUILDER_KEY: randomBytes(32).toString('hex'),
    ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
    ...FIRST_ADMIN,
    KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1',
    LOG_LEVEL: 'error',
  };
  await start();
  token = ((await call('POST', '/v2/auth/login', { username: 'ada', password: 'opensesame' })).json as { token: string }).token;
  expect((await call('POST', '/v2/apps', { id: app })).status).toBe(201);
  expect((await call('POST', `/v2/apps/${app}/builds`, { image: WEB_IMAGE })).status).toBe(201);
});

afterAll(async () => {
  if (took.length > 0) process.stdout.write(`seconds from a Keelson that is alive again to an app as recorded:\n${took.join('\n')}\n`);
  await call('DELETE', `/v2/apps/${app}`);
  await keelson.end('SIGTERM');
  await rows.end();
  await database.drop();
  await rm(folder, { recursive: true });
});

it.each([
  ['applying', WEB_2_IMAGE],
  ['waiting', WEB_IMAGE],
])('killed while it is %s, it has brought the app to what is recorded soon after its start', async (step, image) => {
  for (let killed = false; !killed;) {
    const before = await newest();
    const interrupted = call('POST', `/v2/apps/${app}/builds`, { image }).catch(() => 'cut off');
    killed = await killedAt(step, before?.uuid);
    expect(await interrupted).toEqual(killed ? 'cut off' : expect.anything());
  }
  await start();
  const alive = new Date();
  const finished = await eventually(async () => {
    const { rows: open } = await rows.query(`SELECT 1 FROM operations WHERE app_id = $1 AND state IN ('pending', 'running')`, [app]);
    expect(open).toEqual([]);
    const { rows: ended } = await rows.query<{ state: string; finished: Date }>(
      'SELECT state, finished FROM operations WHERE app_id = $1 ORDER BY created DESC LIMIT 1',
      [app],
    );
    expect(ended[0]?.state).toBe('succeeded');
    return ended[0]?.finished ?? new Date(NaN);
  });
  const releases = await list<{ version: number; failed: boolean }>('releases');
  expect(releases.every(({ failed }) => !failed)).toBe(true);
  const pods = await list<{ state: string; release: string }>('pods');
  expect(pods.filter(({ state }) => state === 'up').map(({ release }) => release)).toEqual([`v${String(releases[0]?.version)}`]);
  const seconds = Math.max(0, (finished.getTime() - alive.getTime()) / 1000);
  took.push(`${seconds.toFixed(1).padStart(6)}  killed while ${step}`);
  expect([seconds <= within, seconds]).toEqual([true, seconds]);
});
