import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { DataSource } from 'typeorm';
import { App } from '../src/apps/app.entity.ts';
import type { CauseClass } from '../src/deploy/cause.ts';
import { type FaultPoint, FaultPoints } from '../src/deploy/fault-points.ts';
import type { Cluster } from '../src/kubernetes/cluster.ts';
import type { KubernetesObject } from '../src/kubernetes/kubernetes-object.ts';
import { envSecretName } from '../src/kubernetes/names.ts';
import { DEPLOYMENT, EVENT, LIMIT_RANGE, RESOURCE_QUOTA, SECRET } from '../src/kubernetes/object-kind.ts';
import { AppLogLine } from '../src/logs/app-log-line.entity.ts';
import { CRASH_IMAGE, WEB_IMAGE } from './images.ts';
import { type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { sumOf } from './scrape.ts';
import { clusterOf, realCluster } from './test-cluster.ts';

/**
 * Each way in which a deploy fails, with its cause in words: in the answer, in the release, in the app's log, in a metric's label. On a
 * real cluster also how long it takes from what happened there, by the cluster's own times, until Keelson shows why: CAUSE_WITHIN seconds
 * at most.
 */

const within = Number(process.env.CAUSE_WITHIN ?? 10);
const onRealCluster = realCluster !== undefined;
const took: string[] = [];

/** A way to fail, and what is to be said of it. */
interface Failure {
  cause: CauseClass;
  words: RegExp;
  /** The same as it is first shown, without what only the end knows: how often, the deadline, the last lines. */
  shown?: RegExp;
  /** The cluster's event of it, with the earliest of which the time begins. */
  event: { reason: string; message?: RegExp };
  /** Shown while the deploy goes on, until its deadline. */
  deadline?: true;
  image?: string;
  procfile?: Record<string, string>;
  /** Of the app, before the build. */
  config?: Record<string, unknown>;
  /** What is in the app's namespace before the build. */
  beside?: (app: string) => KubernetesObject;
  /** What a hand does to the Deployment as soon as it is sent. */
  meddle?: (app: string) => Promise<unknown>;
}

/** Seconds after which what only waiting could cure fails. */
const SOON = { DRYCC_DEPLOY_TIMEOUT: '12' };
const NEVER = { httpGet: { path: '/nowhere', port: 5000 }, initialDelaySeconds: 1, periodSeconds: 1, failureThreshold: 1 };

let keelson: Keelson;
let ada: Api;
let cluster: Cluster;
let registry: Server;
/** What is done when an operation of an app reaches a point. */
let atPoint: (point: FaultPoint, object?: string) => Promise<unknown> = () => Promise.resolve();

beforeAll(async () => {
  // a registry that has nothing: the node may speak plain HTTP with it, because it is its own
  registry = createServer((_, response) => {
    response.writeHead(404, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] }));
  }).listen(0, '127.0.0.1');
  await once(registry, 'listening');
  keelson = await startKeelson({ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1' });
  ada = await keelson.register('ada');
  cluster = clusterOf(keelson);
  keelson.app.get(FaultPoints).reach = async (point, _app, object) => {
    await atPoint(point, object);
  };
});

afterAll(async () => {
  if (took.length > 0) process.stdout.write(`seconds from what happened to its cause in the app's log:\n${took.join('\n')}\n`);
  await destroyApps(ada);
  await keelson.stop();
  registry.close();
});

/** Changes the pod template's containers, as a hand would. */
async function setContainers(app: string, change: (containers: object[]) => object[]): Promise<void> {
  const { apiVersion, kind } = DEPLOYMENT;
  const name = `${app}-cmd`;
  const live = (await cluster.get(DEPLOYMENT, app, name))?.spec as { template: { spec: { containers: object[] } } };
  // a patch puts its lists in place of those that are there
  const containers = change(live.template.spec.containers);
  await cluster.patch({ apiVersion, kind, metadata: { name, namespace: app }, spec: { template: { spec: { containers } } } });
}

const setContainer = (app: string, fields: Record<string, unknown>): Promise<void> =>
  setContainers(app, (containers) => containers.map((container) => ({ ...container, ...fields })));

const addContainer = (app: string, added: object): Promise<void> => setContainers(app, (containers) => [...containers, added]);

async function removeSecret(app: string): Promise<void> {
  const name = envSecretName(app, 3);
  const { metadata } = (await cluster.get(SECRET, app, name)) ?? { metadata: undefined };
  await cluster.remove(SECRET, app, name, metadata?.uid ?? '');
}

const address = (): string => `127.0.0.1:${String((registry.address() as AddressInfo).port)}`;

it.each<[string, Failure]>([
  [
    'an image that is not in its registry',
    {
      cause: 'image',
      words: /ErrImagePull: .*web-missing:1.*not found/,
      event: { reason: 'Failed', message: /^Failed to pull image/ },
      meddle: (app) => addContainer(app, { name: 'sidecar', image: `${address()}/team/web-missing:1` }),
    },
  ],
  [
    'a registry that is out of reach',
    {
      cause: 'image',
      words: /cmd did not become ready within 12 seconds: ErrImagePull: .*registry\.invalid/,
      shown: /ErrImagePull: .*registry\.invalid/,
      event: { reason: 'Failed', message: /^Failed to pull image/ },
      deadline: true,
      image: 'registry.invalid/team/web:1',
    },
  ],
  [
    'an image name that is none',
    {
      cause: 'image',
      words: /InvalidImageName: .*Team\/Web/,
      event: { reason: 'InspectFailed' },
      // Keelson takes none such itself, but whatever adds containers to others' pods may
      meddle: (app) => addContainer(app, { name: 'sidecar', image: 'local/Team/Web:1' }),
    },
  ],
  [
    'a process that ends again and again',
    {
      cause: 'crash',
      words: /cmd: process exited with code 1 \([2-9] times\); the last it printed:\nboom/,
      shown: /process exited with code 1 /,
      event: { reason: 'Started' },
      image: CRASH_IMAGE,
    },
  ],
  [
    'a process that needs more memory than it may have',
    {
      cause: 'out-of-memory',
      words: /cmd: process was killed: out of memory \([2-9] times\)/,
      shown: /process was killed: out of memory/,
      event: { reason: 'Started' },
      procfile: { cmd: 'tail /dev/zero' },
      config: { memory: { cmd: '16M' } },
    },
  ],
  [
    'a readiness probe that fails',
    {
      cause: 'probe',
      words: /cmd did not become ready within 13 seconds: Readiness probe failed: HTTP probe failed with statuscode: 404/,
      shown: /Readiness probe failed: HTTP probe failed with statuscode: 404/,
      event: { reason: 'Unhealthy', message: /^Readiness/ },
      deadline: true,
      config: { healthcheck: { cmd: { readinessProbe: NEVER } } },
    },
  ],
  [
    'a liveness probe that fails',
    {
      cause: 'probe',
      words: /cmd: process was stopped with exit code \d+: Liveness probe failed: HTTP probe failed with statuscode: 404 \([2-9] times\)/,
      shown: /Liveness probe failed: HTTP probe failed with statuscode: 404/,
      event: { reason: 'Unhealthy', message: /^Liveness/ },
      config: { healthcheck: { cmd: { livenessProbe: NEVER, readinessProbe: NEVER } } },
    },
  ],
  [
    'pods that fit no node',
    {
      cause: 'unschedulable',
      words: /cmd did not become ready within 12 seconds: 0\/\d+ nodes are available: .*Insufficient cpu/,
      shown: /0\/\d+ nodes are available: .*Insufficient cpu/,
      event: { reason: 'FailedScheduling' },
      deadline: true,
      config: { cpu: { cmd: '900' } },
    },
  ],
  [
    'a quota that is used up',
    {
      cause: 'quota',
      words: /pods .* is forbidden: exceeded quota: none-at-all/,
      event: { reason: 'FailedCreate' },
      beside: (app) => ({
        apiVersion: 'v1',
        kind: RESOURCE_QUOTA.kind,
        metadata: { name: 'none-at-all', namespace: app },
        spec: { hard: { pods: '0' } },
      }),
    },
  ],
  [
    'more than a limit range allows',
    {
      cause: 'limit-range',
      words: /pods .* is forbidden: .*maximum memory usage per Container is 64Mi/,
      event: { reason: 'FailedCreate' },
      config: { memory: { cmd: '128M' } },
      beside: (app) => ({
        apiVersion: 'v1',
        kind: LIMIT_RANGE.kind,
        metadata: { name: 'small', namespace: app },
        spec: { limits: [{ type: 'Container', max: { memory: '64Mi' } }] },
      }),
    },
  ],
  [
    'a Secret that is missing',
    {
      cause: 'missing-object',
      words: /CreateContainerConfigError: secret ".*-v3-env" not found/,
      event: { reason: 'Failed', message: /not found/ },
      meddle: async (app) => {
        await removeSecret(app);
        await setContainer(app, { workingDir: '/' });
      },
    },
  ],
  [
    'a ConfigMap that is missing',
    {
      cause: 'missing-object',
      words: /CreateContainerConfigError: configmap "absent" not found/,
      event: { reason: 'Failed', message: /not found/ },
      meddle: (app) => setContainer(app, { envFrom: [{ configMapRef: { name: 'absent' } }] }),
    },
  ],
])('%s', async (what, failure) => {
  const app = newAppId('cause');
  const { cause, words, image = WEB_IMAGE, procfile, config = {}, deadline = false } = failure;
  expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
  expect((await ada.post(`/v2/apps/${app}/config`, { ...config, ...(deadline && { values: SOON }) })).status).toBe(201);
  if (failure.beside) await cluster.create(failure.beside(app));
  let meddled = false;
  atPoint = async (point, object) => {
    if (meddled || point !== 'applied' || object !== `${DEPLOYMENT.kind}/${app}-cmd`) return;
    meddled = true;
    await failure.meddle?.(app);
  };
  const counted = { kind: 'deploy', state: 'failed', cause };
  const before = await sumOf(keelson, 'keelson_operations_total', counted);

  const deploy = ada.post<{ detail: string }>(`/v2/apps/${app}/builds`, { image, ...(procfile && { procfile }) });
  if (deadline) await shownAtOnce(app, cause);
  const { status, json } = await deploy;

  expect([status, json.detail]).toEqual([400, expect.stringMatching(words)]);
  // how often a real process ends until that is noticed depends on the machine; the sandbox waits between the second end and the third
  if (!onRealCluster) expect(json.detail).not.toMatch(/\([3-9] times\)/);
  // what waiting can't cure fails before its time is up
  expect([deadline, json.detail.includes('did not become ready within')]).toEqual([deadline, deadline]);
  const releases = await ada.get<{ results: object[] }>(`/v2/apps/${app}/releases`);
  expect(releases.json.results[0]).toMatchObject({ version: 3, failed: true, exception: `error: ${json.detail}` });
  const log = (await ada.get(`/v2/apps/${app}/logs`)).text;
  for (const line of json.detail.split('\n')) expect(log).toContain(line);
  const operations = await ada.get<{ results: object[] }>(`/v2/apps/${app}/operations`);
  expect(operations.json.results).toContainEqual(
    expect.objectContaining({ kind: 'deploy', state: 'failed', cause: expect.objectContaining({ class: cause }) as object }),
  );
  await eventually(async () => {
    expect(await sumOf(keelson, 'keelson_operations_total', counted)).toBe(before + 1);
  });
  if (onRealCluster) await expectInTime(what, app, failure);
  expect((await ada.delete(`/v2/apps/${app}`)).status).toBe(204);
});

/** While the deploy runs, its operation and the app's log say what holds it up. */
async function shownAtOnce(app: string, cause: CauseClass): Promise<void> {
  await eventually(async () => {
    const { json } = await ada.get<{ results: { state: string; cause: { class: string; message: string } | null }[] }>(
      `/v2/apps/${app}/operations`,
    );
    const running = json.results.find(({ state }) => state === 'running');
    expect(running?.cause?.class).toBe(cause);
    expect((await ada.get(`/v2/apps/${app}/logs`)).text).toContain(running?.cause?.message);
  });
}

/** How long after the cluster's first event of it the app's log had the cause. Both times are of this machine. */
async function expectInTime(what: string, app: string, { event, words, shown = words, cause }: Failure): Promise<void> {
  const events = (await cluster.list(EVENT, app, '')) as unknown as {
    reason: string;
    message: string;
    firstTimestamp: string | null;
    eventTime: string | null;
  }[];
  const times = events
    .filter(({ reason, message }) => reason === event.reason && (event.message?.test(message) ?? true))
    .map(({ firstTimestamp, eventTime }) => Date.parse(eventTime ?? firstTimestamp ?? ''));
  const { uuid } = await keelson.app.get(DataSource).getRepository(App).findOneByOrFail({ id: app });
  const lines = await keelson.app
    .get(DataSource)
    .getRepository(AppLogLine)
    .find({ where: { appUuid: uuid }, order: { id: 'ASC' } });
  const first = lines.find(({ line }) => shown.test(line));
  expect([times.length > 0, first?.line]).toEqual([true, expect.stringMatching(shown)]);
  const seconds = ((first?.at.getTime() ?? 0) - Math.min(...times)) / 1000;
  took.push(`${seconds.toFixed(1).padStart(6)}  ${cause}: ${what}`);
  expect([what, seconds <= within, seconds]).toEqual([what, true, seconds]);
}
