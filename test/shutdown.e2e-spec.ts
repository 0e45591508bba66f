import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { DatabaseServer } from '../src/database/database-server.ts';
import { OperationQueue } from '../src/deploy/operation-queue.ts';
import { SLOW_IMAGE } from './images.ts';
import { createTestDatabase } from './database.ts';
import { startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { newAppId } from './live-app.ts';
import { startSandboxProcess } from './sandbox-process.ts';

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

it('has who waits for what another replica does wait on while it ends', async () => {
  const sandbox = await startSandboxProcess();
  const database = await createTestDatabase();
  try {
    const shared = {
      KUBECONFIG: sandbox.kubeconfig,
      DATABASE_URL: database.url,
      DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
      ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
      SHUTDOWN_WAIT: '120',
    };
    const ending = await startKeelson(shared);
    jest.spyOn(ending.app.get(OperationQueue), 'claim').mockResolvedValue(null);
    const other = await startKeelson(shared);
    const api = await ending.register('ada');
    const app = newAppId('ending');
    expect((await api.post('/v2/apps', { id: app })).status).toBe(201);
    expect((await api.post(`/v2/apps/${app}/config`, { values: { DELAY: '6' } })).status).toBe(201);
    const waiting = api.post(`/v2/apps/${app}/builds`, { image: SLOW_IMAGE });
    await eventually(async () => {
      const { json } = await api.get<Operations>(`/v2/apps/${app}/operations`);
      if (!json.results.some(({ state, step }) => state === 'running' && step === 'waiting')) throw new Error('no roll-out is waited for');
    });
    await ending.stop();
    expect((await waiting).status).toBe(201);
    await other.stop();
  } finally {
    await sandbox.stop();
    await database.drop();
  }
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
