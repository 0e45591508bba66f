import type { Cluster } from '../src/kubernetes/cluster.ts';
import { ClusterCache } from '../src/kubernetes/cluster-cache.ts';
import type { KubernetesObject } from '../src/kubernetes/kubernetes-object.ts';
import {
  DEPLOYMENT,
  HORIZONTAL_POD_AUTOSCALER,
  LIMIT_RANGE,
  NODE,
  POD,
  RESOURCE_QUOTA,
  SECRET,
  type ObjectKind,
} from '../src/kubernetes/object-kind.ts';
import { WEB_2_IMAGE, WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, LiveApp, newAppId } from './live-app.ts';
import { clusterOf } from './test-cluster.ts';

/** What is asked for by config and settings, looked up in the objects that the cluster has of it: in the pods as well, wherever it ends there. */

const SERVE = 'exec httpd -f -p "$PORT" -h /www';
const IDLE = 'exec sleep 3600';

interface Container {
  name: string;
  image: string;
  imagePullPolicy: string;
  resources: object;
  readinessProbe?: object;
  livenessProbe?: object;
  lifecycle?: object;
}
interface PodSpec {
  containers: [Container];
  nodeSelector?: Record<string, string>;
  nodeName?: string;
  imagePullSecrets?: { name: string }[];
  terminationGracePeriodSeconds: number;
}

const id = newAppId('live');
let keelson: Keelson;
let ada: Api;
let cluster: Cluster;
let live: LiveApp;

const at = (path: string): string => `/v2/apps/${id}/${path}`;
const configure = async (body: object): Promise<void> => {
  const { status, text } = await ada.post(at('config'), body);
  expect([status, text]).toEqual([201, expect.anything()]);
};
const object = (kind: ObjectKind, name: string): Promise<KubernetesObject | null> => cluster.get(kind, id, name);
const templateOf = async (type: string): Promise<PodSpec> =>
  ((await object(DEPLOYMENT, `${id}-${type}`))?.spec as { template: { spec: PodSpec } }).template.spec;
/** Of the type's pod that isn't leaving. */
const podOf = async (type: string): Promise<PodSpec> => {
  const pods = await cluster.list(POD, id, `type=${type}`);
  return pods.find(({ metadata }) => metadata.deletionTimestamp === undefined)?.spec as PodSpec;
};
/** What is expected of the type's container, in the Deployment and in a pod of it. */
const containersOf = async (type: string): Promise<[Container, Container]> => [
  (await templateOf(type)).containers[0],
  (await podOf(type)).containers[0],
];

beforeAll(async () => {
  keelson = await startKeelson({
    KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '2',
    KUBERNETES_NAMESPACE_DEFAULT_QUOTA_SPEC: '{"hard": {"pods": "30"}}',
    KUBERNETES_NAMESPACE_DEFAULT_LIMIT_RANGES_SPEC:
      '{"limits": [{"type": "Container", "default": {"memory": "256Mi"}, "defaultRequest": {"memory": "8Mi"}}]}',
  });
  ada = await keelson.register('ada');
  cluster = clusterOf(keelson);
  live = new LiveApp(keelson, id);
  expect((await ada.post('/v2/apps', { id })).status).toBe(201);
  expect((await ada.post(at('builds'), { image: WEB_IMAGE, procfile: { web: SERVE, worker: IDLE } })).status).toBe(201);
  expect((await ada.post(at('scale'), { web: 1, worker: 1 })).status).toBe(204);
});

afterAll(async () => {
  await destroyApps(ada);
  await keelson.stop();
});

it('quotas and limit ranges are in the namespace, and count', async () => {
  expect(await object(RESOURCE_QUOTA, `${id}-quota`)).toMatchObject({ spec: { hard: { pods: '30' } } });
  await eventually(async () => {
    expect((await object(RESOURCE_QUOTA, `${id}-quota`))?.status).toMatchObject({ hard: { pods: '30' }, used: { pods: '2' } });
  });
  expect(await object(LIMIT_RANGE, id)).toMatchObject({
    spec: { limits: [{ type: 'Container', default: { memory: '256Mi' }, defaultRequest: { memory: '8Mi' } }] },
  });
  // the cluster fills in what the app leaves open, and that is no difference that a deploy would undo
  expect((await podOf('worker')).containers[0].resources).toEqual({ limits: { memory: '256Mi' }, requests: { memory: '8Mi' } });
  expect((await templateOf('worker')).containers[0].resources).toEqual({});
});

it('quotas and limit ranges that a hand took away are back with the next deploy', async () => {
  for (const [kind, name] of [
    [RESOURCE_QUOTA, `${id}-quota`],
    [LIMIT_RANGE, id],
  ] as const) {
    await cluster.remove(kind, id, name, (await object(kind, name))?.metadata.uid ?? '');
  }
  await configure({ values: { BACK: '1' } });
  expect([await object(RESOURCE_QUOTA, `${id}-quota`), await object(LIMIT_RANGE, id)]).toEqual([expect.anything(), expect.anything()]);
});

it('limits are those of each type', async () => {
  await configure({ memory: { web: '64M', worker: '32M/128M' }, cpu: { web: '100m/500m' } });
  const web = { limits: { cpu: '500m', memory: '64Mi' }, requests: { cpu: '100m' } };
  const [wanted, running] = await containersOf('web');
  expect(wanted.resources).toEqual(web);
  // what has a limit alone asks for as much
  expect(running.resources).toEqual({ limits: web.limits, requests: { cpu: '100m', memory: '64Mi' } });
  for (const container of await containersOf('worker')) {
    expect(container.resources).toEqual({ limits: { memory: '128Mi' }, requests: { memory: '32Mi' } });
  }
});

it('health checks are those of each type, else those of web and cmd together, else a port that answers', async () => {
  for (const container of await containersOf('web')) expect(container.readinessProbe).toMatchObject({ tcpSocket: { port: 5000 } });
  for (const container of await containersOf('worker')) expect(container).not.toHaveProperty('readinessProbe');

  const shared = { readinessProbe: { httpGet: { path: '/healthz', port: 5000 }, periodSeconds: 2, initialDelaySeconds: 1 } };
  const worker = { livenessProbe: { exec: { command: ['true'] }, initialDelaySeconds: 3, failureThreshold: 5 } };
  await configure({ healthcheck: { 'web/cmd': shared, worker } });
  for (const container of await containersOf('web')) {
    expect(container).toMatchObject(shared);
    expect(container).not.toHaveProperty('livenessProbe');
  }
  for (const container of await containersOf('worker')) {
    expect(container).toMatchObject(worker);
    expect(container).not.toHaveProperty('readinessProbe');
  }

  const own = { livenessProbe: { tcpSocket: { port: 5000 }, initialDelaySeconds: 2 }, readinessProbe: { tcpSocket: { port: 5000 } } };
  await configure({ healthcheck: { web: own, worker: null } });
  for (const container of await containersOf('web')) {
    expect(container).toMatchObject(own);
    expect(container.readinessProbe).not.toHaveProperty('httpGet');
  }
  for (const container of await containersOf('worker')) expect(container).not.toHaveProperty('livenessProbe');
});

it('grace periods are those of each type, else of the app, else of the platform', async () => {
  const seconds = async (): Promise<number[][]> =>
    Promise.all(
      ['web', 'worker'].map(async (type) => [
        (await templateOf(type)).terminationGracePeriodSeconds,
        (await podOf(type)).terminationGracePeriodSeconds,
      ]),
    );
  expect(await seconds()).toEqual([
    [2, 2],
    [2, 2],
  ]);
  await configure({ values: { KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '3' }, termination_grace_period: { worker: '1' } });
  expect(await seconds()).toEqual([
    [3, 3],
    [1, 1],
  ]);
});

it('lifecycle hooks are those of each type', async () => {
  await configure({ lifecycle_post_start: { web: 'echo began' }, lifecycle_pre_stop: { web: 'true', worker: 'true' } });
  const hook = (command: string): object => ({ exec: { command: ['/bin/sh', '-c', command] } });
  for (const container of await containersOf('web')) {
    expect(container.lifecycle).toEqual({ postStart: hook('echo began'), preStop: hook('true') });
  }
  for (const container of await containersOf('worker')) expect(container.lifecycle).toEqual({ preStop: hook('true') });
  await configure({ lifecycle_post_start: { web: null }, lifecycle_pre_stop: { web: null } });
  for (const container of await containersOf('web')) expect(container).not.toHaveProperty('lifecycle');
});

it('tags lead the pods to the nodes that carry them', async () => {
  const [node] = await cluster.list(NODE, undefined, '');
  const hostname = node?.metadata.labels?.['kubernetes.io/hostname'] ?? '';
  await configure({ tags: { 'kubernetes.io/hostname': hostname } });
  for (const type of ['web', 'worker']) {
    expect((await templateOf(type)).nodeSelector).toEqual({ 'kubernetes.io/hostname': hostname });
    expect(await podOf(type)).toMatchObject({ nodeSelector: { 'kubernetes.io/hostname': hostname }, nodeName: node?.metadata.name });
  }
  await configure({ tags: { 'kubernetes.io/hostname': null } });
  expect(await templateOf('web')).not.toHaveProperty('nodeSelector');
  expect(await podOf('web')).not.toHaveProperty('nodeSelector');
});

it('a private registry has its credentials in a Secret that the pods name', async () => {
  const secretOf = async (): Promise<unknown> => {
    const secret = (await object(SECRET, 'private-registry')) as (KubernetesObject & { type: string; data: Record<string, string> }) | null;
    expect(secret?.type).toBe('kubernetes.io/dockerconfigjson');
    return JSON.parse(Buffer.from(secret?.data['.dockerconfigjson'] ?? '', 'base64').toString());
  };
  const credentials = { username: 'ada', password: 'opensesame', auth: Buffer.from('ada:opensesame').toString('base64') };
  await configure({ values: { PORT: '5000' }, registry: { username: 'ada', password: 'opensesame' } });
  expect(await secretOf()).toEqual({ auths: { 'https://index.docker.io/v1/': credentials } });
  for (const type of ['web', 'worker']) {
    expect((await templateOf(type)).imagePullSecrets).toEqual([{ name: 'private-registry' }]);
    expect((await podOf(type)).imagePullSecrets).toEqual([{ name: 'private-registry' }]);
  }
  await configure({ registry: { hostname: 'registry.example.com' } });
  expect(await secretOf()).toEqual({ auths: { 'registry.example.com': credentials } });
  await configure({ registry: { username: null, password: null, hostname: null } });
  expect(await templateOf('web')).not.toHaveProperty('imagePullSecrets');
  expect(await object(SECRET, 'private-registry')).toBeNull();
});

it('when images are pulled, how many old roll-outs are kept and how many pods start at a time is the app’s to say', async () => {
  await configure({
    values: { IMAGE_PULL_POLICY: 'Never', KUBERNETES_DEPLOYMENTS_REVISION_HISTORY_LIMIT: '2', DRYCC_DEPLOY_BATCHES: '1' },
  });
  for (const container of await containersOf('web')) expect(container.imagePullPolicy).toBe('Never');
  expect((await object(DEPLOYMENT, `${id}-web`))?.spec).toMatchObject({
    revisionHistoryLimit: 2,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
  });
  await configure({
    values: { IMAGE_PULL_POLICY: null, KUBERNETES_DEPLOYMENTS_REVISION_HISTORY_LIMIT: null, DRYCC_DEPLOY_BATCHES: null },
  });
  for (const container of await containersOf('web')) expect(container.imagePullPolicy).toBe('IfNotPresent');
});

describe('an autoscaled type', () => {
  const answered = async (answer: Promise<Answer>, expected: number): Promise<void> => {
    const { status, text } = await answer;
    expect([status, text]).toEqual([expected, text]);
  };
  /** The replicas that the Deployment was seen with while something went on. */
  const seenDuring = async (change: () => Promise<void>): Promise<(number | undefined)[]> => {
    const cache = keelson.app.get(ClusterCache);
    const seen = new Set<number | undefined>();
    const look = (): void => {
      seen.add((cache.object(DEPLOYMENT.kind, id, `${id}-web`)?.spec as { replicas?: number } | undefined)?.replicas);
    };
    look();
    const stop = cache.onChange(id, look);
    try {
      await change();
    } finally {
      stop();
    }
    look();
    return [...seen];
  };

  beforeAll(async () => {
    await answered(ada.post(at('settings'), { autoscale: { web: { min: 2, max: 4, cpu_percent: 80 } } }), 201);
    const { apiVersion, kind } = DEPLOYMENT;
    // as the autoscaler does once there is load
    await cluster.patch({ apiVersion, kind, metadata: { name: `${id}-web`, namespace: id }, spec: { replicas: 3 } });
    await eventually(async () => {
      expect((await live.up(ada)).filter((pod) => pod.startsWith('web '))).toHaveLength(3);
    });
  });

  it('has its rule as an autoscaler of autoscaling/v1', async () => {
    expect(await object(HORIZONTAL_POD_AUTOSCALER, `${id}-web`)).toMatchObject({
      apiVersion: 'autoscaling/v1',
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: `${id}-web` },
        minReplicas: 2,
        maxReplicas: 4,
        targetCPUUtilizationPercentage: 80,
      },
    });
  });

  it.each<[string, () => Promise<void>]>([
    ['a change of config', () => configure({ values: { MORE: '1' } })],
    ['a build', () => answered(ada.post(at('builds'), { image: WEB_2_IMAGE, procfile: { web: SERVE, worker: IDLE } }), 201)],
    ['a rollback', () => answered(ada.post(at('releases/rollback'), {}), 201)],
    ['a scale of another type', () => answered(ada.post(at('scale'), { worker: 2 }), 204)],
    ['a restart', async () => expect((await ada.post(at('pods/web/restart'))).status).toBe(200)],
    ['a release that fails', () => answered(ada.post(at('builds'), { image: WEB_IMAGE, procfile: { web: 'exit 1', worker: IDLE } }), 400)],
  ])('keeps the pods that the autoscaler gave it through %s', async (_, change) => {
    expect(await seenDuring(change)).toEqual([3]);
    expect((await live.up(ada)).filter((pod) => pod.startsWith('web '))).toHaveLength(3);
  });
});
