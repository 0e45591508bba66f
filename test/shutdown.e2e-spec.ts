import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { DatabaseServer } from '../src/database/database-server.ts';
import { OperationQueue } from '../src/deploy/operation-queue.ts';
import { holdEngine, holding, waiting } from './hold.ts';
import { SLOW_IMAGE } from './images.ts';
import { createTestDatabase } from './database.ts';
import { type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { newAppId } from './live-app.ts';
import { startSandboxProcess } from './sandbox-process.ts';

/** Whether anything takes connections. */
const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });

interface Operations {
  results: { state: string; step: string }[];
}

it('answers who waits for a roll-out when it ends, with where to look at it', async () => {
  const sandbox = await startSandboxProcess();
  try {
    const keelson = await startKeelson({ KUBECONFIG: sandbox.kubeconfig, SHUTDOWN_WAIT: '1' });
    const api = await keelson.register('ada');
    const app = newAppId('ending');
    await api.post('/v2/apps', { id: app });
    await api.post(`/v2/apps/${app}/config`, { values: { DELAY: '600' } });
    const waiting = api.post(`/v2/apps/${app}/builds`, { image: SLOW_IMAGE });
    await eventually(async () => {
      const { json } = await api.get<Operations>(`/v2/apps/${app}/operations`);
      if (!json.results.some(({ state, step }) => state === 'running' && step === 'waiting')) throw new Error('no roll-out is waited for');
    });
    await keelson.stop();
    const { status, headers, json } = await waiting;
    expect(status).toBe(503);
    expect(json).toEqual({ detail: expect.stringMatching(/^recorded, will be applied/) as string });
    expect(headers.get('location')).toMatch(/^\/v2\/operations\//);
    expect(headers.get('retry-after')).toMatch(/^\d+$/);
  } finally {
    await sandbox.stop();
  }
});

describe('beside another replica', () => {
  let sandbox: Awaited<ReturnType<typeof startSandboxProcess>>;
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  /** The one that ends takes no operation. */
  let ending: Keelson;
  let other: Keelson;
  let api: Api;
  let app: string;

  beforeEach(async () => {
    sandbox = await startSandboxProcess();
    database = await createTestDatabase();
    const shared = {
      KUBECONFIG: sandbox.kubeconfig,
      DATABASE_URL: database.url,
      DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
      ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
      SHUTDOWN_WAIT: '120',
    };
    ending = await startKeelson(shared);
    jest.spyOn(ending.app.get(OperationQueue), 'claim').mockResolvedValue(null);
    other = await startKeelson(shared);
    api = await ending.register('ada');
    app = newAppId('ending');
    expect((await api.post('/v2/apps', { id: app })).status).toBe(201);
  });

  afterEach(async () => {
    await other.stop();
    await sandbox.stop();
    await database.drop();
  });

  it('has who waits for what that does wait on', async () => {
    expect((await api.post(`/v2/apps/${app}/config`, { values: { DELAY: '6' } })).status).toBe(201);
    const deployed = api.post(`/v2/apps/${app}/builds`, { image: SLOW_IMAGE });
    await eventually(async () => {
      const { json } = await api.get<Operations>(`/v2/apps/${app}/operations`);
      if (!json.results.some(({ state, step }) => state === 'running' && step === 'waiting')) throw new Error('no roll-out is waited for');
    });
    await ending.stop();
    expect((await deployed).status).toBe(201);
  });

  it('has who doesn’t wait yet wait too', async () => {
    const { port } = new URL(await ending.app.getUrl());
    const rows = other.app.get(DataSource);
    let stopped: Promise<void> = Promise.resolve();
    await holding(
      rows,
      (tx) => tx.query('SELECT FROM apps WHERE id = $1 FOR NO KEY UPDATE', [app]),
      async (letGo) => {
        const added = api.post(`/v2/apps/${app}/domains`, { domain: `www.${app}.example.com` });
        await waiting(rows, 1);
        stopped = ending.stop();
        await eventually(async () => expect(await isListening(Number(port))).toBe(false));
        await letGo();
        expect((await added).status).toBe(201);
      },
    );
    await stopped;
  });

  it('sends those who keep their connections there, and ends with none that is asked anything', async () => {
    const { port } = new URL(await ending.app.getUrl());
    const agent = new Agent({ keepAlive: true });
    const ask = (): Promise<string | undefined> =>
      new Promise((resolve, reject) => {
        get({ agent, port, host: '127.0.0.1', path: '/healthz' }, (response) => {
          response.resume().once('end', () => {
            resolve(response.headers.connection);
          });
        }).once('error', reject);
      });
    expect(await ask()).toBe('keep-alive');
    const release = await holdEngine(other.app.get(DataSource), app);
    const added = api.post(`/v2/apps/${app}/domains`, { domain: `www.${app}.example.com` });
    await eventually(async () => {
      expect((await api.get<Operations>(`/v2/apps/${app}/operations`)).json.results.some(({ state }) => state === 'pending')).toBe(true);
    });
    const stopped = ending.stop();
    // the connection that was kept is closed as nothing was asked on it, and there is no new one
    await eventually(async () => expect(await isListening(Number(port))).toBe(false));
    await expect(ask()).rejects.toThrow();
    await release();
    const answer = await added;
    expect([answer.status, answer.headers.get('connection')]).toEqual([201, 'close']);
    await stopped;
  });
});

it('goes on taking requests for a while, but tells that it ends', async () => {
  const keelson = await startKeelson({ SHUTDOWN_DELAY: '8' });
  const api = await keelson.register('ada');
  const stopped = keelson.stop();
  await eventually(async () => expect((await api.get('/readiness')).status).toBe(503));
  expect((await api.post('/v2/apps', { id: newAppId('late') }, { headers: { Prefer: 'respond-async' } })).status).toBe(202);
  expect((await api.get('/v2/apps')).status).toBe(200);
  await stopped;
  await expect(api.get('/healthz')).rejects.toThrow();
});

it('seals the last rows of the audit log before its embedded database ends', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'keelson-shutdown-'));
  const errors: string[] = [];
  const keelson = await startKeelson({ DATABASE_URL: '', DATA_DIR: dataDir }, { write: (line) => errors.push(line) });
  await keelson.register('ada');
  await keelson.stop();
  expect(errors).toEqual([]);
  const server = await DatabaseServer.open(keelson.settings);
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const { rows } = await client.query(
    'SELECT count(*)::int AS rows, count(s.row_id)::int AS sealed FROM audit_rows r LEFT JOIN audit_seals s ON s.row_id = r.id',
  );
  await client.end();
  await server.close();
  rmSync(dataDir, { recursive: true });
  // he registered and logged in, each with its outcome
  expect(rows).toEqual([{ rows: 4, sealed: 4 }]);
});
