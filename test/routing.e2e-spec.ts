import { DataSource } from 'typeorm';
import type { Cluster } from '../src/kubernetes/cluster.ts';
import { DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER, SERVICE } from '../src/kubernetes/object-kind.ts';
import { generationOf, holdEngine } from './hold.ts';
import { SLOW_IMAGE, WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, LiveApp, newAppId } from './live-app.ts';
import { clusterOf } from './test-cluster.ts';

const SERVE = 'exec httpd -f -p "$PORT" -h /www';
const IDLE = 'exec sleep 3600';

/** A namespace may have the app's own Service, and no other. */
const ONE_SERVICE = '{"hard":{"services":"1"}}';

let keelson: Keelson;
let ada: Api;
let cluster: Cluster;
const app = newAppId('routing');

const services = async (): Promise<object[]> => (await ada.get<{ services: object[] }>(`/v2/apps/${app}/services`)).json.services;
const addService = (procfile_type: string, path_pattern: string): Promise<Answer> =>
  ada.post(`/v2/apps/${app}/services`, { procfile_type, path_pattern });
const setConfig = (values: object): Promise<Answer> => ada.post(`/v2/apps/${app}/config`, { values });

beforeAll(async () => {
  keelson = await startKeelson({
    KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1',
    KUBERNETES_NAMESPACE_DEFAULT_QUOTA_SPEC: ONE_SERVICE,
  });
  ada = await keelson.register('ada');
  cluster = clusterOf(keelson);
  expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
  const build = { image: WEB_IMAGE, procfile: { web: SERVE, worker: IDLE } };
  expect((await ada.post(`/v2/apps/${app}/builds`, build)).status).toBe(201);
});

afterAll(async () => {
  await destroyApps(ada);
  await keelson.stop();
});

describe('what the cluster refuses', () => {
  it('is answered with its words and undone, and the app goes on', async () => {
    const { status, json } = await addService('web', '/api');
    expect(status).toBe(400);
    expect(json.detail).toMatch(/exceeded quota/);
    expect(await services()).toEqual([]);
    expect((await setConfig({ A: '1' })).status).toBe(201);
    expect(await cluster.get(SERVICE, app, `${app}-web`)).toBeNull();
  });

  it('does not fail the release that came with it', async () => {
    const [config, service] = await together(
      app,
      () => setConfig({ A: '2' }),
      () => addService('web', '/api'),
    );
    expect(config?.status).toBe(201);
    expect(service?.status).toBe(400);
    expect(service?.json.detail).toMatch(/exceeded quota/);
    expect(await services()).toEqual([]);
    const { json } = await ada.get<{ results: { failed: boolean }[] }>(`/v2/apps/${app}/releases`);
    expect(json.results.every(({ failed }) => !failed)).toBe(true);
  });

  it('is undone where the cluster has no such kind of object, in words that tell what to do', async () => {
    const { status, json } = await ada.post(`/v2/apps/${app}/tls`, { certs_auto_enabled: true });
    expect(status).toBe(400);
    expect(json.detail).toBe('the cluster has no Certificate of cert-manager.io/v1: install what brings it, and try again');
    expect((await ada.get(`/v2/apps/${app}/tls`)).json.certs_auto_enabled).toBeNull();
    expect((await setConfig({ A: '3' })).status).toBe(201);
  });
});

describe('an app that is published again', () => {
  const silent = newAppId('silent');
  const routable = async (): Promise<unknown> => (await ada.get(`/v2/apps/${silent}/settings`)).json.routable;

  it('stays unpublished when its pods then fail the default probe, and they go on', async () => {
    expect((await ada.post('/v2/apps', { id: silent })).status).toBe(201);
    expect((await ada.post(`/v2/apps/${silent}/config`, { values: { DRYCC_DEPLOY_TIMEOUT: '4', DELAY: '60' } })).status).toBe(201);
    expect((await ada.post(`/v2/apps/${silent}/settings`, { routable: false })).status).toBe(201);
    expect((await ada.post(`/v2/apps/${silent}/builds`, { image: SLOW_IMAGE })).status).toBe(201);
    const domain = `innocent.${silent}.example`;
    const [published, added] = await together(
      silent,
      () => ada.post(`/v2/apps/${silent}/settings`, { routable: true }),
      () => ada.post(`/v2/apps/${silent}/domains`, { domain }),
    );
    expect(published?.status).toBe(400);
    expect(published?.json.detail).toMatch(/cmd did not become ready within/);
    expect(await routable()).toBe(false);
    // the domain is not to blame
    expect(added?.status).toBe(201);
    const live = new LiveApp(keelson, silent);
    expect(await live.up(ada)).toEqual(['cmd v3']);
    expect(await live.hosts()).toEqual([]);
    expect((await ada.post(`/v2/apps/${silent}/config`, { values: { A: '1' } })).status).toBe(201);
  });
});

describe('an autoscaled process type', () => {
  const live = async (): Promise<number> =>
    ((await cluster.get(DEPLOYMENT, app, `${app}-worker`))?.spec as { replicas: number } | undefined)?.replicas ?? -1;

  it('keeps the replicas that the autoscaler gave it, through deploys and rollbacks', async () => {
    expect((await ada.post(`/v2/apps/${app}/scale`, { worker: 1 })).status).toBe(204);
    const autoscale = { worker: { min: 1, max: 4, cpu_percent: 80 } };
    expect((await ada.post(`/v2/apps/${app}/settings`, { autoscale })).status).toBe(201);
    expect((await cluster.get(HORIZONTAL_POD_AUTOSCALER, app, `${app}-worker`))?.spec).toMatchObject({
      minReplicas: 1,
      maxReplicas: 4,
      targetCPUUtilizationPercentage: 80,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: `${app}-worker` },
    });
    await cluster.patch({
      apiVersion: DEPLOYMENT.apiVersion,
      kind: DEPLOYMENT.kind,
      metadata: { name: `${app}-worker`, namespace: app },
      spec: { replicas: 3 },
    });
    expect((await setConfig({ A: '4' })).status).toBe(201);
    expect(await live()).toBe(3);
    expect((await ada.post(`/v2/apps/${app}/releases/rollback`)).status).toBe(201);
    expect(await live()).toBe(3);
  });

  it('is stopped and started, though its own count is 0', async () => {
    const rules = async (worker: object | null): Promise<number> =>
      (await ada.post(`/v2/apps/${app}/settings`, { autoscale: { worker } })).status;
    const rule = { min: 1, max: 4, cpu_percent: 80 };
    expect(await rules(null)).toBe(201);
    expect((await ada.post(`/v2/apps/${app}/scale`, { worker: 0 })).status).toBe(204);
    expect(await rules(rule)).toBe(201);
    expect(await live()).toBe(1);
    expect((await ada.post(`/v2/apps/${app}/stop`, { types: ['worker'] })).status).toBe(204);
    expect(await live()).toBe(0);
    expect((await ada.post(`/v2/apps/${app}/start`, { types: ['worker'] })).status).toBe(204);
    expect(await live()).toBe(1);
    expect(await rules(null)).toBe(201);
    expect((await ada.post(`/v2/apps/${app}/scale`, { worker: 1 })).status).toBe(204);
    expect(await rules(rule)).toBe(201);
  });

  it('is scaled by nobody else, and again by people once the rule is gone', async () => {
    const refused = await ada.post(`/v2/apps/${app}/scale`, { worker: 2 });
    expect(refused.status).toBe(409);
    expect(refused.json.detail).toMatch(/1.*4/);
    expect((await ada.post(`/v2/apps/${app}/settings`, { autoscale: { worker: null } })).status).toBe(201);
    expect(await cluster.get(HORIZONTAL_POD_AUTOSCALER, app, `${app}-worker`)).toBeNull();
    expect(await live()).toBe(1);
    expect((await ada.post(`/v2/apps/${app}/scale`, { worker: 2 })).status).toBe(204);
    expect(await live()).toBe(2);
  });
});

/** Makes changes of an app that the engine takes up together, and gives their answers. */
async function together(id: string, ...changes: (() => Promise<Answer>)[]): Promise<Answer[]> {
  const database = keelson.app.get(DataSource);
  const release = await holdEngine(database, id);
  const before = await generationOf(database, id);
  const answers = changes.map((change) => change());
  await eventually(async () => {
    expect(await generationOf(database, id)).toBe(before + changes.length);
  });
  await release();
  return Promise.all(answers);
}
