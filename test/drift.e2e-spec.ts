import { AppsV1Api } from '@kubernetes/client-node';
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { DataSource } from 'typeorm';
import { valueAt } from '../src/deploy/field-path.ts';
import { App } from '../src/apps/app.entity.ts';
import { AppDrift } from '../src/drift/app-drift.entity.ts';
import { DriftDetector } from '../src/drift/drift-detector.ts';
import { DriftRecorder } from '../src/drift/drift-recorder.ts';
import { Cluster } from '../src/kubernetes/cluster.ts';
import { ClusterCache } from '../src/kubernetes/cluster-cache.ts';
import type { KubernetesObject } from '../src/kubernetes/kubernetes-object.ts';
import {
  DEPLOYMENT,
  HORIZONTAL_POD_AUTOSCALER,
  INGRESS,
  LIMIT_RANGE,
  NAMESPACE,
  RESOURCE_QUOTA,
  SECRET,
  SERVICE,
  type ObjectKind,
} from '../src/kubernetes/object-kind.ts';
import { issue } from './certificates.ts';
import { holdEngine } from './hold.ts';
import { WEB_IMAGE } from './images.ts';
import { startKeelson, type Api, type Keelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { Hands, randomFrom, reportedSteps, sentFields, type Mutation } from './mutations.ts';
import { clusterOf, kubeConfigOf } from './test-cluster.ts';

const SEED = Number(process.env.DRIFT_SEED ?? 20261122);
const MUTATIONS = 500;
/** Of one object, at a time. */
const FIELDS = 4;
const APPS = 4;
const KINDS = [RESOURCE_QUOTA, LIMIT_RANGE, SECRET, DEPLOYMENT, SERVICE, INGRESS, HORIZONTAL_POD_AUTOSCALER];
/** What says whose the namespace is: another one is not the app's, so it is not drift. */
const IDENTITY = /^metadata\.(labels\.(app\.kubernetes\.io\/managed-by|keelson\.dev\/installation)|annotations\.keelson\.dev\/app-uuid)$/;

interface Report {
  checked: string | null;
  healing: string;
  objects: {
    kind: string;
    name: string;
    fields: { path: string; wanted: unknown; found: unknown; manager: string | null; when: string | null }[];
    missing: boolean;
  }[];
}

let keelson: Keelson;
let cluster: Cluster;
let hands: Hands;
let ada: Api;

const settings = {
  KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1',
  KUBERNETES_NAMESPACE_DEFAULT_QUOTA_SPEC: '{"hard":{"pods":"60","services":"20"}}',
  KUBERNETES_NAMESPACE_DEFAULT_LIMIT_RANGES_SPEC:
    '{"limits":[{"type":"Container","default":{"cpu":"200m","memory":"64Mi"},"defaultRequest":{"cpu":"1m","memory":"4Mi"}}]}',
  DRYCC_DEPLOY_BATCHES: '2',
  DRIFT_INTERVAL: '0',
};

async function post(path: string, body: object): Promise<void> {
  const { status, text } = await ada.post(path, body);
  expect([status, text]).toEqual([[200, 201, 204].find((good) => good === status) ?? 'not so', text]);
}

/** An app with an object of every kind. */
async function made(prefix: string): Promise<string> {
  const app = newAppId(prefix);
  await post('/v2/apps', { id: app });
  await post(`/v2/apps/${app}/config`, {
    values: { GREETING: 'hello', PASSWORD: 'opensesame', PORT: '5000' },
    registry: { username: 'puller', password: 'pull-secret', hostname: 'registry.example.com' },
    memory: { web: '32M/64M' },
    cpu: { web: '1m/100m' },
  });
  await post(`/v2/apps/${app}/builds`, {
    image: WEB_IMAGE,
    procfile: { web: 'exec httpd -f -p "$PORT" -h /www', worker: 'exec sleep 3600' },
  });
  await post(`/v2/apps/${app}/scale`, { worker: 1 });
  await post(`/v2/apps/${app}/settings`, { autoscale: { worker: { min: 1, max: 3, cpu_percent: 80 } } });
  const domain = `www.${app}.example.com`;
  await post(`/v2/apps/${app}/domains`, { domain });
  await post('/v2/certs', { name: app, ...(await issue({ names: [domain] })) });
  await post(`/v2/certs/${app}/domain`, { domain });
  await post(`/v2/apps/${app}/services`, { procfile_type: 'web', path_pattern: '/api/.*' });
  return app;
}

/** All that Keelson has in the app's namespace, and the namespace. */
async function objectsOf(app: string): Promise<KubernetesObject[]> {
  const namespace = await cluster.get(NAMESPACE, undefined, app);
  const lists = await Promise.all(KINDS.map((kind) => cluster.list(kind, app, 'app.kubernetes.io/managed-by=keelson')));
  // old releases' environments are only kept, not wanted
  const versions = (object: KubernetesObject): number => Number(/-v(\d+)-env$/.exec(object.metadata.name)?.[1] ?? 0);
  const newest = Math.max(...lists.flat().map(versions));
  return [namespace, ...lists.flat()].filter((object) => object !== null).filter((object) => [0, newest].includes(versions(object)));
}

async function drift(app: string): Promise<Report> {
  const { status, json, text } = await ada.get<Report>(`/v2/apps/${app}/drift`);
  expect([status, text]).toEqual([200, text]);
  return json;
}

const pause = async (app: string, paused: boolean): Promise<void> => {
  expect((await ada.post(`/v2/apps/${app}/drift`, { paused })).status).toBe(200);
};

async function settled(app: string): Promise<void> {
  await eventually(async () => {
    const { checked, objects } = await drift(app);
    expect([checked === null, objects]).toEqual([false, []]);
  }, 240);
}

const heals = async (app: string): Promise<number> => {
  const { json } = await ada.get<{ results: { kind: string }[] }>(`/v2/apps/${app}/operations?limit=1000`);
  return json.results.filter(({ kind }) => kind === 'heal').length;
};

beforeAll(async () => {
  keelson = await startKeelson(settings);
  cluster = clusterOf(keelson);
  hands = new Hands(keelson);
  ada = await keelson.register('ada');
}, 120_000);

afterAll(async () => {
  await destroyApps(ada);
  await keelson.stop();
}, 300_000);

describe('random mutations', () => {
  let apps: string[];
  let untouched: string;
  const random = randomFrom(SEED);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;

  /** Changes some fields of an object. */
  async function mutateObject(object: KubernetesObject): Promise<Mutation[]> {
    const done: Mutation[] = [];
    const taken: string[] = [];
    const autoscaled = object.kind === 'Deployment' && object.metadata.name.endsWith('-worker');
    const candidates = sentFields(object).filter(({ steps }) => {
      const path = steps.map((step) => ('field' in step ? step.field : '')).join('.');
      if (object.kind === 'Namespace' && IDENTITY.test(path)) return false;
      return !(autoscaled && path === 'spec.replicas');
    });
    for (let tries = 0; done.length < FIELDS && tries < FIELDS * 3; tries++) {
      const { steps, whole } = pick(candidates);
      const how = pick(['patch', 'patch', 'apply', 'removal'] as const);
      // of an element, or of what has one owner, a second change would hide the first
      const text = JSON.stringify(whole.length < steps.length ? whole : reportedSteps(steps, how)).slice(0, -1);
      const hides = taken.some((other) => text.startsWith(other) || other.startsWith(text));
      if (hides) continue;
      const mutation = await hands.mutate(object, steps, how);
      if (!mutation) continue;
      done.push(mutation);
      taken.push(text);
    }
    return done;
  }

  beforeAll(async () => {
    process.stdout.write(`drift: seed ${String(SEED)}\n`);
    [untouched = '', ...apps] = await Promise.all(Array.from({ length: APPS + 1 }, (_, index) => made(`drift${String(index)}`)));
    for (const app of [untouched, ...apps]) await settled(app);
  }, 300_000);

  it(`are all reported where they are, and healed`, async () => {
    const quiet = await heals(untouched);
    const kinds = new Map<string, number>();
    let total = 0;
    let deletions = 0;
    for (let round = 1; total < MUTATIONS; round++) {
      expect(round).toBeLessThan(12);
      const original = new Map<string, KubernetesObject>();
      const changed = new Map<string, Mutation[]>();
      const deleted = new Set<string>();
      await Promise.all(apps.map((app) => pause(app, true)));
      for (const app of apps) {
        const objects = await objectsOf(app);
        const victim = pick(objects.filter(({ kind }) => kind !== 'Namespace'));
        for (const object of objects) {
          const id = `${app} ${object.kind}/${object.metadata.name}`;
          original.set(id, object);
          if (object === victim) {
            await hands.remove(object);
            deleted.add(id);
            deletions += 1;
          } else if (random() < 0.8) {
            const mutations = await mutateObject(object);
            if (mutations.length > 0) changed.set(id, mutations);
            kinds.set(object.kind, (kinds.get(object.kind) ?? 0) + mutations.length);
            total += mutations.length;
          }
        }
      }
      for (const app of apps) {
        const { checked, healing, objects } = await drift(app);
        expect([checked === null, healing]).toEqual([false, 'paused']);
        const reported = new Map(objects.map((object) => [`${app} ${object.kind}/${object.name}`, object]));
        const expected = [...changed.keys(), ...deleted].filter((id) => id.startsWith(`${app} `));
        expect([...reported.keys()].sort()).toEqual(expected.sort());
        for (const id of expected) {
          const report = reported.get(id);
          expect([id, report?.missing]).toEqual([id, deleted.has(id)]);
          for (const mutation of changed.get(id) ?? []) {
            const field = report?.fields.find(({ path }) => path === mutation.path);
            expect([id, report?.fields.map(({ path }) => path)]).toEqual([id, expect.arrayContaining([mutation.path])]);
            if (mutation.after !== undefined) expect([id, mutation.path, field?.manager]).toEqual([id, mutation.path, mutation.manager]);
            if (field?.when) expect(Number.isNaN(Date.parse(field.when))).toBe(false);
          }
          const paths = new Set((changed.get(id) ?? []).map(({ path }) => path));
          for (const field of report?.fields ?? []) {
            // a list that has one owner is that owner's as a whole
            const taken = isDeepStrictEqual(field.wanted, field.found) && field.manager?.startsWith('drill-');
            expect([id, field, paths.has(field.path) || taken]).toEqual([id, field, true]);
          }
        }
      }
      expect((await drift(untouched)).objects).toEqual([]);
      await Promise.all(apps.map((app) => pause(app, false)));
      await Promise.all(apps.map((app) => settled(app)));
      for (const [id, mutations] of changed) {
        const before = original.get(id) as KubernetesObject;
        const now = await hands.read(before);
        for (const { path, steps } of mutations) expect([id, path, valueAt(now, steps)]).toEqual([id, path, valueAt(before, steps)]);
      }
    }
    expect(await heals(untouched)).toBe(quiet);
    expect([...kinds.keys()].sort()).toEqual(['Namespace', ...KINDS.map(({ kind }) => kind)].sort());
    process.stdout.write(
      `drift: ${String(total)} mutations (${[...kinds].map((entry) => entry.join(' ')).join(', ')}), ${String(deletions)} deletions\n`,
    );
  }, 1_800_000);
});

const logOf = async (app: string): Promise<string> => (await ada.get(`/v2/apps/${app}/logs?log_lines=1000`)).text;
const metrics = async (of: Keelson): Promise<string> => (await of.api.get('/metrics')).text;
const object = ({ apiVersion, kind }: ObjectKind, namespace: string | undefined, name: string): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace !== undefined && { namespace }) },
});

describe('drift', () => {
  let app: string;

  beforeAll(async () => {
    app = await made('adrift');
    await settled(app);
  }, 300_000);

  it('is told of, with who it was, and healed by itself', async () => {
    const service = object(SERVICE, app, app);
    await hands.patch(service, { metadata: { labels: { heritage: 'nobody' } } });
    await eventually(async () => {
      expect((await hands.read(service)).metadata.labels?.heritage).toBe('drycc');
    });
    await eventually(async () => {
      expect(await logOf(app)).toMatch(/drift: healed/);
    });
    expect(await logOf(app)).toContain(`drift: Service/${app} differs in metadata.labels.heritage (drill-patch)`);
    const [row] = await keelson.app
      .get(DataSource)
      .query<[{ count: string }]>(
        `SELECT count(*) FROM app_events JOIN apps ON apps.uuid = app_uuid WHERE apps.id = $1 AND event = 'drift'`,
        [app],
      );
    expect(Number(row.count)).toBeGreaterThanOrEqual(2);
    expect(await metrics(keelson)).toMatch(/keelson_drift_healed_total\{kind="Service"\} [1-9]/);
  }, 300_000);

  it('is nothing that an autoscaler does', async () => {
    const before = await heals(app);
    const api = kubeConfigOf(keelson).makeApiClient(AppsV1Api);
    const name = `${app}-worker`;
    await api.replaceNamespacedDeploymentScale({
      name,
      namespace: app,
      body: { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name, namespace: app }, spec: { replicas: 3 } },
    });
    await eventually(() => {
      expect(keelson.app.get(ClusterCache).object(DEPLOYMENT.kind, app, name)?.spec).toMatchObject({ replicas: 3 });
      return Promise.resolve();
    });
    expect((await drift(app)).objects).toEqual([]);
    expect(await heals(app)).toBe(before);
    expect((await hands.read(object(DEPLOYMENT, app, name))).spec).toMatchObject({ replicas: 3 });
  }, 300_000);

  it('is left alone in an app that is paused, and in the clear nowhere', async () => {
    await pause(app, true);
    const before = await heals(app);
    const secret = object(SECRET, app, 'private-registry');
    const found = Buffer.from('{"auths":{"evil.example.com":{}}}').toString('base64');
    await hands.patch(secret, { data: { '.dockerconfigjson': found } });
    await hands.patch(object(DEPLOYMENT, app, `${app}-web`), { metadata: { annotations: { 'kubernetes.io/change-cause': 'opensesame' } } });
    await eventually(async () => {
      expect(await logOf(app)).toMatch(/Deployment\/\S+ differs in metadata\.annotations\.kubernetes\.io\/change-cause/);
    });
    const { json, text } = await ada.get<Report>(`/v2/apps/${app}/drift`);
    expect(json.healing).toBe('paused');
    const fields = json.objects.find(({ kind }) => kind === 'Secret')?.fields ?? [];
    expect(fields).toEqual([
      {
        path: 'data..dockerconfigjson',
        wanted: expect.stringMatching(/^sha256:[0-9a-f]{16}$/) as string,
        found: expect.stringMatching(/^sha256:[0-9a-f]{16}$/) as string,
        manager: 'drill-patch',
        when: expect.stringMatching(/Z$/) as string,
      },
    ]);
    expect(fields[0]?.wanted).not.toBe(fields[0]?.found);
    for (const secret of [found, 'pull-secret', 'opensesame']) expect(text).not.toContain(secret);
    expect(text).toContain('"found":"******"');
    expect(await heals(app)).toBe(before);
    await pause(app, false);
    await settled(app);
    expect(await heals(app)).toBeGreaterThan(before);
  }, 300_000);

  it('is an object too that carries our labels and is not wanted', async () => {
    await pause(app, true);
    const { labels } = (await hands.read(object(SERVICE, app, app))).metadata;
    const stray = object(SERVICE, app, 'stray');
    await cluster.create({ ...stray, metadata: { ...stray.metadata, labels }, spec: { ports: [{ port: 80 }], selector: { app: 'none' } } });
    const { objects } = await drift(app);
    expect(objects).toEqual([
      {
        kind: 'Service',
        name: 'stray',
        missing: false,
        fields: [{ path: 'metadata.name', wanted: null, found: 'stray', manager: 'keelson', when: expect.any(String) as string }],
      },
    ]);
    await pause(app, false);
    await settled(app);
    expect(await cluster.get(SERVICE, app, 'stray')).toBeNull();
  }, 300_000);

  it('is not what is left of an earlier release whose ReplicaSets the cluster has thrown away since', async () => {
    const newest = (await objectsOf(app)).find(({ metadata }) => metadata.name.endsWith('-env'));
    const name = `${app}-v1-env`;
    const labels = { ...newest?.metadata.labels, version: 'v1' };
    await cluster.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: app, labels }, type: 'Opaque', immutable: true });
    expect((await drift(app)).objects).toEqual([]);
    // it goes with the next one
    await post(`/v2/apps/${app}/config`, { values: { GREETING: 'bye' } });
    expect(await cluster.get(SECRET, app, name)).toBeNull();
    await settled(app);
  }, 300_000);

  it('is set right where the API server can merge nothing any more', async () => {
    const web = object(DEPLOYMENT, app, `${app}-web`);
    await pause(app, true);
    const { template } = (await hands.read(web)).spec as { template: { spec: { containers: { env: { name: string }[] }[] } } };
    const [container] = template.spec.containers;
    const env = container?.env.map((variable) => (variable.name === 'DRYCC_APP' ? { ...variable, name: 'GREETING' } : variable));
    await hands.patch(web, { spec: { template: { spec: { containers: [{ ...container, env }] } } } });
    const { objects } = await drift(app);
    expect(objects.map(({ name, fields }) => [name, fields.map(({ path }) => path)])).toEqual([
      [`${app}-web`, expect.arrayContaining([`spec.template.spec.containers[name=${app}-web].env[name=DRYCC_APP]`])],
    ]);
    await pause(app, false);
    await settled(app);
  }, 300_000);

  it('that another replica has had healed meanwhile is not healed again', async () => {
    const app = await made('overtaken');
    await pause(app, true);
    const { manager } = keelson.app.get(DataSource);
    const row = await manager.findOneOrFail(App, { where: { id: app }, relations: { owner: true } });
    const [detector, recorder] = [keelson.app.get(DriftDetector), keelson.app.get(DriftRecorder)];
    const wanted = await eventually(async () => {
      const now = await detector.wanted(row);
      if (!now) throw new Error(`an operation of ${app} is open`);
      return now;
    });
    await hands.remove(object(DEPLOYMENT, app, `${app}-worker`));
    // two replicas compare at the same time
    const [first, second] = await eventually(async () => {
      const both = await Promise.all([detector.find(wanted), detector.find(wanted)]);
      for (const { objects } of both) expect(objects).toMatchObject([{ kind: 'Deployment', missing: true }]);
      return both;
    });
    const before = await heals(app);
    await manager.update(AppDrift, { appUuid: row.uuid }, { paused: false });
    await recorder.record(wanted, first);
    await settled(app);
    expect(await heals(app)).toBe(before + 1);
    expect(await recorder.record(wanted, second)).toBe('when settled');
    expect(await heals(app)).toBe(before + 1);
  }, 300_000);

  it('is not looked for while an operation is open', async () => {
    const letGo = await holdEngine(keelson.app.get(DataSource), app);
    await hands.patch(object(SERVICE, app, app), { metadata: { labels: { heritage: 'nobody' } } });
    expect(await drift(app)).toMatchObject({ checked: null, objects: [] });
    await letGo();
    await settled(app);
  }, 300_000);

  it('of a namespace that is gone is that of everything in it', async () => {
    await hands.remove(object(NAMESPACE, undefined, app));
    await eventually(async () => {
      const namespace = await cluster.get(NAMESPACE, undefined, app);
      expect([namespace?.metadata.deletionTimestamp, (await drift(app)).checked === null]).toEqual([undefined, false]);
      expect((await drift(app)).objects).toEqual([]);
      expect(await cluster.get(INGRESS, app, app)).not.toBeNull();
    }, 240);
  }, 400_000);

  it('is only reported when the database is older than the cluster, until the app was deployed anew', async () => {
    const database = keelson.app.get(DataSource);
    await post(`/v2/apps/${app}/config`, { values: { GREETING: 'newer' } });
    await pause(app, true);
    const { json } = await ada.get<{ results: { version: number }[] }>(`/v2/apps/${app}/releases`);
    const newest = json.results[0]?.version;
    await database.query('DELETE FROM releases USING apps WHERE apps.uuid = app_uuid AND apps.id = $1 AND version = $2', [app, newest]);
    const before = await heals(app);
    await pause(app, false);
    await eventually(async () => {
      expect(await drift(app)).toMatchObject({ healing: 'report', checked: expect.any(String) as string });
    });
    expect((await drift(app)).objects.map(({ kind }) => kind)).toContain('Deployment');
    expect(await heals(app)).toBe(before);
    await post(`/v2/apps/${app}/config`, { values: { GREETING: 'again' } });
    await eventually(async () => {
      expect(await drift(app)).toMatchObject({ healing: 'heal', objects: [] });
    });
  }, 300_000);
});

describe('a Keelson that only reports', () => {
  it('tells of what no watch shows, and of namespaces without an app, and changes nothing', async () => {
    const log: string[] = [];
    const reporting = await startKeelson(
      { ...settings, DRIFT: 'report', DRIFT_INTERVAL: '1', LOG_LEVEL: 'warn' },
      { write: (line) => void log.push(line) },
    );
    const own = clusterOf(reporting);
    const bob = await reporting.register('bob');
    const app = newAppId('report');
    const lost = newAppId('lost');
    try {
      expect((await bob.post('/v2/apps', { id: app })).status).toBe(201);
      const labels = (await own.get(NAMESPACE, undefined, app))?.metadata.labels;
      await new Hands(reporting).patch(object(RESOURCE_QUOTA, app, `${app}-quota`), { spec: { hard: { pods: '61' } } });
      await eventually(async () => {
        expect((await bob.get(`/v2/apps/${app}/logs`)).text).toContain(
          `drift: ResourceQuota/${app}-quota differs in spec.hard.pods (drill-patch)`,
        );
      });
      await eventually(async () => expect(await metrics(reporting)).toContain('keelson_drift_objects{kind="ResourceQuota"} 1'));
      expect((await bob.get<Report>(`/v2/apps/${app}/drift`)).json).toMatchObject({
        healing: 'report',
        objects: [{ kind: 'ResourceQuota', fields: [{ path: 'spec.hard.pods', wanted: '60', found: '61', manager: 'drill-patch' }] }],
      });
      const namespace = object(NAMESPACE, undefined, lost);
      await own.create({ ...namespace, metadata: { ...namespace.metadata, labels } });
      await eventually(async () => {
        expect(log.find((line) => line.includes('namespaces') && line.includes(lost))).toBeDefined();
        // in a shared cluster there may be others
        expect(await metrics(reporting)).toMatch(/keelson_drift_namespaces_without_app [1-9]/);
      });
      expect(await own.get(NAMESPACE, undefined, lost)).not.toBeNull();
      expect((await own.get(RESOURCE_QUOTA, app, `${app}-quota`))?.spec).toMatchObject({ hard: { pods: '61' } });
      const { json } = await bob.get<{ results: { kind: string }[] }>(`/v2/apps/${app}/operations`);
      expect(json.results.map(({ kind }) => kind)).not.toContain('heal');
    } finally {
      const left = await own.get(NAMESPACE, undefined, lost);
      if (left) await own.remove(NAMESPACE, undefined, lost, left.metadata.uid ?? '');
      await destroyApps(bob);
      await reporting.stop();
    }
  }, 300_000);

  it('is every one beside an installation that nobody has named', async () => {
    // in a cluster of its own: a shared one has others
    const alone = await startKeelson({ ...settings, KUBECONFIG: '', KNOWN_INSTALLATIONS: '' });
    const own = alone.app.get(Cluster);
    const bob = await alone.register('bob');
    try {
      expect((await bob.post('/v2/apps', { id: 'beside' })).status).toBe(201);
      const healing = async (): Promise<string> => (await bob.get<Report>('/v2/apps/beside/drift')).json.healing;
      expect(await healing()).toBe('heal');
      const namespace = object(NAMESPACE, undefined, 'another');
      const labels = { 'app.kubernetes.io/managed-by': 'keelson', 'keelson.dev/installation': randomUUID() };
      await own.create({ ...namespace, metadata: { ...namespace.metadata, labels } });
      await eventually(async () => {
        expect(await healing()).toBe('report');
      });
    } finally {
      await alone.stop();
    }
  }, 300_000);
});
