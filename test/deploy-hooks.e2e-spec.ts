import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DataSource } from 'typeorm';
import { WEB_IMAGE } from './images.ts';
import { type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually, freePort } from './keelson-process.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { type SandboxProcess, startSandboxProcess } from './sandbox-process.ts';
import { ownKubeconfig } from './test-cluster.ts';

const SECRET = 'hook-secret';

/** A deploy hook as it came. */
interface Call {
  method: string;
  path: string;
  /** Names and values in the order that they came in. */
  parameters: [string, string][];
  authorization: string | undefined;
  body: string;
}

jest.setTimeout(300_000);

describe('deploy hooks', () => {
  let sandbox: SandboxProcess | undefined;
  let receiver: Server;
  let base: string;
  let late: string;
  let env: Record<string, string>;
  let keelson: Keelson;
  let ada: Api;
  let calls: Call[] = [];
  /** What `/two` answers; `/one` always answers 200. */
  let answer: RequestListener;

  const receive: RequestListener = (request, response) => {
    const url = new URL(request.url ?? '', base);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      calls.push({
        method: request.method ?? '',
        path: url.pathname,
        parameters: [...url.searchParams],
        authorization: request.headers.authorization,
        body: Buffer.concat(chunks).toString(),
      });
      if (url.pathname === '/two') answer(request, response);
      else response.end();
    });
  };
  const fine: RequestListener = (_, response) => response.end('thanks');
  const value = (call: Call, name: string): string | undefined => call.parameters.find(([known]) => known === name)?.[1];
  /** The releases of an app that a path was told of, in the order that they came in. */
  const told = (app: string, path: string): (string | undefined)[] =>
    calls.filter((call) => call.path === path && value(call, 'app') === app).map((call) => value(call, 'release'));
  const newApp = async (): Promise<string> => {
    const app = newAppId('hooks');
    expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
    return app;
  };
  const configure = async (app: string, values: Record<string, string>): Promise<void> => {
    expect((await ada.post(`/v2/apps/${app}/config`, { values })).status).toBe(201);
  };
  const log = async (app: string): Promise<string> => (await ada.get(`/v2/apps/${app}/logs?log_lines=1000`)).text;
  const waiting = (app: string): Promise<{ url: string; attempts: number }[]> =>
    keelson.app
      .get(DataSource)
      .query('SELECT h.url, h.attempts FROM deploy_hooks h JOIN apps a ON a.uuid = h.app_uuid WHERE a.id = $1', [app]);

  beforeAll(async () => {
    let kubeconfig = ownKubeconfig;
    if (!kubeconfig) {
      sandbox = await startSandboxProcess();
      kubeconfig = sandbox.kubeconfig;
    }
    answer = fine;
    receiver = createServer(receive);
    await once(receiver.listen(0, '127.0.0.1'), 'listening');
    base = `http://127.0.0.1:${String((receiver.address() as AddressInfo).port)}`;
    late = `127.0.0.1:${String(await freePort())}`;
    env = { KUBECONFIG: kubeconfig, ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}` };
    keelson = await startKeelson({
      ...env,
      DRYCC_DEPLOY_HOOK_URLS: `${base}/one?token=t0ken,${base.replace('//', '//keelson:pa55@')}/two`,
      DRYCC_DEPLOY_HOOK_SECRET_KEY: SECRET,
    });
    ada = await keelson.register('ada');
  });
  beforeEach(() => {
    calls = [];
    answer = fine;
  });
  afterAll(async () => {
    await destroyApps(ada);
    await keelson.stop();
    receiver.closeAllConnections();
    receiver.close();
    await sandbox?.stop();
  });

  it('tell every URL of every release, the first too', async () => {
    const app = await newApp();
    await configure(app, { GREETING: 'hello & welcome' });
    const sha = 'a'.repeat(40);
    const build = { image: WEB_IMAGE, sha, dockerfile: 'FROM scratch', procfile: {} };
    const headers = { Prefer: 'respond-async' };
    expect((await ada.post(`/v2/apps/${app}/builds`, build, { headers })).status).toBe(202);
    expect((await ada.post(`/v2/apps/${app}/releases/rollback`, { version: 1 })).status).toBe(201);
    await eventually(async () => {
      for (const path of ['/one', '/two']) expect(told(app, path).sort()).toEqual(['v1', 'v2', 'v3', 'v4']);
      expect(await waiting(app)).toEqual([]);
    });
    const one = (release: string): [string, string][] | undefined =>
      calls.find((call) => call.path === '/one' && value(call, 'release') === release)?.parameters;
    const facts = (release: string, summary: string, commit: string): [string, string][] => [
      ['token', 't0ken'],
      ['app', app],
      ['release', release],
      ['release_summary', summary],
      ['sha', commit],
      ['user', 'ada'],
    ];
    expect(one('v1')).toEqual(facts('v1', 'ada created initial release', ''));
    expect(one('v2')).toEqual(facts('v2', 'ada added GREETING', ''));
    expect(one('v3')).toEqual(facts('v3', 'ada deployed aaaaaaa', sha));
    expect(one('v4')).toEqual(facts('v4', 'ada rolled back to v1', ''));
    expect(calls.every(({ method, body }) => method === 'POST' && body === '')).toBe(true);
  });

  it('are signed with the whole URL as it is called', async () => {
    const app = await newApp();
    await eventually(() => {
      expect(calls).toHaveLength(2);
      return Promise.resolve();
    });
    for (const { path, parameters, authorization } of calls) {
      const url = `${base}${path}?${new URLSearchParams(parameters).toString()}`;
      expect(authorization).toBe(createHmac('sha1', SECRET).update(url).digest('hex'));
    }
    expect(told(app, '/one')).toEqual(['v1']);
  });

  it('are in the log of the app, without credentials and tokens', async () => {
    const app = await newApp();
    const lines = await eventually(async () => {
      const text = await log(app);
      expect(text).toContain(`drycc[api]: Deploy hook sent to ${base}/one\n`);
      expect(text).toContain(`drycc[api]: Deploy hook sent to ${base}/two\n`);
      return text;
    });
    expect(lines).not.toMatch(/t0ken|pa55/);
  });

  it('are tried again when the receiver fails, and fail no request', async () => {
    let failures = 0;
    answer = (_, response) => {
      failures += 1;
      response.statusCode = failures === 1 ? 500 : 200;
      response.end();
    };
    const app = await newApp();
    await eventually(async () => {
      expect(told(app, '/two')).toEqual(['v1', 'v1']);
      expect(await log(app)).toContain(`Deploy hook sent to ${base}/two\n`);
    });
    expect(await log(app)).toContain(
      `An error occurred while sending the deploy hook to ${base}/two: it answered 500; trying again in 1 s\n`,
    );
    expect(told(app, '/one')).toEqual(['v1']);
    expect(await waiting(app)).toEqual([]);
  });

  it('keep nobody waiting for a receiver that says nothing', async () => {
    const silent: (() => void)[] = [];
    answer = (_, response) => {
      silent.push(() => response.end());
    };
    const app = await newApp();
    await configure(app, { A: '1' });
    await eventually(() => {
      expect(told(app, '/two')).toHaveLength(2);
      return Promise.resolve();
    });
    // what the others are told is over
    const rows = await eventually(async () => {
      const found = await waiting(app);
      expect(found).toHaveLength(2);
      return found;
    });
    for (const { url } of rows) expect(url).toMatch(/^v1\.test\./);
    answer = fine;
    await eventually(async () => {
      expect(await log(app)).toContain(`${base}/two: no answer within 5 s; trying again in 1 s\n`);
      expect(await waiting(app)).toEqual([]);
    });
    for (const end of silent) end();
  });

  it('are given up after a few tries', async () => {
    answer = (_, response) => response.writeHead(503).end();
    const app = await newApp();
    await eventually(async () => {
      expect(await log(app)).toContain('/two: it answered 503; trying again in 1 s\n');
    });
    const database = keelson.app.get(DataSource);
    await eventually(async () => {
      await database.query('UPDATE deploy_hooks SET attempts = 4, due = now() WHERE due > now() AND attempts < 4');
      await database.query(`SELECT pg_notify('keelson_deploy_hooks', '')`);
      expect(await log(app)).toContain(`An error occurred while sending the deploy hook to ${base}/two: it answered 503; given up\n`);
    });
    expect(await waiting(app)).toEqual([]);
  });

  it('do not tell of what was refused', async () => {
    const app = await newApp();
    const refused = await ada.post(`/v2/apps/${app}/config`, { values: { A: '1' }, tags: { nowhere: 'at-all' } });
    expect(refused.status).toBe(400);
    await configure(app, { B: '2' });
    await eventually(() => {
      expect(told(app, '/one')).toContain('v2');
      return Promise.resolve();
    });
    const summaries = calls.filter(({ path }) => path === '/one').map((call) => value(call, 'release_summary'));
    expect(summaries.sort()).toEqual(['ada added B', 'ada created initial release']);
    expect(await log(app)).not.toContain('added A');
  });

  it('that have nobody to go to yet arrive when he is there, and each goes out once, however many Keelsons there are', async () => {
    const urls = { DRYCC_DEPLOY_HOOK_URLS: `http://${late}/late` };
    const first = await startKeelson({ ...env, ...urls });
    const second = await startKeelson({ ...env, ...urls, DATABASE_URL: first.settings.databaseUrl ?? '' });
    const lateReceiver = createServer(receive);
    try {
      const api = await first.register('ada');
      const app = newAppId('hooks');
      expect((await api.post('/v2/apps', { id: app })).status).toBe(201);
      await eventually(async () => {
        expect((await api.get(`/v2/apps/${app}/logs`)).text).toContain(
          `An error occurred while sending the deploy hook to http://${late}/late: connect ECONNREFUSED ${late}; trying again in 1 s\n`,
        );
      });
      await once(lateReceiver.listen(Number(late.split(':')[1]), '127.0.0.1'), 'listening');
      const writes = Array.from({ length: 12 }, (_, index) =>
        api.post(`/v2/apps/${app}/config`, { values: { [`K${String(index)}`]: 'x' } }),
      );
      for (const write of await Promise.all(writes)) expect(write.status).toBe(201);
      const all = Array.from({ length: 13 }, (_, index) => `v${String(index + 1)}`);
      await eventually(async () => {
        expect(told(app, '/late')).toEqual(expect.arrayContaining(all));
        expect(await first.app.get(DataSource).query('SELECT 1 FROM deploy_hooks')).toEqual([]);
      });
      expect(told(app, '/late')).toHaveLength(13);
      const arrived = calls.filter(({ path }) => path === '/late');
      expect(arrived.map(({ authorization }) => authorization)).toEqual(Array(13).fill(undefined));
      await destroyApps(api);
    } finally {
      lateReceiver.closeAllConnections();
      lateReceiver.close();
      await second.stop();
      await first.stop();
    }
  });

  it('cost nothing where there are no URLs', async () => {
    const without = await startKeelson(env);
    try {
      const api = await without.register('ada');
      const app = newAppId('hooks');
      expect((await api.post('/v2/apps', { id: app })).status).toBe(201);
      expect((await api.post(`/v2/apps/${app}/config`, { values: { A: '1' } })).status).toBe(201);
      expect(without.statements.filter((statement) => statement.includes('INSERT INTO "releases"')).length).toBe(2);
      expect(without.statements.filter((statement) => statement.includes('deploy_hooks'))).toEqual([]);
      await destroyApps(api);
    } finally {
      await without.stop();
    }
  });
});
