import { CoreV1Api, KubeConfig, type V1Pod } from '@kubernetes/client-node';
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { makeKeelsonImage, makePostgresqlImage } from './cluster-images.ts';
import { helmOn, type Said } from './helm.ts';
import { WEB_2_IMAGE, WEB_IMAGE } from './images.ts';
import { eventually } from './keelson-process.ts';
import { newAppId } from './live-app.ts';
import { realCluster } from './test-cluster.ts';

/** Keelson from its image and chart on a real cluster, with the bundled PostgreSQL: installed, upgraded, uninstalled, and installed again. */

const SEED_WALK = process.env.SEED_WALK ?? join('..', 'shared', 'check', 'seed-walk.mjs');
const POSTGRES = 999;
const tag = randomBytes(3).toString('hex');
const home = `keelson-${tag}`;
const stranger = `keelson-x${tag}`;
const values = {
  image: { repository: 'local/keelson', tag },
  database: { bundled: true },
  rights: { certManager: false },
  postgresql: { image: { repository: 'local/postgresql', tag }, userId: POSTGRES, storage: '1Gi' },
  settings: { KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: 1 },
};
/** Suites share the cluster. */
const known = { ...values, settings: { ...values.settings, KNOWN_INSTALLATIONS: ['*'] } };
const [app, written] = [newAppId('installed'), newAppId('written')];
const procfile = { web: 'exec httpd -f -p "$PORT" -h /www' };
const config = new KubeConfig();
const volumes: string[] = [];

let core: CoreV1Api;
let base: string;
let token: string;

jest.setTimeout(1_200_000);

const helm = (...args: string[]): Promise<Said> => helmOn(realCluster ?? '', args);
const install = (name: string, of: object): Promise<Said> =>
  helmOn(realCluster ?? '', ['install', name, 'helm', '--namespace', name, '--create-namespace', '--wait', '--timeout', '15m'], of);

/** A volume of this machine, on which the pods are, for the claim of a bundled database: the cluster has none to give. */
async function makeVolume(of: string): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'keelson-volume-'));
  await chown(path, POSTGRES, POSTGRES);
  volumes.push(path);
  const claimRef = { namespace: of, name: `data-${of}-postgresql-0` };
  await core.createPersistentVolume({
    body: {
      metadata: { name: of },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        hostPath: { path },
        claimRef,
        persistentVolumeReclaimPolicy: 'Retain',
      },
    },
  });
}

const podsOf = async (namespace: string, labelSelector: string): Promise<V1Pod[]> =>
  (await core.listNamespacedPod({ namespace, labelSelector })).items.filter(({ metadata }) => !metadata?.deletionTimestamp);
const servers = (namespace: string): Promise<V1Pod[]> => podsOf(namespace, 'app.kubernetes.io/component=server');
const isReady = ({ status }: V1Pod): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
/** What tells whether anybody has touched the app. */
const appPods = async (): Promise<(string | undefined)[]> =>
  (await podsOf(app, `app=${app}`)).map(({ metadata, status }) => `${metadata?.uid ?? ''} ${status?.phase ?? ''}`).sort();

async function serviceOf(namespace: string): Promise<string> {
  const { spec } = await core.readNamespacedService({ namespace, name: namespace });
  return `http://${spec?.clusterIP ?? ''}:${String(spec?.ports?.[0]?.port)}`;
}

interface Answered {
  status: number;
  text: string;
}

async function call(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Answered> {
  const response = await fetch(base + path, {
    method,
    headers: { Authorization: `token ${token}`, 'Content-Type': 'application/json', ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}

async function post(path: string, body: object): Promise<Answered> {
  const answer = await call('POST', path, body);
  expect([path, answer.status < 300 ? '' : answer.text]).toEqual([path, '']);
  return answer;
}

const get = async (path: string): Promise<unknown> => JSON.parse((await call('GET', path)).text);

async function login(): Promise<void> {
  token = '';
  const { text } = await post('/v2/auth/login', { username: 'ada', password: `a horse ${tag}` });
  ({ token } = JSON.parse(text) as { token: string });
}

/** Requests whose process ended before their operation did, which another one goes on with. */
let handedOver = 0;

/** Calls again, with the same key, where the connection broke, and where the process ended while the cluster hadn't come up yet. */
async function insist(path: string, body: object): Promise<Answered> {
  const key = { 'Idempotency-Key': randomUUID() };
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await call('POST', path, body, key);
      if (answer.status !== 503 || !answer.text.includes('recorded, will be applied')) return answer;
      handedOver++;
    } catch (error) {
      if (attempt === 20) throw error;
    }
    await sleep(500);
  }
}

/** The walk knows no set-up token: it goes through a proxy that shows one. */
async function withSetupToken(setupToken: string, work: (base: string) => Promise<void>): Promise<void> {
  const target = new URL(base);
  const server = http.createServer((request, response) => {
    const headers = { ...request.headers, 'x-setup-token': setupToken };
    const passing = http.request(
      { host: target.hostname, port: target.port, method: request.method, path: request.url, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    passing.on('error', () => response.destroy());
    request.pipe(passing);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    await work(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

beforeAll(async () => {
  config.loadFromFile(realCluster ?? '');
  core = config.makeApiClient(CoreV1Api);
  await makeKeelsonImage(`${values.image.repository}:${tag}`);
  await makePostgresqlImage(`${values.postgresql.image.repository}:${tag}`, POSTGRES);
  await makeVolume(home);
  await makeVolume(stranger);
});

afterAll(async () => {
  for (const id of [app, written]) await call('DELETE', `/v2/apps/${id}`).catch(() => undefined);
  for (const name of [home, stranger]) {
    await helm('uninstall', name, '--namespace', name, '--wait');
    await core.deleteNamespace({ name }).catch(() => undefined);
    await core.deletePersistentVolume({ name }).catch(() => undefined);
  }
  for (const path of volumes) await rm(path, { recursive: true, force: true });
});

it('comes up with two replicas and its own PostgreSQL, and says what to do next', async () => {
  const { status, output, words } = await install(home, known);
  expect([status, words]).toEqual([0, '']);
  expect(output).toContain('SETUP_TOKEN=');
  expect((await servers(home)).map(isReady)).toEqual([true, true]);
  base = await serviceOf(home);
});

it('passes the walk through the reference, by its Service', async () => {
  const { data } = await core.readNamespacedSecret({ namespace: home, name: `${home}-keys` });
  await withSetupToken(Buffer.from(data?.SETUP_TOKEN ?? '', 'base64').toString(), async (through) => {
    const { stdout } = await promisify(execFile)(process.execPath, [SEED_WALK], {
      env: { PATH: process.env.PATH, BASE: through, IMAGE: WEB_IMAGE, WEB_COMMAND: procfile.web, TIMEOUT: '300' },
      maxBuffer: 1 << 26,
    }).catch((error: unknown) => error as { stdout: string });
    expect(stdout.split('\n').filter((line) => /\b[1-9]\d* failed|^not ok|^FAIL/i.test(line))).toEqual([]);
    expect(stdout).toMatch(/\b0 failed\b/);
  });
});

it('loses nothing that is asked of it while it is upgraded', async () => {
  token = '';
  await post('/v2/auth/register', { username: 'ada', password: `a horse ${tag}`, email: 'ada@example.com' });
  await login();
  for (const id of [app, written]) await post('/v2/apps', { id });
  await post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE, procfile });
  const before = (await servers(home)).map(({ metadata }) => metadata?.uid);

  const answers: Answered[] = [];
  const keys: string[] = [];
  const state = { over: false };
  const writing = (async () => {
    while (!state.over) {
      keys.push(`KEY_${String(keys.length)}`);
      answers.push(await insist(`/v2/apps/${written}/config`, { values: { [keys.at(-1) ?? '']: 'kept' } }));
      await sleep(1000);
    }
  })();
  let deploys = 0;
  const deploying = (async () => {
    while (!state.over) {
      deploys++;
      answers.push(await insist(`/v2/apps/${app}/builds`, { image: deploys % 2 === 0 ? WEB_IMAGE : WEB_2_IMAGE, procfile }));
      await sleep(1000);
    }
  })();
  const upgraded = await helmOn(realCluster ?? '', ['upgrade', home, 'helm', '--namespace', home, '--wait', '--timeout', '15m'], {
    ...known,
    podAnnotations: { 'example.com/upgraded': 'yes' },
  });
  state.over = true;
  await Promise.all([writing, deploying]);
  expect([upgraded.status, upgraded.words]).toEqual([0, '']);
  await eventually(async () => {
    const now = await servers(home);
    expect(now.map(isReady)).toEqual([true, true]);
    expect(now.filter(({ metadata }) => before.includes(metadata?.uid))).toEqual([]);
  });

  const asked = `${String(keys.length)} config writes and ${String(deploys)} deploys`;
  process.stdout.write(`during the upgrade: ${asked}, ${String(handedOver)} of them ended by another replica\n`);
  expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
  const { values: stored } = (await get(`/v2/apps/${written}/config`)) as { values: Record<string, string> };
  expect(keys.filter((key) => stored[key] !== 'kept')).toEqual([]);
  const { results } = (await get(`/v2/apps/${app}/releases?limit=1000`)) as { results: { failed: boolean; summary: string }[] };
  expect(results.filter(({ failed }) => failed)).toEqual([]);
  expect(results.filter(({ summary }) => summary.includes('deployed'))).toHaveLength(deploys + 1);
});

it('leaves apps running when it is uninstalled, and says so', async () => {
  const before = await appPods();
  expect(before).not.toEqual([]);
  const { status, output, words } = await helm('uninstall', home, '--namespace', home, '--wait');
  expect([status, words]).toEqual([0, '']);
  expect(output).toContain(`${home}-apps-keep-running`);
  await eventually(async () => {
    expect(await servers(home)).toEqual([]);
  });
  expect(await appPods()).toEqual(before);
});

it('finds them again when it is installed on the same database with the same keys', async () => {
  const before = await appPods();
  const { status, words } = await install(home, known);
  expect([status, words]).toEqual([0, '']);
  base = await serviceOf(home);
  await login();
  await eventually(async () => {
    const { checked, objects } = (await get(`/v2/apps/${app}/drift`)) as { checked: string | null; objects: object[] };
    expect([checked === null, objects]).toEqual([false, []]);
  });
  expect(await appPods()).toEqual(before);
  await post(`/v2/apps/${app}/config`, { values: { AGAIN: 'yes' } });
});

it('touches nothing of another one, and says whose it is', async () => {
  const before = await appPods();
  const { status, words } = await install(stranger, values);
  expect([status, words]).toEqual([0, '']);
  const [installation] = (await core.readNamespace({ name: app })).metadata?.labels?.['keelson.dev/installation']?.split(' ') ?? [];
  const said = `apps of the installation ${installation ?? 'of nobody'}, not of this one`;
  await eventually(async () => {
    const pods = await servers(stranger);
    const logs = await Promise.all(
      pods.map(({ metadata }) => core.readNamespacedPodLog({ namespace: stranger, name: metadata?.name ?? '', container: 'keelson' })),
    );
    expect(logs.join('\n')).toContain(said);
  });
  expect(await appPods()).toEqual(before);
});
