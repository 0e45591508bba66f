import { DataSource } from 'typeorm';
import { WorkSlots } from '../src/deploy/work-slots.ts';
import { Cluster } from '../src/kubernetes/cluster.ts';
import { DEPLOYMENT } from '../src/kubernetes/object-kind.ts';
import { holdEngine } from './hold.ts';
import { MISSING_IMAGE, SLOW_IMAGE, WEB_IMAGE } from './images.ts';
import { startKeelson, type Answer, type Api, type Keelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { LiveApp, newAppId } from './live-app.ts';
import { startSandboxProcess, type SandboxProcess } from './sandbox-process.ts';

interface OperationAnswer {
  id: string;
  kind: string;
  state: string;
  step: string;
}

/** Seconds that a request of these tests waits for its outcome. */
const REQUEST_WAIT = 60;

describe('the deploy engine', () => {
  let sandbox: SandboxProcess;
  let keelson: Keelson;
  let api: Api;

  const operations = async (app: string): Promise<OperationAnswer[]> =>
    (await api.get<{ results: OperationAnswer[] }>(`/v2/apps/${app}/operations`)).json.results;
  const failed = async (app: string): Promise<boolean[]> => {
    const { json } = await api.get<{ results: { version: number; failed: boolean }[] }>(`/v2/apps/${app}/releases`);
    return json.results.map((release) => release.failed).reverse();
  };
  const reached = async (app: string, step: string): Promise<void> =>
    eventually(async () => {
      if (!(await operations(app)).some((operation) => operation.state === 'running' && operation.step === step))
        throw new Error(`no operation of ${app} is ${step}`);
    });
  const deployed = async (prefix: string): Promise<string> => {
    const app = newAppId(prefix);
    expect((await api.post('/v2/apps', { id: app })).status).toBe(201);
    expect((await api.post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE })).status).toBe(201);
    return app;
  };

  beforeAll(async () => {
    sandbox = await startSandboxProcess();
    keelson = await startKeelson({ KUBECONFIG: sandbox.kubeconfig, REQUEST_WAIT: String(REQUEST_WAIT) });
    api = await keelson.register('ada');
  }, 120_000);

  afterAll(async () => {
    await keelson.stop();
    await sandbox.stop();
  }, 120_000);

  it('lets a rollback cut short a roll-out that does not come up', async () => {
    const app = await deployed('cut');
    const slow = api.post(`/v2/apps/${app}/builds`, { image: SLOW_IMAGE, procfile: {} });
    await api.post(`/v2/apps/${app}/config`, { values: { DELAY: '600' } }, { headers: { Prefer: 'respond-async' } });
    await reached(app, 'waiting');
    const back = await api.post(`/v2/apps/${app}/releases/rollback`, { version: 2 });
    expect(back.status).toBe(201);
    // what it was to bring was superseded: its waiters are told that it is done
    expect((await slow).status).toBe(201);
    const states = (await operations(app)).map(({ state }) => state);
    expect(states).toContain('superseded');
    expect(states).not.toContain('failed');
    expect(await failed(app)).toEqual([false, false, false, false, false]);
    expect(await new LiveApp(keelson, app).image('cmd')).toBe(WEB_IMAGE);
    expect(await new LiveApp(keelson, app).up(api)).toEqual(['cmd v5']);
  }, 300_000);

  it('makes a Deployment anew that somebody deletes while its pods are waited for', async () => {
    const app = await deployed('gone');
    expect((await api.post(`/v2/apps/${app}/config`, { values: { DELAY: '8', DRYCC_DEPLOY_TIMEOUT: '30' } })).status).toBe(201);
    const slow = api.post(`/v2/apps/${app}/builds`, { image: SLOW_IMAGE, procfile: {} });
    await reached(app, 'waiting');
    const live = new LiveApp(keelson, app);
    const { uid = '' } = (await live.deployment('cmd'))?.metadata ?? {};
    await keelson.app.get(Cluster).remove(DEPLOYMENT, app, `${app}-cmd`, uid);
    expect((await slow).status).toBe(201);
    expect(await failed(app)).toEqual([false, false, false, false]);
    expect((await live.deployment('cmd'))?.metadata.uid).not.toBe(uid);
  });

  it('does not blame a release for what somebody did to its Deployment while its pods were waited for', async () => {
    const app = await deployed('meddled');
    expect((await api.post(`/v2/apps/${app}/config`, { values: { DELAY: '8' } })).status).toBe(201);
    const slow = api.post(`/v2/apps/${app}/builds`, { image: SLOW_IMAGE, procfile: {} });
    await reached(app, 'waiting');
    const live = new LiveApp(keelson, app);
    const deployment = await live.deployment('cmd');
    if (!deployment) throw new Error('there is no Deployment');
    const { containers } = (deployment.spec as { template: { spec: { containers: object[] } } }).template.spec;
    await keelson.app.get(Cluster).patch({
      apiVersion: DEPLOYMENT.apiVersion,
      kind: DEPLOYMENT.kind,
      metadata: { name: `${app}-cmd`, namespace: app },
      spec: { template: { spec: { containers: containers.map((container) => ({ ...container, image: MISSING_IMAGE })) } } },
    });
    expect((await slow).status).toBe(201);
    expect(await failed(app)).toEqual([false, false, false, false]);
    expect(await live.image('cmd')).toBe(SLOW_IMAGE);
  });

  it('takes no process without a probe for up that ends after a moment, and leaves the pods of before', async () => {
    const app = await deployed('brief');
    const procfile = { cmd: 'serve', worker: 'serve' };
    expect((await api.post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE, procfile })).status).toBe(201);
    expect((await api.post(`/v2/apps/${app}/scale`, { worker: 1 })).status).toBe(204);
    const live = new LiveApp(keelson, app);
    const before = await live.podUids('worker');

    const brief = await api.post<{ detail: string }>(`/v2/apps/${app}/builds`, {
      image: WEB_IMAGE,
      procfile: { ...procfile, worker: 'sleep 1; exit 3' },
    });
    expect([brief.status, brief.json.detail]).toEqual([400, expect.stringMatching(/worker: process exited with code 3 \(2 times\)/)]);
    expect(await live.podUids('worker')).toEqual(before);
  });

  it('goes on with other apps while as many roll-outs as it works on at a time do not come up', async () => {
    const slots = keelson.app.get(WorkSlots);
    const { most } = slots;
    slots.most = 2;
    try {
      const stuck = [await deployed('stuck'), await deployed('stuck')];
      for (const app of stuck) {
        await api.post(`/v2/apps/${app}/config`, { values: { DELAY: '600' } }, { headers: { Prefer: 'respond-async' } });
        await api.post(`/v2/apps/${app}/builds`, { image: SLOW_IMAGE }, { headers: { Prefer: 'respond-async' } });
      }
      for (const app of stuck) await reached(app, 'waiting');
      const other = await deployed('free');
      expect((await api.delete(`/v2/apps/${other}`)).status).toBe(204);
      for (const app of stuck) expect((await api.delete(`/v2/apps/${app}`)).status).toBe(204);
    } finally {
      slots.most = most;
    }
  }, 300_000);

  it('lets a newer commit cut short a roll-out in which nothing moves', async () => {
    const app = await deployed('stall');
    const first = await api.post(`/v2/apps/${app}/config`, { values: { DELAY: '600' } }, { headers: { Prefer: 'respond-async' } });
    expect(first.status).toBe(202);
    const slow = api.post(`/v2/apps/${app}/builds`, { image: SLOW_IMAGE });
    await eventually(async () => {
      const { json } = await api.get<{ results: { state: string }[] }>(`/v2/apps/${app}/releases`);
      expect(json.results).toHaveLength(4);
    });
    await reached(app, 'waiting');
    const next = await api.post(`/v2/apps/${app}/config`, { values: { DELAY: null } });
    expect(next.status).toBe(201);
    expect((await slow).status).toBe(201);
    expect((await operations(app)).map(({ state }) => state)).toContain('superseded');
    expect(await failed(app)).toEqual([false, false, false, false, false]);
  }, 300_000);

  it('lets a destroy cut short whatever goes on', async () => {
    const app = await deployed('gone');
    const slow = api.post(`/v2/apps/${app}/config`, { values: { DELAY: '600' } }, { headers: { Prefer: 'respond-async' } });
    expect((await slow).status).toBe(202);
    const build = api.post(`/v2/apps/${app}/builds`, { image: SLOW_IMAGE });
    await reached(app, 'waiting');
    expect((await api.delete(`/v2/apps/${app}`)).status).toBe(204);
    expect([404, 409]).toContain((await build).status);
    expect(await new LiveApp(keelson, app).namespace()).toBeNull();
    expect((await api.get(`/v2/apps/${app}`)).status).toBe(404);
  }, 300_000);

  describe('over a quota', () => {
    let bound: Keelson;
    let user: Api;

    beforeAll(async () => {
      bound = await startKeelson({
        KUBECONFIG: sandbox.kubeconfig,
        KUBERNETES_NAMESPACE_DEFAULT_QUOTA_SPEC: '{"hard": {"pods": "4"}}',
        DRYCC_DEPLOY_TIMEOUT: '5',
        DRYCC_DEPLOY_BATCHES: '9',
      });
      user = await bound.register('ada');
    }, 120_000);

    afterAll(async () => {
      await bound.stop();
    }, 60_000);

    it('undoes a scale that does not come up, back to the one before, and says why', async () => {
      const id = newAppId('quota');
      expect((await user.post('/v2/apps', { id })).status).toBe(201);
      expect((await user.post(`/v2/apps/${id}/builds`, { image: WEB_IMAGE })).status).toBe(201);
      expect((await user.post(`/v2/apps/${id}/scale`, { cmd: 3 })).status).toBe(204);
      const refused = await user.post(`/v2/apps/${id}/scale`, { cmd: 9 });
      expect(refused.status).toBe(503);
      expect(refused.json.detail).toMatch(/^\(scale\): .*exceeded quota/);
      expect((await user.get(`/v2/apps/${id}`)).json.structure).toEqual({ cmd: 3 });
      expect(await new LiveApp(bound, id).replicas('cmd')).toBe(3);
      expect(await new LiveApp(bound, id).up(user)).toEqual(['cmd v2', 'cmd v2', 'cmd v2']);
    }, 300_000);

    it('undoes a scale that came with a release that failed, and answers both', async () => {
      const id = newAppId('both');
      expect((await user.post('/v2/apps', { id })).status).toBe(201);
      expect((await user.post(`/v2/apps/${id}/builds`, { image: WEB_IMAGE })).status).toBe(201);
      const letGo = await holdEngine(bound.app.get(DataSource), id);
      const build = user.post(`/v2/apps/${id}/builds`, { image: MISSING_IMAGE });
      const scale = user.post(`/v2/apps/${id}/scale`, { cmd: 9 });
      await eventually(async () => {
        expect((await user.get(`/v2/apps/${id}`)).json.structure).toEqual({ cmd: 9 });
        expect((await user.get<{ count: number }>(`/v2/apps/${id}/releases`)).json.count).toBe(3);
      });
      await letGo();
      expect((await build).status).toBe(400);
      expect((await scale).status).toBe(503);
      expect((await user.get(`/v2/apps/${id}`)).json.structure).toEqual({ cmd: 1 });
      expect(await new LiveApp(bound, id).replicas('cmd')).toBe(1);
      expect(await new LiveApp(bound, id).image('cmd')).toBe(WEB_IMAGE);
    }, 300_000);
  });

  it('comes up again beside an app that is called error', async () => {
    expect((await api.post('/v2/apps', { id: 'error' })).status).toBe(201);
    expect((await api.post('/v2/apps/error/builds', { image: WEB_IMAGE })).status).toBe(201);
    const other = await startKeelson({ KUBECONFIG: sandbox.kubeconfig });
    await eventually(async () => {
      expect((await other.api.get('/readiness')).status).toBe(200);
    }, 30);
    await other.stop();
    expect((await api.delete('/v2/apps/error')).status).toBe(204);
  }, 120_000);

  describe('while the cluster is out of reach', () => {
    let away: Keelson;
    let app: string;

    beforeAll(async () => {
      app = await deployed('away');
      await keelson.stop();
    }, 120_000);

    it('answers 503 when the time of the request is up, and applies what was recorded later', async () => {
      away = await startKeelson({ KUBECONFIG: sandbox.kubeconfig, REQUEST_WAIT: '2' });
      const user = await away.register('ada');
      // an app without a build first, so that the request that follows has something to roll out
      const id = newAppId('late');
      expect((await user.post('/v2/apps', { id })).status).toBe(201);
      sandbox.signal('SIGSTOP');
      const answer: Answer = await user.post(`/v2/apps/${id}/builds`, { image: WEB_IMAGE });
      expect(answer.status).toBe(503);
      expect(answer.json.detail).toMatch(/^recorded, will be applied/);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      const location = answer.headers.get('location') ?? '';
      expect((await user.get<OperationAnswer>(location)).json.state).toMatch(/pending|running/);
      sandbox.signal('SIGCONT');
      await eventually(async () => {
        expect((await user.get<OperationAnswer>(location)).json.state).toBe('succeeded');
      });
      expect(await new LiveApp(away, id).image('cmd')).toBe(WEB_IMAGE);
      const { json } = await user.get<{ results: { version: number; failed: boolean }[] }>(`/v2/apps/${id}/releases`);
      expect(json.results.map(({ version, failed: isFailed }) => [version, isFailed])).toEqual([
        [2, false],
        [1, false],
      ]);
    }, 300_000);

    it("leaves another installation's apps alone", async () => {
      expect(await new LiveApp(away, app).image('cmd')).toBe(WEB_IMAGE);
      const user = await away.login('ada');
      const taken = await user.post('/v2/apps', { id: app });
      expect([taken.status, taken.json.detail]).toEqual([409, `${app} already exists as a namespace in this kuberenetes setup`]);
      expect(await away.app.get(DataSource).query('SELECT id FROM apps WHERE id = $1', [app])).toEqual([]);
      expect(await new LiveApp(away, app).namespace()).not.toBeNull();
    }, 60_000);

    afterAll(async () => {
      await away.stop();
      keelson = await startKeelson({ KUBECONFIG: sandbox.kubeconfig });
    }, 60_000);
  });
});
