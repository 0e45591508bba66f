import { DataSource } from 'typeorm';
import { Sweeper } from '../src/database/sweeper.ts';
import { AppLog } from '../src/logs/app-log.ts';
import { type Api, type Keelson, startKeelson } from './keelson.ts';
import { destroyApps, newAppId } from './live-app.ts';

/** What is over and old is taken away, and nothing else. */

let keelson: Keelson;
let ada: Api;
let database: DataSource;
const app = newAppId('retention');
let uuid = '';

beforeAll(async () => {
  keelson = await startKeelson();
  ada = await keelson.register('ada');
  database = keelson.app.get(DataSource);
  expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
  [{ uuid }] = await database.query<[{ uuid: string }]>('SELECT uuid FROM apps WHERE id = $1', [app]);
});

afterAll(async () => {
  await destroyApps(ada);
  await keelson.stop();
});

const sweep = (of = keelson): Promise<void> => of.app.get(Sweeper).sweep();
const days = (count: number): string => `now() - interval '${String(count)} days'`;

/** @param step by which it is known again; @param finished SQL of when it ended */
async function operation(step: string, state: string, created: string, finished: string, of = uuid): Promise<void> {
  await database.query(
    `INSERT INTO operations (uuid, app_uuid, app_id, kind, state, generation, step, created, finished)
     VALUES (gen_random_uuid(), $1, 'x', 'deploy', $2, 1, $3, ${created}, ${finished})`,
    [of, state, step],
  );
}

const steps = async (of = uuid): Promise<string[]> =>
  (await database.query<{ step: string }[]>('SELECT step FROM operations WHERE app_uuid = $1 ORDER BY created', [of])).map(
    ({ step }) => step,
  );

it('operations go 30 days after their end, but for the newest of each app', async () => {
  await database.query('DELETE FROM operations WHERE app_uuid = $1', [uuid]);
  await operation('old', 'succeeded', days(50), days(40));
  await operation('ended late', 'failed', days(49), days(20));
  await operation('not ended', 'running', days(48), 'NULL');
  await operation('superseded', 'superseded', days(47), days(47));
  await operation('newest', 'succeeded', days(46), days(45));
  const gone = '7b9a2a76-7d54-4e1f-8a32-0c7b0e0f6a11';
  await operation('of an app that is gone', 'succeeded', days(50), days(40), gone);
  await sweep();
  expect(await steps()).toEqual(['ended late', 'not ended', 'newest']);
  expect(await steps(gone)).toEqual([]);
  await database.query(`DELETE FROM operations WHERE step = 'not ended'`);
});

it('runs go 30 days after their end, once their pod is gone; what asked for them stays', async () => {
  const run = (command: string, finished: string, lease: string): Promise<unknown> =>
    database.query(
      `INSERT INTO runs (uuid, app_uuid, owner_id, release, pod, command, state, lease_expires, finished)
       SELECT gen_random_uuid(), uuid, owner_id, 1, 'pod', $2, 'finished', ${lease}, ${finished} FROM apps WHERE uuid = $1`,
      [uuid, command],
    );
  await run('old', days(31), 'NULL');
  await run('with a pod', days(31), `now() + interval '1 day'`);
  await run('young', days(29), 'NULL');
  await run('goes on', 'NULL', `now() + interval '1 day'`);
  const count = async (table: string): Promise<unknown> => (await database.query<unknown[]>(`SELECT 1 FROM ${table}`)).length;
  expect((await ada.post('/v2/keys', { id: 'x', public: 'x' }, { headers: { 'Idempotency-Key': 'kept' } })).status).toBe(400);
  await database.query(`INSERT INTO idempotency_keys (uuid, key, request, created) VALUES (gen_random_uuid(), 'old', 'x', ${days(40)})`);
  const before = [await count('audit_rows'), await count('idempotency_keys'), await count('releases')];
  await sweep();
  const left = await database.query<{ command: string }[]>('SELECT command FROM runs ORDER BY 1');
  expect(left.map(({ command }) => command)).toEqual(['goes on', 'with a pod', 'young']);
  expect([await count('audit_rows'), await count('idempotency_keys'), await count('releases')]).toEqual(before);
  await database.query('DELETE FROM runs');
});

it('with 0 they stay for ever', async () => {
  await operation('very old', 'succeeded', days(5000), days(5000));
  const other = await startKeelson({ OPERATION_RETENTION: '0', RUN_RETENTION: '0' });
  try {
    const theirs = other.app.get(DataSource);
    for (const age of [5001, 5000]) {
      await theirs.query(
        `INSERT INTO operations (uuid, app_uuid, app_id, kind, state, generation, created, finished)
         VALUES (gen_random_uuid(), $1, 'x', 'deploy', 'succeeded', 1, ${days(age)}, ${days(age)})`,
        [uuid],
      );
    }
    await sweep(other);
    expect(await theirs.query<unknown[]>('SELECT 1 FROM operations')).toHaveLength(2);
  } finally {
    await other.stop();
  }
  await sweep();
  expect(await steps()).not.toContain('very old');
});

it('the newest 10,000 lines of Keelson stay in the log of each app, however many there are of others', async () => {
  const other = newAppId('others');
  expect((await ada.post('/v2/apps', { id: other })).status).toBe(201);
  const count = async (id: string): Promise<number> =>
    (await database.query<unknown[]>('SELECT 1 FROM app_log_lines WHERE app_uuid = (SELECT uuid FROM apps WHERE id = $1)', [id])).length;
  const lines = await count(other);
  await database.query(
    `INSERT INTO app_log_lines (uuid, app_uuid, line) SELECT gen_random_uuid(), $1, 'x' FROM generate_series(1, 16000)`,
    [uuid],
  );
  await keelson.app.get(AppLog).write(database.manager, uuid, 'the newest');
  await sweep();
  expect([await count(app), await count(other)]).toEqual([10_000, lines]);
  expect((await keelson.app.get(AppLog).newest(database.manager, uuid, 1)).map(({ line }) => line)).toEqual(['the newest']);
});
