import { DataSource } from 'typeorm';
import { holdEngine } from './hold.ts';
import { WEB_2_IMAGE, WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, LiveApp, newAppId } from './live-app.ts';

interface PodList {
  count: number;
  results: { name?: string; type: string; state: string; replicas?: string; started?: string }[];
}

const WEB = 'trap "exit 0" TERM INT; httpd -f -p "$PORT" -h /www & wait $!';
const WORKER = 'trap "exit 0" TERM INT; while :; do sleep 1; done';
const GO = { headers: { 'User-Agent': 'Drycc Client v1.2.1' } };

jest.setTimeout(300_000);

describe('stopping and starting process types', () => {
  const app = newAppId('stop');
  let keelson: Keelson;
  let ada: Api;
  let live: LiveApp;

  const post = (what: string, body?: unknown): Promise<Answer> => ada.post(`/v2/apps/${app}/${what}`, body);
  const structure = async (): Promise<unknown> => (await ada.get(`/v2/apps/${app}`)).json.structure;
  const log = async (): Promise<string[]> => (await ada.get(`/v2/apps/${app}/logs`)).text.trim().split('\n');
  const pods = async (path = ''): Promise<PodList> => (await ada.get<PodList>(`/v2/apps/${app}/pods${path}`, GO)).json;
  const count = async (what: string): Promise<unknown> => (await ada.get(`/v2/apps/${app}/${what}`)).json.count;
  /** What a Go command line sees of types without pods. */
  const stopped = async (path = ''): Promise<unknown[]> => (await pods(path)).results.filter(({ name }) => name === undefined);

  beforeAll(async () => {
    keelson = await startKeelson();
    ada = await keelson.register('ada');
    live = new LiveApp(keelson, app);
    expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
  });
  afterAll(async () => {
    await destroyApps(ada);
    await keelson.stop();
  });

  it('needs a build', async () => {
    for (const verb of ['stop', 'start']) {
      const { status, json } = await post(verb, { types: ['web'] });
      expect([status, json]).toEqual([400, { detail: 'No build associated with this release' }]);
    }
    expect(await pods()).toEqual({ count: 0, results: [] });
  });

  describe('with a build', () => {
    beforeAll(async () => {
      const values = { KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '5' };
      expect((await post('config', { values })).status).toBe(201);
      const procfile = { web: WEB, worker: WORKER, batch: WORKER };
      expect((await post('builds', { image: WEB_IMAGE, procfile })).status).toBe(201);
      expect((await post('scale', { web: 2, worker: 1 })).status).toBe(204);
    });

    it.each<[string, unknown, number, object]>([
      ['no types', undefined, 400, { detail: 'types is a required field' }],
      ['null', { types: null }, 400, { detail: 'types is a required field' }],
      ['an empty list', { types: [] }, 400, { detail: 'types is a required field' }],
      ['a string', { types: 'web' }, 400, { types: ['Expected a list of strings.'] }],
      ['a list of numbers', { types: [1] }, 400, { types: ['Expected a list of strings.'] }],
      ['an unknown type', { types: ['web', 'foo'] }, 404, { detail: 'Container type foo does not exist in application' }],
      ['one-off runs', { types: ['run'] }, 404, { detail: 'Container type run does not exist in application' }],
      ['types without a count', { types: ['batch', 'web', 'cmd'] }, 400, { detail: 'process batch, cmd replicas is zero' }],
    ])('refuses %s, and changes nothing', async (_, body, status, json) => {
      const before = await count('operations');
      for (const verb of ['stop', 'start']) {
        const answer = await post(verb, body);
        expect([answer.status, answer.json]).toEqual([status, json]);
      }
      expect(await count('operations')).toBe(before);
    });

    it('stop takes the pods away and keeps the counts', async () => {
      const { status, text } = await post('stop', { types: ['web'] });
      expect([status, text]).toEqual([204, '']);
      expect(await live.replicas('web')).toBe(0);
      expect(await live.up(ada)).toEqual(['worker v3']);
      expect(await structure()).toEqual({ web: 2, worker: 1 });
      expect(await count('releases')).toBe(3);
      expect(await log()).toContainEqual(expect.stringMatching(/ada stopped pods web$/));
    });

    it('a stopped type is a row without a name to the Go command lines, and nothing to others', async () => {
      const web = { type: 'web', replicas: '2', state: 'stopped' };
      const { count: all, results } = await pods();
      expect(results).toEqual([expect.objectContaining({ type: 'worker', state: 'up', replicas: '1' }), web]);
      expect(all).toBe(2);
      expect(await pods('/web')).toEqual({ count: 1, results: [web] });
      expect(await stopped('/worker')).toEqual([]);
      expect(await pods('/web/nothing')).toEqual({ count: 0, results: [] });
      const plain = await ada.get<PodList>(`/v2/apps/${app}/pods`);
      expect(plain.json.results.map(({ type }) => type)).toEqual(['worker']);
      expect((await ada.post(`/v2/apps/${app}/pods/web/restart`, undefined, GO)).json).toEqual([]);
    });

    it('stopping what is stopped asks nothing of the cluster', async () => {
      const said = async (): Promise<number> => (await log()).filter((line) => line.includes('stopped pods')).length;
      const before = [await count('operations'), await said()];
      expect((await post('stop', { types: ['web', 'web'] })).status).toBe(204);
      expect([await count('operations'), await said()]).toEqual(before);
    });

    it('a deploy leaves a stopped type stopped', async () => {
      expect((await post('builds', { image: WEB_2_IMAGE, procfile: { web: WEB, worker: WORKER, batch: WORKER } })).status).toBe(201);
      expect(await live.image('web')).toBe(WEB_2_IMAGE);
      expect(await live.replicas('web')).toBe(0);
      await eventually(async () => {
        expect(await live.up(ada)).toEqual(['worker v4']);
      });
      expect(await structure()).toEqual({ web: 2, worker: 1 });
    });

    it('start brings the pods back, of the newest release', async () => {
      expect((await post('start', { types: ['web', 'worker'] })).status).toBe(204);
      expect(await live.up(ada)).toEqual(['web v4', 'web v4', 'worker v4']);
      expect(await stopped()).toEqual([]);
      expect(await log()).toContainEqual(expect.stringMatching(/ada started pods web worker$/));
      const before = await count('operations');
      expect((await post('start', { types: ['web'] })).status).toBe(204);
      expect(await count('operations')).toBe(before);
    });

    it('scale starts what was stopped, at the same count too', async () => {
      expect((await post('stop', { types: ['worker', 'web'] })).status).toBe(204);
      expect(await live.up(ada)).toEqual([]);
      expect(await stopped()).toEqual([
        { type: 'web', replicas: '2', state: 'stopped' },
        { type: 'worker', replicas: '1', state: 'stopped' },
      ]);
      expect((await post('scale', { web: 1, worker: 1 })).status).toBe(204);
      expect(await live.up(ada)).toEqual(['web v4', 'worker v4']);
    });

    it('what is repeated before it is done waits for the same end', async () => {
      const letGo = await holdEngine(keelson.app.get(DataSource), app);
      const first = post('stop', { types: ['worker'] });
      await eventually(async () => {
        expect(await log()).toContainEqual(expect.stringMatching(/ada stopped pods worker$/));
      });
      const asked = await count('operations');
      const second = post('stop', { types: ['worker'] });
      const third = await ada.post(`/v2/apps/${app}/stop`, { types: ['worker'] }, { headers: { Prefer: 'respond-async' } });
      expect(third.status).toBe(202);
      expect(await count('operations')).toBe(asked);
      expect(await live.replicas('worker')).toBe(1);
      await letGo();
      expect([(await first).status, (await second).status]).toEqual([204, 204]);
      expect(await live.replicas('worker')).toBe(0);
    });

    it('a start that does not come up is undone, and says why', async () => {
      expect((await post('scale', { batch: 1 })).status).toBe(204);
      expect((await post('stop', { types: ['batch'] })).status).toBe(204);
      // without a probe a cluster may take it for ready in the instant before it ends
      const healthcheck = { batch: { readinessProbe: { exec: { command: ['false'] } } } };
      expect((await post('config', { healthcheck })).status).toBe(201);
      const procfile = { web: WEB, worker: WORKER, batch: 'echo no luck; exit 3' };
      expect((await post('builds', { image: WEB_IMAGE, procfile })).status).toBe(201);
      const { status, json } = await post('start', { types: ['batch'] });
      expect(status).toBe(503);
      expect(json.detail).toMatch(/^\(start\): .*exited with code 3/);
      expect(json.detail).toContain('no luck');
      expect(await live.replicas('batch')).toBe(0);
      expect(await stopped('/batch')).toEqual([{ type: 'batch', replicas: '1', state: 'stopped' }]);
      const again = await post('scale', { batch: 1 });
      expect([again.status, again.json.detail]).toEqual([503, expect.stringMatching(/^\(scale\): .*exited with code 3/)]);
      expect(await structure()).toEqual({ batch: 1, web: 1, worker: 1 });
    });
  });
});
