import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createTestDatabase } from './database.ts';
import { eventually, FIRST_ADMIN, freePort, KeelsonProcess } from './keelson-process.ts';
import { startSandboxProcess, type SandboxProcess } from './sandbox-process.ts';
import { ownKubeconfig } from './test-cluster.ts';

/** What is looked at of releases, pods and operations. */
interface Listed {
  version: number;
  failed: boolean;
  release: string;
  state: string;
}

/** Keelson as a process, on a cluster that outlives it. */
describe('when the process ends', () => {
  const app = `crash-${randomBytes(3).toString('hex')}`;
  let folder: string;
  let database: { url: string; drop(): Promise<void> };
  let sandbox: SandboxProcess | undefined;
  let keelson: KeelsonProcess;
  let base: string;
  let env: Record<string, string>;
  let token = '';

  const call = async (method: string, path: string, body?: unknown): Promise<{ status: number; json: unknown }> => {
    const response = await fetch(base + path, {
      method,
      headers: { ...(token && { Authorization: `token ${token}` }), 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: text === '' ? undefined : JSON.parse(text) };
  };
  const list = async (path: string): Promise<Listed[]> =>
    ((await call('GET', `/v2/apps/${app}/${path}`)).json as { results: Listed[] }).results;
  const start = async (): Promise<void> => {
    keelson = KeelsonProcess.start('keelson.js', env);
    await keelson.answers(`${base}/readiness`);
  };
  const step = async (steps: string[]): Promise<void> => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await eventually(async () => {
        const { rows } = await client.query<{ step: string }>(`SELECT step FROM operations WHERE app_id = $1 AND state = 'running'`, [app]);
        if (!rows.some((row) => steps.includes(row.step))) throw new Error(`no operation of ${app} is at ${steps.join(' or ')}`);
      });
    } finally {
      await client.end();
    }
  };
  const images = async (): Promise<(string | undefined)[]> => {
    return (await list('pods')).filter(({ state }) => state === 'up').map(({ release }) => release);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keelson-crash-'));
    database = await createTestDatabase();
    let kubeconfig = ownKubeconfig;
    if (!kubeconfig) {
      sandbox = await startSandboxProcess();
      kubeconfig = sandbox.kubeconfig;
    }
    const port = await freePort();
    base = `http://127.0.0.1:${String(port)}`;
    env = {
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: database.url,
      KUBECONFIG: kubeconfig,
      DATA_DIR: join(folder, 'data'),
      DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
      DRYCC_BUILDER_KEY: randomBytes(32).toString('hex'),
      ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
      ...FIRST_ADMIN,
      LOG_LEVEL: 'error',
    };
    await start();
    token = ((await call('POST', '/v2/auth/login', { username: 'ada', password: 'opensesame' })).json as { token: string }).token;
    expect((await call('POST', '/v2/apps', { id: app })).status).toBe(201);
    expect((await call('POST', `/v2/apps/${app}/builds`, { image: 'local/web:1' })).status).toBe(201);
  }, 300_000);

  afterAll(async () => {
    await call('DELETE', `/v2/apps/${app}`);
    await keelson.end('SIGTERM');
    await sandbox?.stop();
    await database.drop();
    await rm(folder, { recursive: true });
  }, 120_000);

  it.each([
    ['while it applies', ['preparing', 'applying', 'waiting']],
    ['while it waits for the pods', ['waiting']],
  ])(
    'by SIGKILL %s, the app reaches the newest committed release by itself',
    async (_, steps) => {
      const before = await list('releases');
      const version = (before[0]?.version ?? 0) + 1;
      const interrupted = call('POST', `/v2/apps/${app}/builds`, { image: 'local/web:2' }).catch(() => 'cut off');
      await step(steps);
      await keelson.end('SIGKILL');
      expect(await interrupted).toBe('cut off');
      await start();
      await eventually(async () => {
        expect(await images()).toEqual([`v${String(version)}`]);
      });
      await eventually(async () => {
        expect((await list('operations')).every(({ state }) => state === 'succeeded')).toBe(true);
      });
      const after = await list('releases');
      expect(after.map((release) => release.version)).toEqual([version, ...before.map((release) => release.version)]);
      expect(after.every(({ failed }) => !failed)).toBe(true);
    },
    300_000,
  );

  it.each([
    ['SIGKILL', 'cut off'],
    ['SIGTERM', 503],
  ] as const)(
    'by %s, a one-off run goes on, and its result is kept',
    async (signal, answer) => {
      const command = `sleep 6; echo survived ${signal}`;
      const interrupted = call('POST', `/v2/apps/${app}/run`, { command }).then(
        ({ status }) => status,
        () => 'cut off',
      );
      await eventually(async () => expect((await list('runs'))[0]).toMatchObject({ command, state: 'running' }));
      await keelson.end(signal);
      expect(await interrupted).toBe(answer);
      await start();
      await eventually(async () => {
        expect((await list('runs'))[0]).toMatchObject({ command, state: 'finished', exit_code: 0, output: `survived ${signal}\n` });
      });
    },
    300_000,
  );
});
