import { CRASH_IMAGE, WEB_2_IMAGE, WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, LiveApp, newAppId } from './live-app.ts';

interface Release {
  uuid: string;
  version: number;
  summary: string;
  build: string | null;
  config: string;
  failed: boolean;
  exception: string | null;
}
interface Page<T> {
  count: number;
  next: string | null;
  results: T[];
}
interface Operation {
  id: string;
  state: string;
  step: string | null;
  release: number | null;
}

/** Serves in the images of the tests; `$PORT` is set by the platform. */
const SERVE = 'exec httpd -f -p "$PORT" -h /www';
const IDLE = 'exec sleep 3600';
const noRelease = { detail: 'No Release matches the given query.' };
const respondAsync = { headers: { Prefer: 'respond-async' } };

let keelson: Keelson;
let ada: Api;

const releases = async (id: string): Promise<Release[]> =>
  (await ada.get<Page<Release>>(`/v2/apps/${id}/releases?limit=1000`)).json.results;
const values = async (id: string): Promise<object> => (await ada.get<{ values: object }>(`/v2/apps/${id}/config`)).json.values;
const structure = async (id: string): Promise<object> => (await ada.get<{ structure: object }>(`/v2/apps/${id}`)).json.structure;
const rollback = (id: string, body?: unknown): Promise<Answer<{ version: number }>> => ada.post(`/v2/apps/${id}/releases/rollback/`, body);
const setConfig = (id: string, config: object): Promise<Answer> => ada.post(`/v2/apps/${id}/config`, config);
const deploy = (id: string, build: object): Promise<Answer> => ada.post(`/v2/apps/${id}/builds`, build);

beforeAll(async () => {
  keelson = await startKeelson({ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1' });
  ada = await keelson.register('ada');
});

afterAll(async () => {
  await destroyApps(ada);
  await keelson.stop();
});

describe('the releases of an app without a build', () => {
  const id = newAppId('plain');

  beforeAll(async () => {
    await ada.post('/v2/apps', { id });
  });

  it('begin with v1, and there is no way back from it', async () => {
    const { json } = await ada.get<Page<Release>>(`/v2/apps/${id}/releases`);
    expect(json).toEqual({
      count: 1,
      next: null,
      previous: null,
      results: [
        {
          uuid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
          owner: 'ada',
          app: id,
          version: 1,
          summary: 'ada created initial release',
          build: null,
          config: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
          failed: false,
          exception: null,
          created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dUTC$/) as string,
          updated: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dUTC$/) as string,
        },
      ],
    });
    const { status, json: refused } = await rollback(id);
    expect([status, refused]).toEqual([400, { detail: 'version cannot be below 0' }]);
  });

  it('are read by number, with and without the v', async () => {
    await setConfig(id, { values: { A: '1' } });
    await setConfig(id, { values: { A: '2' } });
    const [third, second] = await releases(id);
    expect([third?.version, second?.version]).toEqual([3, 2]);
    for (const version of ['v2', '2', 'v2/', 'v02']) expect((await ada.get(`/v2/apps/${id}/releases/${version}`)).json).toEqual(second);
    for (const version of ['v9', '0', `v${'9'.repeat(40)}`]) {
      const { status, json } = await ada.get(`/v2/apps/${id}/releases/${version}`);
      expect([version, status, json]).toEqual([version, 404, noRelease]);
    }
    for (const version of ['latest', 'v', 'v-1', 'rollback'])
      expect([404, 405]).toContain((await ada.get(`/v2/apps/${id}/releases/${version}`)).status);
    const page = (await ada.get<Page<Release>>(`/v2/apps/${id}/releases?limit=1&offset=1`)).json;
    expect([page.count, page.results]).toEqual([3, [second]]);
  });

  it.each<[unknown, number, string]>([
    ['two', 400, 'version must be a whole number'],
    ['', 400, 'version must be a whole number'],
    ['v2', 400, 'version must be a whole number'],
    [1.5, 400, 'version must be a whole number'],
    [true, 400, 'version must be a whole number'],
    [[2], 400, 'version must be a whole number'],
    [{}, 400, 'version must be a whole number'],
    [0, 400, 'version cannot be below 0'],
    ['0', 400, 'version cannot be below 0'],
    [-1, 400, 'version cannot be below 0'],
    [99, 404, 'No Release matches the given query.'],
    [1e300, 404, 'No Release matches the given query.'],
    ['9'.repeat(40), 404, 'No Release matches the given query.'],
  ])('cannot be rolled back to version %j', async (version, expected, detail) => {
    const { status, json } = await rollback(id, { version });
    expect([status, json]).toEqual([expected, { detail }]);
    expect(await releases(id)).toHaveLength(3);
  });

  it('go back to a config by number, but not by themselves', async () => {
    const implicit = await rollback(id);
    expect([implicit.status, implicit.json]).toEqual([400, { detail: 'Cannot roll back to initial release.' }]);
    const { status, headers, json } = await rollback(id, { version: '2' });
    expect([status, headers.get('x-drycc-release'), json]).toEqual([201, '4', { version: 4 }]);
    expect(await values(id)).toEqual({ A: '1' });
    expect((await releases(id))[0]).toMatchObject({ version: 4, summary: 'ada rolled back to v2', build: null });
    expect(await new LiveApp(keelson, id).deployment('web')).toBeNull();
  });
});

describe('the releases of an app that runs', () => {
  const id = newAppId('moving');
  let live: LiveApp;

  beforeAll(async () => {
    live = new LiveApp(keelson, id);
    await ada.post('/v2/apps', { id });
    // v2, v3, v4
    expect((await deploy(id, { image: WEB_IMAGE, procfile: { web: SERVE, worker: IDLE } })).status).toBe(201);
    expect((await setConfig(id, { values: { COLOUR: 'blue' } })).status).toBe(201);
    expect((await deploy(id, { image: WEB_2_IMAGE, procfile: { web: SERVE, clock: IDLE } })).status).toBe(201);
    expect((await ada.post(`/v2/apps/${id}/scale`, { clock: 1 })).status).toBe(204);
  });

  it('go back by themselves to what ran before', async () => {
    expect(await live.up(ada)).toEqual(['clock v4', 'web v4']);
    const { status, headers, json } = await rollback(id);
    expect([status, headers.get('x-drycc-release'), json]).toEqual([201, '5', { version: 5 }]);
    const [fifth, , third] = await releases(id);
    expect(fifth).toMatchObject({ version: 5, summary: 'ada rolled back to v3', build: third?.build, config: third?.config });
    expect(await values(id)).toEqual({ COLOUR: 'blue' });
    expect(await live.image('web')).toBe(WEB_IMAGE);
    // what the old build doesn't have is scaled to 0
    expect(await structure(id)).toEqual({ clock: 0, web: 1 });
    expect(await live.up(ada)).toEqual(['web v5']);
  });

  it('go back to any that did not fail, the present one too', async () => {
    expect((await rollback(id, { version: 2 })).json).toEqual({ version: 6 });
    expect(await values(id)).toEqual({});
    expect((await rollback(id, { version: 6 })).json).toEqual({ version: 7 });
    expect(await live.up(ada)).toEqual(['web v7']);
  });

  it('do not go back to one that failed', async () => {
    expect((await deploy(id, { image: CRASH_IMAGE, procfile: { web: 'echo boom; exit 1' } })).status).toBe(400);
    const { status, json } = await rollback(id, { version: 8 });
    expect([status, json]).toEqual([400, { detail: 'Cannot roll back to failed release.' }]);
    expect((await releases(id)).map(({ version, failed }) => [version, failed]).slice(0, 2)).toEqual([
      [8, true],
      [7, false],
    ]);
  });

  it('go back to before the first build: then nothing runs, and the structure waits', async () => {
    expect((await rollback(id, { version: 1 })).json).toEqual({ version: 9 });
    expect(await live.deployment('web')).toBeNull();
    // its pods are left to the garbage collector
    await eventually(async () => {
      expect(await live.up(ada)).toEqual([]);
    });
    expect(await structure(id)).toEqual({ clock: 0, web: 1 });
    expect((await releases(id))[0]).toMatchObject({ version: 9, build: null });
    expect((await ada.get(`/v2/apps/${id}/build`)).status).toBe(404);
    expect((await ada.post(`/v2/apps/${id}/scale`, { web: 1 })).status).toBe(400);

    expect((await rollback(id)).json).toEqual({ version: 10 });
    expect(await live.up(ada)).toEqual(['web v10']);
    expect((await releases(id))[0]?.summary).toBe('ada rolled back to v7');
  });

  it('cut short a roll-out that does not get on', async () => {
    // more than any node has
    const stuck = await ada.post<Operation>(`/v2/apps/${id}/config`, { cpu: { web: '100000' } }, respondAsync);
    expect(stuck.status).toBe(202);
    const operation = async (): Promise<Operation> => (await ada.get<Operation>(stuck.headers.get('location') ?? '')).json;
    await eventually(async () => {
      expect(await operation()).toMatchObject({ state: 'running', step: 'waiting' });
    });
    expect((await rollback(id, { version: 10 })).json).toEqual({ version: 12 });
    expect((await operation()).state).toBe('superseded');
    expect(await live.up(ada)).toEqual(['web v12']);
    expect((await ada.get<{ cpu: object }>(`/v2/apps/${id}/config`)).json.cpu).toEqual({});
  });

  it('take nothing over from one that fails between them', async () => {
    expect((await setConfig(id, { values: { BEFORE: '1' } })).status).toBe(201);
    // fails after some seconds: time enough to commit something meanwhile
    const failing = await ada.post<Operation>(
      `/v2/apps/${id}/builds`,
      { image: WEB_2_IMAGE, procfile: { web: 'sleep 4; exit 3' } },
      respondAsync,
    );
    const location = failing.headers.get('location') ?? '';
    await eventually(async () => {
      expect((await ada.get<Operation>(location)).json).toMatchObject({ state: 'running', step: 'waiting', release: 14 });
    });
    const after = await setConfig(id, { values: { AFTER: '1' } });
    expect([after.status, after.headers.get('x-drycc-release')]).toEqual([201, '15']);
    expect((await ada.get<Operation>(location)).json.state).toBe('failed');

    const [fifteenth, fourteenth, thirteenth] = await releases(id);
    expect(fourteenth).toMatchObject({ version: 14, failed: true });
    expect(fourteenth?.exception).toMatch(/exited with code 3/);
    expect(fifteenth).toMatchObject({ version: 15, failed: false, build: thirteenth?.build, summary: 'ada added AFTER' });
    expect(await values(id)).toEqual({ AFTER: '1', BEFORE: '1' });
    expect(await live.image('web')).toBe(WEB_IMAGE);
    expect(await live.up(ada)).toEqual(['web v15']);
  });
});
