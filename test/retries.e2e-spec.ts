import { DataSource } from 'typeorm';
import { AppEvent } from '../src/events/app-event.entity.ts';
import { FaultPoints, type FaultPoint } from '../src/deploy/fault-points.ts';
import { OutOfReach } from '../src/kubernetes/cluster-errors.ts';
import { holdEngine } from './hold.ts';
import { CRASH_IMAGE, WEB_IMAGE } from './images.ts';
import { startKeelson, type Api, type Keelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, LiveApp, newAppId } from './live-app.ts';

interface OperationAnswer {
  id: string;
  kind: string;
  state: string;
  attempts: number;
  cause: { class: string; message: string; since: string } | null;
}

describe('an operation that is begun anew', () => {
  let keelson: Keelson;
  let api: Api;
  let database: DataSource;
  /** What happens at the points of the engine. */
  let at: (point: FaultPoint, app: string) => Promise<void> | void;

  const operations = async (app: string): Promise<OperationAnswer[]> =>
    (await api.get<{ results: OperationAnswer[] }>(`/v2/apps/${app}/operations`)).json.results;
  const deployed = async (prefix: string): Promise<string> => {
    const app = newAppId(prefix);
    expect((await api.post('/v2/apps', { id: app })).status).toBe(201);
    expect((await api.post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE })).status).toBe(201);
    return app;
  };
  /** Whoever waits for a retry of the app's needn't. */
  const hurry = async (app: string): Promise<void> => {
    await database.query(
      `UPDATE operations SET due = now() WHERE app_id = $1 AND state = 'running' AND lease_owner IS NULL AND due > now()`,
      [app],
    );
    await database.query(`SELECT pg_notify('keelson_due', uuid::text) FROM apps WHERE id = $1`, [app]);
  };

  beforeAll(async () => {
    keelson = await startKeelson({ LOG_LEVEL: 'silent' });
    api = await keelson.register('ada');
    database = keelson.app.get(DataSource);
    keelson.app.get(FaultPoints).reach = async (point, app) => at(point, app);
  });

  beforeEach(() => {
    at = () => undefined;
  });

  afterAll(async () => {
    at = () => undefined;
    await destroyApps(api);
    await keelson.stop();
  });

  it('keeps the cause of what failed, also when the cluster is out of reach on the way back', async () => {
    const app = await deployed('back');
    let failed = false;
    let away = false;
    at = (point, of) => {
      if (of !== app) return;
      if (point === 'failed') failed = true;
      if (point !== 'begun' || !failed || away) return;
      away = true;
      throw new OutOfReach('the API server is out of reach (ECONNREFUSED)');
    };
    expect((await api.post(`/v2/apps/${app}/builds`, { image: CRASH_IMAGE })).status).toBe(400);
    expect(away).toBe(true);
    expect((await operations(app))[0]).toMatchObject({ state: 'failed', attempts: 2, cause: { class: 'crash' } });
  });

  it('tells once of what holds it up, and since when, however often it is tried', async () => {
    const app = await deployed('long');
    const words = ['ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED', 'ETIMEDOUT', 'ETIMEDOUT'];
    const since: (string | undefined)[] = [];
    at = async (point, of) => {
      if (of !== app || point !== 'begun') return;
      since.push((await operations(app))[0]?.cause?.since);
      const code = words.shift();
      if (code) throw new OutOfReach(`the API server is out of reach (${code})`);
    };
    let answered = false;
    const answer = api.post(`/v2/apps/${app}/config`, { values: { LONG: 'yes' } }).finally(() => (answered = true));
    await eventually(async () => {
      await hurry(app);
      expect(answered).toBe(true);
    });
    expect((await answer).status).toBe(201);
    const events = await database.manager.find(AppEvent, { where: { event: 'operation' }, order: { id: 'ASC' } });
    const told = events.map(({ data }) => data as { id: string; state: string; step: string | null; cause: { message: string } | null });
    const { id } = (await operations(app))[0] ?? {};
    expect(
      told
        .filter((event) => event.id === id && (event.cause !== null || event.step !== 'waiting'))
        .map(({ state, step, cause }) => cause?.message ?? step ?? state),
    ).toEqual([
      'pending',
      'claimed',
      'the API server is out of reach (ECONNREFUSED)',
      'the API server is out of reach (ETIMEDOUT)',
      'done',
    ]);
    expect(new Set(since.slice(1, 4)).size).toBe(1);
    expect(new Set(since.slice(4)).size).toBe(1);
  });

  it('ends as failed when a bug keeps it from its end again and again, and the app goes back to what was good', async () => {
    const app = await deployed('bug');
    let tries = 0;
    at = (point, of) => {
      if (of !== app || point !== 'applied' || tries >= 10) return;
      tries += 1;
      throw new TypeError('somebody forgot something');
    };
    let answered = false;
    const answer = api.post(`/v2/apps/${app}/config`, { values: { BUG: 'yes' } }).finally(() => (answered = true));
    await eventually(async () => {
      await hurry(app);
      expect(answered).toBe(true);
    });
    expect(await answer).toMatchObject({ status: 500, json: { detail: '(app::deploy): Server Error' } });
    await eventually(async () => {
      expect((await operations(app)).map(({ kind, state }) => `${kind} ${state}`).slice(0, 2)).toEqual(['heal succeeded', 'deploy failed']);
    });
    expect((await operations(app))[1]).toMatchObject({ attempts: 10, cause: { class: 'internal', message: 'Server Error' } });
    const { json } = await api.get<{ results: { version: number; failed: boolean }[] }>(`/v2/apps/${app}/releases`);
    expect(json.results.map(({ version, failed }) => [version, failed])).toEqual([
      [3, true],
      [2, false],
      [1, false],
    ]);
    expect(await new LiveApp(keelson, app).up(api)).toEqual(['cmd v2']);
  });

  it('does not answer a scale before it is there, when a release that came with it failed and the next operation brings it', async () => {
    const app = await deployed('shared');
    const letEngineGo = await holdEngine(database, app);
    const before = (await operations(app)).length;
    const failing = api.post(`/v2/apps/${app}/builds`, { image: CRASH_IMAGE });
    let scaled = false;
    await eventually(async () => expect((await operations(app)).length).toBe(before + 1));
    const scale = api.post(`/v2/apps/${app}/scale`, { cmd: 2 }).finally(() => (scaled = true));
    await eventually(async () => {
      const rows = await database.query<object[]>(`SELECT 1 FROM process_types JOIN apps ON uuid = app_uuid WHERE id = $1 AND count = 2`, [
        app,
      ]);
      expect(rows).toHaveLength(1);
    });
    let later: Promise<{ status: number }> | null = null;
    let committed = (): void => undefined;
    const commit = new Promise<void>((resolve) => (committed = resolve));
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    at = async (point, of) => {
      if (of !== app) return;
      if (point === 'committed') committed();
      if (point === 'claimed' && later) await held;
      if (point !== 'failing') return;
      later ??= api.post(`/v2/apps/${app}/config`, { values: { LATER: 'yes' } });
      await commit;
    };
    await letEngineGo();
    expect((await failing).status).toBe(400);
    expect(scaled).toBe(false);
    letGo();
    expect((await scale).status).toBe(204);
    expect(await new LiveApp(keelson, app).replicas('cmd')).toBe(2);
    expect((await (later as unknown as Promise<{ status: number }>)).status).toBe(201);
  });
});
