import { DataSource } from 'typeorm';
import { FACTS, Operation } from '../src/deploy/operation.entity.ts';
import type { Cluster } from '../src/kubernetes/cluster.ts';
import { ClusterCache } from '../src/kubernetes/cluster-cache.ts';
import { POD, RESOURCE_QUOTA } from '../src/kubernetes/object-kind.ts';
import { issue } from './certificates.ts';
import { generationOf, holdEngine, overtaken } from './hold.ts';
import { SLOW_IMAGE, WEB_IMAGE } from './images.ts';
import { startKeelson, type Answer, type Api, type Keelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, LiveApp, newAppId } from './live-app.ts';
import { clusterOf, realCluster } from './test-cluster.ts';

let keelson: Keelson;
let database: DataSource;
let cluster: Cluster;
let ada: Api;

const procfile = { web: 'exec httpd -f -p "$PORT" -h /www', worker: 'exec sleep 3600' };

async function deployed(prefix: string): Promise<string> {
  const app = newAppId(prefix);
  expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
  expect((await ada.post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE, procfile })).status).toBe(201);
  return app;
}

/** Forbids more objects of a resource in the app's namespace. @returns lifts it */
async function forbid(app: string, resource: string): Promise<() => Promise<void>> {
  const { apiVersion, kind } = RESOURCE_QUOTA;
  const { metadata } = await cluster.create({
    apiVersion,
    kind,
    metadata: { name: 'no-more', namespace: app },
    spec: { hard: { [resource]: '0' } },
  });
  // one that has no status yet isn't enforced everywhere
  await eventually(async () => {
    expect((await cluster.get(RESOURCE_QUOTA, app, 'no-more'))?.status).toMatchObject({ hard: { [resource]: '0' } });
  });
  return () => cluster.remove(RESOURCE_QUOTA, app, 'no-more', metadata.uid ?? '');
}

const setConfig = (app: string, values: object): Promise<Answer> => ada.post(`/v2/apps/${app}/config`, { values });
const certificateDomains = async (name: string): Promise<unknown> => (await ada.get(`/v2/certs/${name}`)).json.domains;

beforeAll(async () => {
  keelson = await startKeelson({
    KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1',
    // short, because some pods here never become ready; a real cluster takes its time for those that do
    DRYCC_DEPLOY_TIMEOUT: realCluster === undefined ? '4' : '20',
    DRYCC_DEPLOY_BATCHES: '9',
  });
  database = keelson.app.get(DataSource);
  cluster = clusterOf(keelson);
  ada = await keelson.register('ada');
}, 120_000);

afterAll(async () => {
  await destroyApps(ada);
  await keelson.stop();
}, 120_000);

describe('a change that an operation reads which was claimed before', () => {
  it.each([
    { kind: 'routing', unwatched: true },
    { kind: 'scale', unwatched: false },
  ] as const)(
    'is undone and told, if it is a scale that does not come up (read for $kind)',
    async (operation) => {
      const app = await deployed('grown');
      await forbid(app, 'pods');
      const { status, json } = await overtaken(database, app, operation, () => ada.post(`/v2/apps/${app}/scale`, { worker: 2 }));
      expect(status).toBe(503);
      expect(json.detail).toMatch(/^\(scale\): .*exceeded quota/);
      expect((await ada.get(`/v2/apps/${app}`)).json.structure).toEqual({ web: 1, worker: 0 });
      expect(await new LiveApp(keelson, app).replicas('worker')).toBe(0);
    },
    120_000,
  );

  it('is undone and told, if the pods do not come up with the settings', async () => {
    const app = newAppId('shown');
    expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
    expect((await setConfig(app, { DELAY: '60' })).status).toBe(201);
    expect((await ada.post(`/v2/apps/${app}/settings`, { routable: false })).status).toBe(201);
    expect((await ada.post(`/v2/apps/${app}/builds`, { image: SLOW_IMAGE })).status).toBe(201);
    const { status, json } = await overtaken(database, app, { kind: 'routing', unwatched: true }, () =>
      ada.post(`/v2/apps/${app}/settings`, { routable: true }),
    );
    expect([status, json.detail]).toEqual([400, expect.stringMatching(/^cmd did not become ready within/)]);
    expect((await ada.get(`/v2/apps/${app}/settings`)).json.routable).toBe(false);
  }, 120_000);

  it('is undone and told, if the cluster refuses its Secret', async () => {
    const app = await deployed('sealed');
    const domain = `www.${app}.example.com`;
    expect((await ada.post('/v2/certs', { name: app, ...(await issue({ names: [domain] })) })).status).toBe(201);
    expect((await ada.post(`/v2/apps/${app}/domains`, { domain })).status).toBe(201);
    const lift = await forbid(app, 'secrets');
    const { status, json } = await overtaken(database, app, { kind: 'scale', unwatched: false }, () =>
      ada.post(`/v2/certs/${app}/domain`, { domain }),
    );
    expect([status, json.detail]).toEqual([400, expect.stringContaining('quota')]);
    expect(await certificateDomains(app)).toEqual([]);
    await lift();
    // the API server may enforce it a little longer
    await eventually(async () => {
      expect((await setConfig(app, { A: '1' })).status).toBe(201);
    });
  }, 120_000);
});

it('a release comes up after what came with it was undone, though its operation was held up meanwhile', async () => {
  const app = await deployed('again');
  const letGo = await holdEngine(database, app);
  const before = await generationOf(database, app);
  const answer = setConfig(app, { A: '1' });
  await eventually(async () => {
    expect(await generationOf(database, app)).toBe(before + 1);
  });
  const { uuid } = await database.manager.findOneByOrFail(Operation, { appId: app, state: 'pending' });
  await database.manager.update(
    Operation,
    { uuid },
    {
      uuid,
      step: 'waiting',
      outcome: { [FACTS]: { status: 400, message: 'refused' } },
      cause: { class: 'unreachable', message: 'the cluster was away', object: null, since: new Date().toISOString() },
    },
  );
  await letGo();
  expect((await answer).status).toBe(201);
  expect(await new LiveApp(keelson, app).up(ada)).toEqual(['web v3']);
}, 120_000);

it('an app that was never up stays, if what is refused was added to it meanwhile', async () => {
  const app = newAppId('young');
  expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
  await forbid(app, 'services');
  // as if the cluster had been away since it was made
  await database.query('UPDATE apps SET provisioned = false WHERE id = $1', [app]);
  const { status, json } = await ada.post(`/v2/apps/${app}/services`, { procfile_type: 'web', path_pattern: '/' });
  expect([status, json.detail]).toEqual([400, expect.stringContaining('quota')]);
  expect((await ada.get(`/v2/apps/${app}`)).status).toBe(200);
  expect(await new LiveApp(keelson, app).hosts()).toHaveLength(1);
}, 120_000);

it('a domain is taken off an app that cannot come up any more', async () => {
  const app = await deployed('down');
  const domain = `www.${app}.example.com`;
  const live = new LiveApp(keelson, app);
  expect((await ada.post(`/v2/apps/${app}/domains`, { domain })).status).toBe(201);
  await forbid(app, 'pods');
  for (const { name, uid } of keelson.app.get(ClusterCache).podsOf(app)) await cluster.remove(POD, app, name, uid);
  const letGo = await holdEngine(database, app);
  const before = await generationOf(database, app);
  const answers = [setConfig(app, { A: '1' }), ada.delete(`/v2/apps/${app}/domains/${domain}`)];
  await eventually(async () => {
    expect(await generationOf(database, app)).toBe(before + 2);
  });
  await letGo();
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([400, 204]);
  expect(await live.hosts()).toEqual([`${app}.local.drycc.cc`]);
}, 120_000);

it('a change of a Service that is repeated before the cluster shows it waits for it too', async () => {
  const app = await deployed('twice');
  const set = (path_pattern: string): Promise<Answer> => ada.post(`/v2/apps/${app}/services`, { procfile_type: 'worker', path_pattern });
  expect((await set('/a')).status).toBe(201);
  const letGo = await holdEngine(database, app);
  const before = await generationOf(database, app);
  const first = set('/b');
  await eventually(async () => {
    expect(await generationOf(database, app)).toBe(before + 1);
  });
  const repeated = set('/b');
  await eventually(async () => {
    expect(await generationOf(database, app)).toBe(before + 2);
  });
  await letGo();
  expect((await first).status).toBe(201);
  expect((await repeated).status).toBe(201);
  expect((await set('/b')).status).toBe(204);
}, 120_000);
