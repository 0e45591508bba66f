import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { createTestDatabase } from './database.ts';
import { SLOW_IMAGE, WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { addressOf, through } from './replicas.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** The database goes away in every way, in the middle of everything: nothing that was acknowledged is lost, and all that was begun ends. */

const app = newAppId('outage');
let database: { url: string; drop(): Promise<void> };
let proxy: TcpProxy;
/** Past the proxy. */
let client: pg.Client;
let keelson: Keelson;
let ada: Api;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  proxy = await startTcpProxy(addressOf(database.url));
  keelson = await startKeelson({
    DATABASE_URL: through(database.url, proxy.port),
    KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1',
    OPERATION_LEASE: '4',
    LOG_LEVEL: 'fatal',
  });
  ada = await keelson.register('ada');
  expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
  expect((await ada.post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE })).status).toBe(201);
}, 300_000);

afterEach(() => {
  proxy.accept();
});

afterAll(async () => {
  await destroyApps(ada);
  await keelson.stop();
  await proxy.stop();
  await client.end();
  await database.drop();
}, 120_000);

const of = (rest: string): string => `/v2/apps/${app}/${rest}`;
const keyed = (): { headers: Record<string, string> } => ({ headers: { 'Idempotency-Key': randomUUID() } });
const newConfig = (): { values: Record<string, string> } => ({ values: { [`K_${randomBytes(4).toString('hex')}`]: '1' } });

async function rows<T extends object>(statement: string): Promise<T[]> {
  return (await client.query<T>(statement)).rows;
}

/** Numbers of the releases, oldest first, with what became of them. */
const releases = async (): Promise<string[]> =>
  (await rows<{ version: number; state: string }>('SELECT version, state FROM releases ORDER BY version')).map(
    ({ version, state }) => `${String(version)} ${state}`,
  );

/** Until nothing is open, and everything that was begun has ended well. */
async function atRest(): Promise<void> {
  await eventually(async () => {
    expect(await rows(`SELECT FROM operations WHERE state IN ('pending', 'running')`)).toEqual([]);
  });
  expect(await rows(`SELECT kind, cause FROM operations WHERE state = 'failed'`)).toEqual([]);
  expect((await releases()).filter((release) => !/succeeded|superseded/.test(release))).toEqual([]);
  // one after the other, none twice
  expect((await releases()).map((release) => Number.parseInt(release))).toEqual((await releases()).map((_, index) => index + 1));
}

function assertAway({ status, headers, json }: Answer): void {
  expect([status, json]).toEqual([503, { detail: 'The database is out of reach for the moment.' }]);
  expect(headers.get('retry-after')).toBe('5');
}

/** Repeats a request until the database is there again. */
const repeated = (call: () => Promise<Answer>): Promise<Answer> =>
  eventually(async () => {
    const answer = await call();
    expect(answer.status).not.toBe(503);
    return answer;
  });

describe.each([
  ['whose answer is lost', true],
  ['that does not arrive', false],
])('a COMMIT %s', (_, commits) => {
  it.each([
    ['config', newConfig, 'INSERT INTO "releases"', 201],
    ['builds', () => ({ image: WEB_IMAGE }), 'INSERT INTO "releases"', 201],
    ['domains', () => ({ domain: `${randomBytes(4).toString('hex')}.example.com` }), 'INSERT INTO "domains"', 201],
    ['scale', () => ({ cmd: 1 + (commits ? 1 : 2) }), 'process_types', 204],
    ['run', () => ({ command: 'echo hi' }), 'INSERT INTO "runs"', commits ? 503 : 200],
  ])('leaves %s to be repeated with its key, and carried out once', async (rest, bodyOf, text, status) => {
    const before = await rows<{ count: string }>(`SELECT count(*) AS count FROM audit_rows WHERE outcome = 'committed'`);
    const [body, call] = [bodyOf(), keyed()];
    const lost = proxy.loseCommit(text, commits);
    assertAway(await ada.post(of(rest), body, call));
    await lost;
    if (rest === 'run' && commits) {
      // nobody made its pod, so nobody knows what it would have come to
      await eventually(async () =>
        expect((await rows<{ state: string }>('SELECT state FROM runs ORDER BY created DESC'))[0]?.state).toBe('lost'),
      );
      expect((await ada.post<{ detail: string }>(of(rest), body, call)).json.detail).toContain('is not known');
    } else {
      const answer = await repeated(() => ada.post(of(rest), body, call));
      expect([answer.status, answer.headers.get('idempotency-replayed')]).toEqual([status, commits ? 'true' : null]);
    }
    const after = await rows<{ count: string }>(`SELECT count(*) AS count FROM audit_rows WHERE outcome = 'committed'`);
    expect(Number(after[0]?.count)).toBe(Number(before[0]?.count) + 1);
    await atRest();
  });

  it('leaves a new app to be repeated with its key', async () => {
    const [body, call] = [{ id: newAppId('outage') }, keyed()];
    const lost = proxy.loseCommit('INSERT INTO "apps"', commits);
    assertAway(await ada.post('/v2/apps', body, call));
    await lost;
    expect((await repeated(() => ada.post('/v2/apps', body, call))).status).toBe(201);
    expect((await ada.delete(`/v2/apps/${body.id}`)).status).toBe(204);
  });

  it.each([
    ['that begins it', `state = 'deploying'`],
    ['that records its end', 'SET provisioned = true'],
  ])('%s delays it alone', async (__, text) => {
    const before = (await releases()).length;
    const lost = proxy.loseCommit(text, commits);
    const answer = ada.post(of('config'), newConfig());
    await lost;
    expect((await answer).status).toBe(201);
    await atRest();
    expect(await releases()).toHaveLength(before + 1);
  });
});

describe('connections that break', () => {
  // of the names of steps one is also that of a kind: it is told by its length, which is sent before it
  it.each([
    'lease_token = lease_token + 1',
    'preparing',
    'applying',
    'waiting',
    '\x07routing',
    'SET provisioned = true',
    'UPDATE "operations"',
  ])('at %s delay a deploy alone', async (text) => {
    const before = (await releases()).length;
    const cut = proxy.cutAt(text, 'INSERT INTO "releases"');
    const answer = ada.post(of('config'), newConfig());
    await cut;
    expect((await answer).status).toBe(201);
    await atRest();
    expect(await releases()).toHaveLength(before + 1);
  });

  it.each(['FROM users', 'START TRANSACTION', 'UPDATE apps', 'FROM releases', 'INSERT INTO "configs"', 'INSERT INTO "audit_rows"'])(
    'at %s have a request answered 503, and nothing of it done',
    async (text) => {
      const before = (await releases()).length;
      const cut = proxy.cutAt(text);
      const body = newConfig();
      assertAway(await ada.post(of('config'), body));
      await cut;
      expect(await releases()).toHaveLength(before);
      expect((await repeated(() => ada.post(of('config'), body))).status).toBe(201);
      await atRest();
    },
  );

  it('are not missed while nobody uses them', async () => {
    const listening = async (): Promise<number[]> =>
      (
        await rows<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity WHERE application_name = 'keelson-listen' AND datname = current_database() AND query ~ '^(LISTEN|SELECT 1)'`,
        )
      ).map(({ pid }) => pid);
    // after what the tests before did to it
    const before = await eventually(async () => {
      const pids = await listening();
      expect(pids).toHaveLength(1);
      return pids;
    });
    proxy.cut();
    await eventually(async () => {
      const [pid] = await listening();
      expect([pid === undefined, pid === before[0]]).toEqual([false, false]);
    });
    expect((await repeated(() => ada.post(of('config'), newConfig()))).status).toBe(201);
    await atRest();
  });
});

it('a row that a transaction keeps holds up nobody but its own app, and takes no lease', async () => {
  const before = (await releases()).length;
  const other = newAppId('free');
  expect((await ada.post('/v2/apps', { id: other })).status).toBe(201);
  expect((await ada.post(`/v2/apps/${other}/config`, { values: { DELAY: '20' } })).status).toBe(201);
  const deploy = ada.post(`/v2/apps/${other}/builds`, { image: SLOW_IMAGE, procfile: {} });
  const operation = `FROM operations WHERE app_id = '${other}' AND kind = 'deploy' AND release = 3`;
  await eventually(async () => expect(await rows(`SELECT ${operation} AND step = 'waiting'`)).toHaveLength(1));

  await client.query('BEGIN');
  await client.query('SELECT FROM apps WHERE id = $1 FOR UPDATE', [app]);
  try {
    const writes = Array.from({ length: 12 }, () => ada.post(of('config'), newConfig()));
    await eventually(async () =>
      expect(await rows(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)).not.toEqual([]),
    );
    // who comes then has to wait, but isn't sent away
    expect((await ada.get(`/v2/apps/${other}`)).status).toBe(200);
    for (const answer of await Promise.all(writes)) assertAway(answer);
    expect((await deploy).status).toBe(201);
  } finally {
    await client.query('ROLLBACK');
  }
  expect(await rows(`SELECT attempts ${operation}`)).toEqual([{ attempts: 1 }]);
  expect((await ada.delete(`/v2/apps/${other}`)).status).toBe(204);
  await atRest();
  expect(await releases()).toHaveLength(before);
}, 300_000);

describe('an outage', () => {
  it('has who waits wait on, all others told to come back, and everything ended afterwards', async () => {
    const before = (await releases()).length;
    const begun = new Promise<void>((resolve) => void proxy.cutAt('waiting').then(resolve));
    const waiting = ada.post(of('builds'), { image: WEB_IMAGE });
    await begun;
    proxy.refuse();
    for (let attempt = 0; attempt < 5; attempt++) {
      assertAway(await ada.post(of('config'), newConfig()));
      assertAway(await ada.get('/v2/apps'));
    }
    expect((await fetch(`${ada.base}/readiness`)).status).toBe(503);
    proxy.accept();
    expect((await waiting).status).toBe(201);
    await atRest();
    expect(await releases()).toHaveLength(before + 1);
    await eventually(async () => expect((await fetch(`${ada.base}/readiness`)).status).toBe(200));
  });

  it('of which nobody is told ends too, and so does each request in it', async () => {
    const before = (await releases()).length;
    const waiting = ada.post(of('builds'), { image: WEB_IMAGE });
    await eventually(async () => expect(await rows(`SELECT FROM operations WHERE state = 'running'`)).toHaveLength(1));
    proxy.freeze();
    const during = await Promise.all(Array.from({ length: 15 }, () => ada.get('/v2/apps')));
    for (const answer of during) assertAway(answer);
    proxy.accept();
    expect((await waiting).status).toBe(201);
    await atRest();
    expect(await releases()).toHaveLength(before + 1);
  });

  it('in which a standby answers, that takes no writes yet, is one', async () => {
    const name = new URL(database.url).pathname.slice(1);
    await client.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    proxy.cut();
    const body = newConfig();
    await eventually(async () => assertAway(await ada.post(of('config'), body)));
    await client.query(`ALTER DATABASE ${name} RESET default_transaction_read_only`);
    proxy.cut();
    expect((await repeated(() => ada.post(of('config'), body))).status).toBe(201);
    await atRest();
  });
});

describe.each([
  ['serialization failures', '40001'],
  ['deadlocks', '40P01'],
])('%s', (_, code) => {
  /** Has so many statements fail. Sequences aren't rolled back. */
  async function fail(times: number, timing: string, condition: string): Promise<void> {
    const table = timing.split(' ').at(-1) ?? '';
    await client.query(`
      CREATE SEQUENCE failures;
      CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF nextval('failures') <= ${String(times)} THEN RAISE EXCEPTION 'in each other''s way' USING ERRCODE = '${code}'; END IF; RETURN NEW; END $$;
      CREATE TRIGGER failing BEFORE ${timing} FOR EACH ROW WHEN (${condition}) EXECUTE FUNCTION fail();
    `);
    undo = async () => {
      await client.query(`DROP TRIGGER failing ON ${table}; DROP FUNCTION fail; DROP SEQUENCE failures;`);
    };
  }
  let undo: () => Promise<void>;
  afterEach(() => undo());

  const tried = async (): Promise<number> => Number((await rows<{ last_value: string }>('SELECT last_value FROM failures'))[0]?.last_value);

  it('of a change are tried again by themselves', async () => {
    const before = (await releases()).length;
    await fail(2, 'INSERT ON releases', 'true');
    expect((await ada.post(of('config'), newConfig())).status).toBe(201);
    expect([await tried(), (await releases()).length]).toEqual([3, before + 1]);
    await atRest();
  });

  it('that go on are answered 503', async () => {
    const before = (await releases()).length;
    await fail(3, 'INSERT ON releases', 'true');
    const [body, call] = [newConfig(), keyed()];
    assertAway(await ada.post(of('config'), body, call));
    expect(await releases()).toHaveLength(before);
    expect((await ada.post(of('config'), body, call)).status).toBe(201);
    await atRest();
  });

  it('of the engine never fail a release', async () => {
    await fail(7, 'UPDATE ON operations', `old.state = 'running' AND new.state = 'succeeded'`);
    expect((await ada.post(of('config'), newConfig())).status).toBe(201);
    expect(await tried()).toBe(8);
    await atRest();
  });
});

it('after all of that, the audit log is sealed', async () => {
  await eventually(async () => expect(await rows('SELECT FROM audit_unsealed')).toEqual([]));
});
