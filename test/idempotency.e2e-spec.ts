import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { IdempotencyKeys } from '../src/idempotency/idempotency-keys.ts';
import { Cluster } from '../src/kubernetes/cluster.ts';
import { RESOURCE_QUOTA } from '../src/kubernetes/object-kind.ts';
import { accessRows, Calls, methodOf } from './calls.ts';
import { createTestDatabase } from './database.ts';
import { holdEngine } from './hold.ts';
import { WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually, FIRST_ADMIN, freePort, KeelsonProcess } from './keelson-process.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { newPublicKey } from './ssh-key.ts';
import { startSandboxProcess, type SandboxProcess } from './sandbox-process.ts';
import { ownKubeconfig } from './test-cluster.ts';

/** A POST with an `Idempotency-Key` is carried out once, however often it is sent, and answered the same each time. */

const rbac = '/saltshaker/api/v1.0';
const access = accessRows();
const newKey = (): string => `key-${randomUUID()}`;
const keyed = (key: string): { headers: Record<string, string> } => ({ headers: { 'Idempotency-Key': key } });

/** What of an answer must be the same. */
const told = ({ status, headers, text }: Answer): unknown => [
  status,
  text,
  ...['content-type', 'location', 'preference-applied', 'x-drycc-release'].map((name) => headers.get(name)),
];
const replayed = ({ headers }: Answer): string | null => headers.get('idempotency-replayed');

describe('a key', () => {
  let keelson: Keelson;
  let calls: Calls;
  let database: DataSource;

  beforeAll(async () => {
    keelson = await startKeelson({ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1' });
    database = keelson.app.get(DataSource);
    calls = await Calls.prepare(keelson);
  });

  afterAll(async () => {
    await destroyApps(calls.people.administrator);
    await keelson.stop();
  });

  const mutations = async (): Promise<number> => {
    const [row] = await database.query<[{ count: string }]>(`SELECT count(*) AS count FROM audit_rows WHERE outcome = 'committed'`);
    return Number(row.count);
  };
  const of = (rest: string): string => `/v2/apps/${calls.app}/${rest}`;

  interface Made {
    answer: Answer;
    mutations: number;
    again: (headers?: Record<string, string>) => Promise<Answer>;
  }

  /** Makes a call that succeeds, as whoever may, with a key. */
  async function make(route: string, key: string): Promise<Made> {
    const role = (['administrator', 'owner'] as const).find((each) => access[route]?.[each] === 'passes') ?? 'anonymous';
    const builder: Record<string, string> = role === 'anonymous' ? { 'X-Drycc-Builder-Auth': keelson.settings.builderKey } : {};
    const person = calls.people[role];
    const asked: Parameters<Api['request']>[] = [];
    let before = 0;
    const recorder = Object.assign(Object.create(person) as Api, {
      request: async (...call: Parameters<Api['request']>) => {
        before = await mutations();
        asked.push(call);
        return person.request(...call);
      },
    });
    const answer = await calls.make(route, role, { ...builder, 'Idempotency-Key': key }, { as: recorder });
    const made = (await mutations()) - before;
    const [method, path, body, call] = asked[0] as [string, string, unknown, { headers: Record<string, string> }];
    return {
      answer,
      mutations: made,
      again: (headers = {}) => person.request(method, path, body, { headers: { ...call.headers, ...headers } }),
    };
  }

  const documents = (): [string, boolean][] =>
    [...calls.operations()]
      .filter(([route]) => methodOf(route) === 'POST')
      .map(([route, operation]) => {
        const { parameters = [] } = operation as unknown as { parameters?: { name?: string }[] };
        return [route, parameters.some(({ name }) => name === 'Idempotency-Key')];
      });

  it('is taken by every POST but those that answer tokens and passwords', () => {
    const without = documents().filter(([, takes]) => !takes);
    expect(without.map(([route]) => route).sort()).toEqual(
      ['POST /v2/auth/login', 'POST /v2/auth/tokens', `POST ${rbac}/login`, `POST ${rbac}/user/reset/{id}`].sort(),
    );
  });

  it('has every POST carried out once, and answered the same', async () => {
    const routes = documents().filter(([route, takes]) => takes && !/register/.test(route));
    expect(routes.length).toBeGreaterThan(25);
    for (const [route] of routes) {
      const { answer, mutations: first, again } = await make(route, newKey());
      expect([route, answer.status < 300, answer.text]).toEqual([route, true, answer.text]);
      expect([route, first]).toEqual([route, route === 'POST /v2/hooks/config' ? 0 : 1]);
      const before = await mutations();
      const second = await again();
      expect([route, told(second), replayed(second)]).toEqual([route, told(answer), 'true']);
      expect([route, replayed(answer)]).toEqual([route, null]);
      expect([route, await mutations()]).toEqual([route, before]);
    }
  });

  it('of an administrator who registers somebody counts, of nobody it does not', async () => {
    for (const path of ['/v2/auth/register', `${rbac}/user/register`]) {
      const body = { username: `n${randomBytes(4).toString('hex')}`, password: 'opensesame' };
      const key = newKey();
      const first = await calls.people.administrator.post(path, body, keyed(key));
      expect(first.status).toBeLessThan(300);
      expect(told(await calls.people.administrator.post(path, body, keyed(key)))).toEqual(told(first));
      expect((await keelson.api.post(path, body, keyed(key))).status).toBeGreaterThanOrEqual(400);
    }
  });

  it('is ignored where a token is answered', async () => {
    const tokens = await Promise.all(
      [1, 2].map(() => keelson.api.post<{ token: string }>('/v2/auth/login', { username: 'ada', password: 'opensesame' }, keyed('same'))),
    );
    expect(tokens.map(({ status }) => status)).toEqual([200, 200]);
    const [row] = await database.query<[{ count: string }]>(`SELECT count(*) AS count FROM idempotency_keys WHERE key = 'same'`);
    expect(Number(row.count)).toBe(0);
  });

  it.each<[string, () => [Api, string, () => object]]>([
    ['builds', () => [calls.people.owner, of('builds'), () => ({ image: WEB_IMAGE })]],
    ['config', () => [calls.people.owner, of('config'), () => ({ values: { TWENTY: randomUUID() } })]],
    ['domains', () => [calls.people.owner, of('domains'), () => ({ domain: `${randomBytes(4).toString('hex')}.example.com` })]],
    ['apps', () => [calls.people.owner, '/v2/apps', () => ({ id: newAppId('twenty') })]],
    ['apps without an id', () => [calls.people.owner, '/v2/apps', () => ({})]],
    ['run', () => [calls.people.owner, of('run'), () => ({ command: 'echo once' })]],
    ['keys', () => [calls.people.owner, '/v2/keys', () => ({ id: randomUUID(), public: newPublicKey() })]],
    [
      'users',
      () => [
        calls.people.administrator,
        `${rbac}/user`,
        () => ({ username: `n${randomBytes(4).toString('hex')}`, password: 'opensesame' }),
      ],
    ],
  ])('of twenty requests at once for %s has one carried out, and all answered', async (_, call) => {
    const [person, path, bodyOf] = call();
    const [body, key, before] = [bodyOf(), newKey(), await mutations()];
    const answers = await Promise.all(Array.from({ length: 20 }, () => person.post(path, body, keyed(key))));
    const [first] = answers;
    expect(first?.status).toBeLessThan(300);
    for (const answer of answers) expect(told(answer)).toEqual(told(first as Answer));
    expect(answers.filter((answer) => replayed(answer) === null)).toHaveLength(1);
    expect(await mutations()).toBe(before + 1);
  });

  it.each<[string, () => Promise<[Answer, Answer]>]>([
    [
      'body',
      async () => {
        const key = newKey();
        const first = await calls.people.owner.post(of('config'), { values: { A: '1' } }, keyed(key));
        return [first, await calls.people.owner.post(of('config'), { values: { A: '2' } }, keyed(key))];
      },
    ],
    [
      'path',
      async () => {
        const key = newKey();
        const first = await calls.people.owner.post(of('whitelist'), { addresses: ['198.51.100.7'] }, keyed(key));
        return [first, await calls.people.owner.post(of('allowlist'), { addresses: ['198.51.100.7'] }, keyed(key))];
      },
    ],
  ])('is refused for another %s', async (_, call) => {
    const before = await mutations();
    const [first, second] = await call();
    expect(first.status).toBe(201);
    expect([second.status, second.json]).toEqual([
      422,
      { detail: 'This Idempotency-Key was used for another request: a new request needs a new key.' },
    ]);
    expect(await mutations()).toBe(before + 1);
  });

  it('is refused in the words of the user API there', async () => {
    const key = newKey();
    const path = `${rbac}/role`;
    const root = calls.people.administrator;
    expect((await root.post(path, { name: key, tag: 4 }, keyed(key))).status).toBe(201);
    const { status, json } = await root.post(path, { name: key, tag: 3 }, keyed(key));
    expect([status, json]).toEqual([422, { status: false, message: expect.stringContaining('was used for another request') as string }]);
  });

  it('is the same however the body is spelled', async () => {
    const key = newKey();
    const headers = { ...keyed(key).headers, 'Content-Type': 'application/json' };
    const post = (raw: string): Promise<Answer> => calls.people.owner.post(of('config'), undefined, { headers, raw });
    const first = await post('{"values": {"SPELLED": "1"}, "memory": {"cmd": "64M"}}');
    expect(told(await post('{"memory":{"cmd":"64M"},"values":{"SPELLED":"1"}}'))).toEqual(told(first));
  });

  it('is a key of its own for every user', async () => {
    const key = newKey();
    const before = await mutations();
    for (const person of [calls.people.owner, calls.people.administrator]) {
      const { status, headers } = await person.post(of('config'), { values: { [`K${randomBytes(3).toString('hex')}`]: '1' } }, keyed(key));
      expect([status, headers.get('idempotency-replayed')]).toEqual([201, null]);
    }
    expect(await mutations()).toBe(before + 2);
  });

  it.each([
    ['empty', '', 'is empty'],
    ['too long', 'k'.repeat(256), 'has more than 255 characters'],
    ['not printable', 'k\tk', 'has characters that are not printable ASCII'],
  ])('that is %s is refused', async (_, key, fault) => {
    const { status, json } = await calls.people.owner.post('/v2/apps', {}, keyed(key));
    expect([status, json]).toEqual([400, { detail: `The Idempotency-Key ${fault}.` }]);
  });

  it('has a refusal kept too', async () => {
    const key = newKey();
    const body = { id: calls.app };
    const first = await calls.people.owner.post('/v2/apps', body, keyed(key));
    expect(first.status).toBe(400);
    const second = await calls.people.owner.post('/v2/apps', body, keyed(key));
    expect([told(second), replayed(second)]).toEqual([told(first), 'true']);
  });

  it('has the words kept with which the cluster refused a one-off run', async () => {
    const cluster = keelson.app.get(Cluster);
    const quota = { apiVersion: RESOURCE_QUOTA.apiVersion, kind: RESOURCE_QUOTA.kind, metadata: { name: 'no-pod', namespace: calls.app } };
    const { metadata } = await cluster.create({ ...quota, spec: { hard: { pods: '0' } } });
    const key = newKey();
    const first = await calls.people.owner.post<{ detail: string }>(of('run'), { command: 'true' }, keyed(key));
    const second = await calls.people.owner.post(of('run'), { command: 'true' }, keyed(key));
    await cluster.remove(RESOURCE_QUOTA, calls.app, metadata.name, metadata.uid ?? '');
    // the API server may enforce it a little longer
    await eventually(async () => {
      expect((await calls.people.owner.post(of('run'), { command: 'true' })).status).toBe(200);
    });
    expect([first.status, first.json.detail, replayed(first)]).toEqual([400, expect.stringContaining('quota: no-pod'), null]);
    expect([told(second), replayed(second)]).toEqual([told(first), 'true']);
  });

  it('has the words with which the cluster refused a one-off run waited for, where they are just being kept', async () => {
    const cluster = keelson.app.get(Cluster);
    const quota = {
      apiVersion: RESOURCE_QUOTA.apiVersion,
      kind: RESOURCE_QUOTA.kind,
      metadata: { name: 'none-yet', namespace: calls.app },
    };
    const { metadata } = await cluster.create({ ...quota, spec: { hard: { pods: '0' } } });
    const keys = keelson.app.get(IdempotencyKeys);
    const answered = keys.answered.bind(keys);
    let keep = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      // the first answer only
      Object.assign(keys, {
        answered: async (...args: Parameters<IdempotencyKeys['answered']>) => {
          Object.assign(keys, { answered });
          resolve();
          await new Promise<void>((go) => (keep = go));
          await answered(...args);
        },
      });
    });
    const key = newKey();
    const first = calls.people.owner.post<{ detail: string }>(of('run'), { command: 'true' }, keyed(key));
    await held;
    const second = calls.people.owner.post(of('run'), { command: 'true' }, keyed(key));
    // by then it has found that its run is gone
    await sleep(500);
    keep();
    expect([(await first).status, told(await second)]).toEqual([400, told(await first)]);
    await cluster.remove(RESOURCE_QUOTA, calls.app, metadata.name, metadata.uid ?? '');
    await eventually(async () => {
      expect((await calls.people.owner.post(of('run'), { command: 'true' })).status).toBe(200);
    });
  });

  it('that was told 202 gets the outcome for who waits, and keeps it', async () => {
    const key = newKey();
    const body = { values: { WAITED: randomUUID() } };
    const noWait = { headers: { ...keyed(key).headers, Prefer: 'respond-async' } };
    const first = await calls.people.owner.post(of('config'), body, noWait);
    expect(first.status).toBe(202);
    const before = await mutations();
    const waited = await calls.people.owner.post<{ values: object }>(of('config'), body, keyed(key));
    expect([waited.status, waited.headers.get('x-drycc-release'), replayed(waited)]).toEqual([
      201,
      first.headers.get('x-drycc-release'),
      'true',
    ]);
    expect(waited.json.values).toMatchObject(body.values);
    expect(told(await calls.people.owner.post(of('config'), body, noWait))).toEqual(told(waited));
    expect(await mutations()).toBe(before);
  });

  it('says that an answer is lost which only the process knew', async () => {
    const key = newKey();
    const body = { id: randomUUID(), public: newPublicKey() };
    expect((await calls.people.owner.post('/v2/keys', body, keyed(key))).status).toBe(201);
    await database.query('UPDATE idempotency_keys SET status = NULL, answer = NULL WHERE key = $1', [key]);
    const { status, json } = await calls.people.owner.post<{ detail: string }>('/v2/keys', body, keyed(key));
    expect([status, json.detail]).toEqual([409, expect.stringMatching(/was carried out, but what it was answered is lost/)]);
  });

  it('counts for a day', async () => {
    const key = newKey();
    const body = (): object => ({ values: { DAY: randomUUID() } });
    expect((await calls.people.owner.post(of('config'), body(), keyed(key))).status).toBe(201);
    const age = (interval: string): Promise<unknown> =>
      database.query(`UPDATE idempotency_keys SET created = now() - interval '${interval}' WHERE key = $1`, [key]);
    await age('23 hours');
    await keelson.app.get(IdempotencyKeys).sweep();
    expect((await calls.people.owner.post(of('config'), body(), keyed(key))).status).toBe(422);
    await age('25 hours');
    // before it is swept, too
    const { status, headers } = await calls.people.owner.post(of('config'), body(), keyed(key));
    expect([status, headers.get('idempotency-replayed')]).toEqual([201, null]);
    await age('25 hours');
    await keelson.app.get(IdempotencyKeys).sweep();
    expect(await database.query('SELECT FROM idempotency_keys WHERE key = $1', [key])).toEqual([]);
  });

  it('is kept without clear text of what was sent and answered', async () => {
    const secret = `canary${randomBytes(6).toString('hex')}`;
    const key = newKey();
    expect((await calls.people.owner.post(of('config'), { values: { SECRET: secret } }, keyed(key))).text).toContain(secret);
    const rows = await database.query<object[]>('SELECT * FROM idempotency_keys WHERE key = $1', [key]);
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(secret);
    expect(rows[0]).toMatchObject({ request: expect.stringMatching(/^v1\./) as string, answer: expect.stringMatching(/^v1\./) as string });
  });

  it('goes with its user', async () => {
    const person = await keelson.register('leaver');
    expect((await person.post('/v2/keys', { id: randomUUID(), public: newPublicKey() }, keyed('left'))).status).toBe(201);
    expect((await person.delete('/v2/auth/cancel')).status).toBe(204);
    expect(await database.query(`SELECT FROM idempotency_keys WHERE key = 'left'`)).toEqual([]);
  });
});

describe('work that takes longer than a request may', () => {
  let keelson: Keelson;
  let ada: Api;
  const app = newAppId('patience');

  beforeAll(async () => {
    keelson = await startKeelson({ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1', REQUEST_WAIT: '3' });
    ada = await keelson.register('ada');
    await eventually(async () => expect((await ada.post('/v2/apps', { id: app })).status).toBe(201));
    await ada.post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE });
    await eventually(async () => expect((await ada.post(`/v2/apps/${app}/config`, { values: { UP: randomUUID() } })).status).toBe(201));
  });

  afterAll(async () => {
    await destroyApps(ada);
    await keelson.stop();
  });

  it.each([
    ['config', () => ({ values: { JOINED: randomUUID() } }), 201],
    ['builds', () => ({ image: WEB_IMAGE }), 201],
    ['domains', () => ({ domain: `${randomBytes(4).toString('hex')}.example.com` }), 201],
    ['scale', () => ({ cmd: 2 }), 204],
    ['settings', () => ({ maintenance: true }), 201],
    ['services', () => ({ procfile_type: 'cmd', path_pattern: `/${randomBytes(4).toString('hex')}` }), 201],
    ['pods/restart', () => ({}), 200],
  ] as const)('is joined by a repeated %s, and its outcome kept', async (rest, bodyOf, status) => {
    const database = keelson.app.get(DataSource);
    const [body, key, path] = [bodyOf(), newKey(), `/v2/apps/${app}/${rest}`];
    const letGo = await holdEngine(database, app);
    // the restart answers what there is when its time is up
    if (rest !== 'pods/restart') {
      for (let attempt = 0; attempt < 2; attempt++) {
        const first = await ada.post<{ detail: string }>(path, body, keyed(key));
        expect([first.status, first.json.detail]).toEqual([503, expect.stringContaining('recorded, will be applied')]);
        expect(first.headers.get('retry-after')).toBe('5');
      }
    }
    await letGo();
    const answer = await eventually(async () => {
      const last = await ada.post(path, body, keyed(key));
      expect(last.status).toBe(status);
      return last;
    });
    expect(told(await ada.post(path, body, keyed(key)))).toEqual(told(answer));
    const [row] = await database.query<[{ count: string }]>(
      `SELECT count(*) AS count FROM audit_rows WHERE outcome = 'committed' AND app = $1 AND action = $2`,
      [app, keelson.documentation.document.paths[`/v2/apps/{app}/${rest}`]?.post?.['x-action' as keyof object]],
    );
    expect(row.count).toBe({ config: '2', builds: '2' }[rest as string] ?? '1');
  });
});

describe('a process that ends between a commit and its answer', () => {
  const app = `keyed-${randomBytes(3).toString('hex')}`;
  let folder: string;
  let database: { url: string; drop(): Promise<void> };
  let client: pg.Client;
  let sandbox: SandboxProcess | undefined;
  let processes: { base: string; env: Record<string, string>; process: KeelsonProcess }[];
  let token = '';

  interface Told {
    status: number;
    json: unknown;
    release: string | null;
    replayed: string | null;
  }

  const call = async (base: string, path: string, body: unknown, key?: string): Promise<Told> => {
    const response = await fetch(base + path, {
      method: 'POST',
      headers: {
        ...(token && { Authorization: `token ${token}` }),
        'Content-Type': 'application/json',
        ...(key === undefined ? {} : { 'Idempotency-Key': key }),
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    return {
      status: response.status,
      json: text === '' ? undefined : JSON.parse(text),
      release: response.headers.get('x-drycc-release'),
      replayed: response.headers.get('idempotency-replayed'),
    };
  };
  const of = (index: number): { base: string; env: Record<string, string>; process: KeelsonProcess } => {
    const found = processes[index];
    if (!found) throw new Error(`there is no process ${String(index)}`);
    return found;
  };
  const start = async (index: number): Promise<void> => {
    const found = of(index);
    found.process = KeelsonProcess.start('keelson.js', found.env);
    await found.process.answers(`${found.base}/readiness`);
  };
  const committed = (key: string): Promise<void> =>
    eventually(async () => {
      const { rows } = await client.query('SELECT FROM idempotency_keys WHERE key = $1', [key]);
      expect(rows).toHaveLength(1);
    });
  const count = async (statement: string): Promise<number> => {
    const { rows } = await client.query<{ count: string }>(`SELECT count(*) AS count FROM ${statement}`);
    return Number(rows[0]?.count);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keelson-keyed-'));
    database = await createTestDatabase();
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
    let kubeconfig = ownKubeconfig;
    if (!kubeconfig) {
      sandbox = await startSandboxProcess();
      kubeconfig = sandbox.kubeconfig;
    }
    const shared = {
      HOST: '127.0.0.1',
      DATABASE_URL: database.url,
      KUBECONFIG: kubeconfig,
      DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
      DRYCC_BUILDER_KEY: randomBytes(32).toString('hex'),
      ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
      ...FIRST_ADMIN,
      LOG_LEVEL: 'error',
    };
    processes = [];
    for (const index of [0, 1]) {
      const port = String(await freePort());
      const env = { ...shared, PORT: port, DATA_DIR: join(folder, String(index)) };
      processes.push({ base: `http://127.0.0.1:${port}`, env, process: KeelsonProcess.start('keelson.js', env) });
    }
    for (const { base, process: started } of processes) await started.answers(`${base}/readiness`);
    const { base } = of(0);
    token = ((await call(base, '/v2/auth/login', { username: 'ada', password: 'opensesame' })).json as { token: string }).token;
    expect((await call(base, '/v2/apps', { id: app })).status).toBe(201);
    expect((await call(base, `/v2/apps/${app}/builds`, { image: WEB_IMAGE })).status).toBe(201);
  }, 300_000);

  afterAll(async () => {
    await fetch(`${of(0).base}/v2/apps/${app}`, { method: 'DELETE', headers: { Authorization: `token ${token}` } });
    for (const { process: running } of processes) await running.end('SIGTERM');
    await client.end();
    await sandbox?.stop();
    await database.drop();
    await rm(folder, { recursive: true });
  }, 120_000);

  it.each([
    ['after its restart', 0],
    ['by another replica', 1],
  ])(
    'leaves a deploy whose repetition gets the outcome %s',
    async (_, next) => {
      const key = newKey();
      const before = await count('releases');
      const post = (index: number): Promise<Told> => call(of(index).base, `/v2/apps/${app}/builds`, { image: 'local/web:2' }, key);
      const interrupted = post(0).catch(() => 'cut off');
      await committed(key);
      await of(0).process.end('SIGKILL');
      expect(await interrupted).toBe('cut off');
      if (next === 0) await start(0);
      const answer = await post(next);
      expect(answer).toMatchObject({ status: 201, release: String(before + 1), replayed: 'true' });
      if (next !== 0) await start(0);
      expect(await post(1 - next)).toEqual(answer);
      expect(await count('releases')).toBe(before + 1);
    },
    300_000,
  );

  it('leaves a one-off run whose repetition gets its result by another replica', async () => {
    const key = newKey();
    const before = await count('runs');
    const post = (index: number): Promise<Told> => call(of(index).base, `/v2/apps/${app}/run`, { command: 'sleep 3; echo once' }, key);
    const interrupted = post(0).catch(() => 'cut off');
    await eventually(async () => expect(await count(`runs WHERE state = 'running'`)).toBe(1));
    const joined = post(1);
    await of(0).process.end('SIGKILL');
    expect(await interrupted).toBe('cut off');
    const { status, json } = await joined;
    expect([status, json]).toEqual([200, { exit_code: 0, output: 'once\n' }]);
    await start(0);
    expect(await post(0)).toMatchObject({ status, json, replayed: 'true' });
    expect(await count('runs')).toBe(before + 1);
  }, 300_000);
});
