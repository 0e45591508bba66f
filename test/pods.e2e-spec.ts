import { DataSource } from 'typeorm';
import { Cluster } from '../src/kubernetes/cluster.ts';
import { OutOfReach } from '../src/kubernetes/cluster-errors.ts';
import { WEB_IMAGE } from './images.ts';
import { type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, newAppId } from './live-app.ts';

interface Pod {
  name: string;
  type: string;
  release: string;
  state: string;
  started: string;
  replicas?: string;
}
interface PodList {
  count: number;
  results: Pod[];
}

const WEB = 'trap "exit 0" TERM INT; echo serving; httpd -f -p "$PORT" -h /www & wait $!';
const WORKER = 'trap "exit 0" TERM INT; while :; do sleep 1; done';
const GO = { headers: { 'User-Agent': 'Drycc Client v1.2.1' } };

jest.setTimeout(300_000);

describe('pods', () => {
  const app = newAppId('pods');
  let keelson: Keelson;
  let ada: Api;

  const pods = async (path = ''): Promise<Pod[]> => {
    const { status, json } = await ada.get<PodList>(`/v2/apps/${app}/pods${path}`);
    expect(status).toBe(200);
    expect(json.count).toBe(json.results.length);
    return json.results;
  };
  const up = async (path = ''): Promise<string[]> =>
    (await pods(path))
      .filter(({ state }) => state === 'up')
      .map(({ name }) => name)
      .sort();
  const restart = async (path: string): Promise<Pod[]> => {
    const { status, json } = await ada.post<Pod[]>(`/v2/apps/${app}/pods${path}/restart`);
    expect(status).toBe(200);
    return json;
  };
  const release = async (): Promise<number | undefined> =>
    (await ada.get<{ results: { version: number }[] }>(`/v2/apps/${app}/releases?limit=1`)).json.results[0]?.version;

  beforeAll(async () => {
    keelson = await startKeelson();
    ada = await keelson.register('ada');
    expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
  });
  afterAll(async () => {
    await destroyApps(ada);
    await keelson.stop();
  });

  it('an app without a build has none, and nothing to restart', async () => {
    expect(await pods()).toEqual([]);
    expect(await pods('/web')).toEqual([]);
    expect(await restart('')).toEqual([]);
    expect(await restart('/web')).toEqual([]);
  });

  it('are listed with type, release, state and start, the newest first', async () => {
    const values = { KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '5' };
    expect((await ada.post(`/v2/apps/${app}/config`, { values })).status).toBe(201);
    expect((await ada.post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE, procfile: { web: WEB, worker: WORKER } })).status).toBe(201);
    const [first] = await pods();
    expect(first).toEqual({
      name: expect.stringMatching(new RegExp(`^${app}-web-[a-z0-9]{8,10}-[a-z0-9]{5}$`)) as string,
      type: 'web',
      release: 'v3',
      state: 'up',
      started: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
    });
    expect((await ada.post(`/v2/apps/${app}/scale`, { web: 2, worker: 1 })).status).toBe(204);
    const all = await pods();
    expect(all.map(({ type, state }) => `${type} ${state}`).sort()).toEqual(['web up', 'web up', 'worker up']);
    const starts = all.map(({ started }) => Date.parse(started));
    expect(starts).toEqual([...starts].sort((a, b) => b - a));
  });

  it('are selected by type, by name, by short name, and by both', async () => {
    const all = await pods();
    const worker = all.find(({ type }) => type === 'worker') ?? all[0];
    const name = worker?.name ?? '';
    const short = name.slice(app.length + 1);
    expect(await pods('/worker')).toEqual([worker]);
    expect((await pods('/web')).map(({ type }) => type)).toEqual(['web', 'web']);
    for (const path of [`/${name}`, `/${short}`, `/worker/${name}`, `/worker/${short}`, `/worker/${name}/`]) {
      expect(await pods(path)).toEqual([worker]);
    }
    for (const path of ['/cmd', '/nothing', '/run', `/web/${name}`, `/${name}x`, `/nothing/${name}`]) expect(await pods(path)).toEqual([]);
  });

  it('tell the Go command lines how many there shall be, as a string, and nobody else', async () => {
    const { json } = await ada.get<PodList>(`/v2/apps/${app}/pods?limit=1`, GO);
    expect(json.results.map(({ type, replicas }) => `${type} ${String(replicas)}`).sort()).toEqual(['web 2', 'web 2', 'worker 1']);
    const { json: restarted } = await ada.post<Pod[]>(`/v2/apps/${app}/pods/worker/restart`, undefined, GO);
    expect(restarted.find(({ state }) => state === 'up')).toMatchObject({ type: 'worker', replicas: '1' });
    expect((await pods()).every((pod) => !('replicas' in pod))).toBe(true);
  });

  it('of a type are restarted without the others, and without a release', async () => {
    const before = { web: await up('/web'), worker: await up('/worker'), release: await release() };
    const answered = await restart('/web');
    expect(answered.filter(({ state }) => state === 'up')).toHaveLength(2);
    expect(answered.every(({ type }) => type === 'web')).toBe(true);
    const after = await up('/web');
    expect(after).toHaveLength(2);
    expect(after.filter((name) => before.web.includes(name))).toEqual([]);
    expect(await up('/worker')).toEqual(before.worker);
    expect(await release()).toBe(before.release);
  });

  it('are all restarted', async () => {
    const before = await up();
    const answered = await restart('');
    expect(
      answered
        .filter(({ state }) => state === 'up')
        .map(({ name }) => name)
        .sort(),
    ).toEqual(await up());
    const after = await up();
    expect(after).toHaveLength(3);
    expect(after.filter((name) => before.includes(name))).toEqual([]);
  });

  it.each<[string, (name: string) => string]>([
    ['its name', (name) => `/${name}`],
    ['its type and name', (name) => `/web/${name}`],
    ['its short name', (name) => `/web/${name.slice(app.length + 1)}`],
  ])('one is restarted by %s, and its successor answered', async (_, path) => {
    const before = await up();
    const [gone = ''] = await up('/web');
    const answered = await restart(path(gone));
    expect(answered).toMatchObject([{ type: 'web', state: 'up' }]);
    const after = await up();
    expect(after).toHaveLength(3);
    expect(after.filter((name) => !before.includes(name))).toEqual([answered[0]?.name]);
    expect(after).not.toContain(gone);
  });

  it('are restarted behind the back of who prefers not to wait', async () => {
    const before = await up('/worker');
    const { status, headers } = await ada.post(`/v2/apps/${app}/pods/worker/restart`, undefined, { headers: { Prefer: 'respond-async' } });
    expect(status).toBe(202);
    await eventually(async () => {
      expect((await ada.get(headers.get('location') ?? '')).json).toMatchObject({ kind: 'restart', state: 'succeeded' });
    });
    const after = await up('/worker');
    expect(after).toHaveLength(1);
    expect(after).not.toEqual(before);
  });

  it('restarting what is not there answers an empty list', async () => {
    expect((await ada.post(`/v2/apps/${app}/scale`, { worker: 0 })).status).toBe(204);
    const before = await up();
    const [pod = ''] = before;
    for (const path of ['/worker', '/cmd', '/nothing', '/run', `/worker/${pod}`, `/web/${pod}x`]) expect(await restart(path)).toEqual([]);
    expect(await up()).toEqual(before);
  });

  it('are asked of the API server when the cache is behind what was seen', async () => {
    const list = jest.spyOn(keelson.app.get(Cluster), 'list');
    const seen = async (version: string): Promise<void> => {
      await keelson.app.get(DataSource).query('UPDATE apps SET pod_resource_version = $2 WHERE id = $1', [app, version]);
    };
    try {
      // one that is still leaving when its grace period is over would go meanwhile
      const names = await eventually(async () => {
        const all = await pods();
        expect(all.map(({ state }) => state)).toEqual(all.map(() => 'up'));
        return all.map(({ name }) => name);
      });
      expect(list).not.toHaveBeenCalled();
      await seen('999999999999999999');
      expect((await pods()).map(({ name }) => name)).toEqual(names);
      expect(list).toHaveBeenCalledTimes(1);
      list.mockRejectedValueOnce(new OutOfReach('connection refused'));
      const away = await ada.get(`/v2/apps/${app}/pods`);
      expect(away.status).toBe(503);
      expect(away.json).toEqual({ detail: '(list pods): connection refused' });
      await seen('1');
      expect((await pods()).map(({ name }) => name)).toEqual(names);
      expect(list).toHaveBeenCalledTimes(2);
    } finally {
      list.mockRestore();
    }
  });

  it('are nothing to strangers', async () => {
    const eve = await keelson.register('eve');
    for (const path of ['', '/web', '/web/x']) {
      expect((await eve.get(`/v2/apps/${app}/pods${path}`)).status).toBe(403);
      expect((await eve.post(`/v2/apps/${app}/pods${path}/restart`)).status).toBe(403);
      expect((await keelson.api.get(`/v2/apps/${app}/pods${path}`)).status).toBe(401);
    }
    expect((await ada.get('/v2/apps/no-such-app/pods')).status).toBe(404);
  });
});
