import { KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster } from '../src/kubernetes/cluster.ts';
import { ClusterCache } from '../src/kubernetes/cluster-cache.ts';
import type { KubernetesObject } from '../src/kubernetes/kubernetes-object.ts';
import { NETWORK_POLICY, POD, ROLE_BINDING, SECRET, SERVICE, type ObjectKind } from '../src/kubernetes/object-kind.ts';
import { startSandbox, type Sandbox } from '../src/sandbox/sandbox.ts';
import { createTestDatabase } from './database.ts';
import { FaultProxy, type Call } from './fault-proxy.ts';
import { WEB_IMAGE } from './images.ts';
import { startKeelson, type Api, type Keelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, LiveApp, newAppId } from './live-app.ts';
import { Hands } from './mutations.ts';

/** How long the cluster takes to know a binding, in milliseconds. */
const LAG = 1_500;
const OURS = 'app.kubernetes.io/managed-by=keelson';

jest.setTimeout(600_000);

interface Report {
  checked: string | null;
  objects: { kind: string; name: string; missing: boolean; fields: { path: string }[] }[];
}

let sandbox: Sandbox | undefined;
let folder: string;
let proxy: FaultProxy;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let keelson: Keelson;
let cluster: Cluster;
let ada: Api;
let app: string;

const shared = {
  DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
  DRYCC_BUILDER_KEY: randomBytes(32).toString('hex'),
  ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
  KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1',
};
const rights = {
  KEELSON_NAMESPACE: 'platform',
  KEELSON_SERVICE_ACCOUNT: 'keelson',
  KEELSON_SECRETS_ROLE: 'keelson:secrets',
  APP_NETWORK_POLICY: 'isolate',
  INGRESS_NAMESPACES: 'ingress-nginx',
};

const namespaceOf = ({ path }: Call): string => /\/namespaces\/([^/?]+)/.exec(path)?.[1] ?? '';

/** Whether Keelson was bound in the namespace long enough ago, as far as the proxy saw who made and deleted bindings. */
function isBound(namespace: string): boolean {
  const changes = proxy.calls.filter(
    (call) =>
      /\/rolebindings(\/keelson)?(\?|$)/.test(call.path) &&
      ['PATCH', 'POST', 'DELETE'].includes(call.method) &&
      !call.path.includes('dryRun') &&
      (call.status ?? 500) < 300 &&
      namespaceOf(call) === namespace,
  );
  const last = changes.at(-1);
  return last !== undefined && last.method !== 'DELETE' && performance.now() - last.at > LAG;
}

/** Keelson through a line that refuses Secrets where it isn't bound, as a cluster does. */
async function start(settings: Record<string, string>): Promise<void> {
  keelson = await startKeelson({ ...shared, DATABASE_URL: database.url, KUBECONFIG: await proxy.kubeconfig(), ...settings });
  cluster = keelson.app.get(Cluster);
}

const bound = async (): Promise<KubernetesObject | null> => cluster.get(ROLE_BINDING, app, 'keelson');
async function drift(): Promise<Report> {
  const { status, json, text } = await ada.get<Report>(`/v2/apps/${app}/drift`);
  expect([status, text]).toEqual([200, text]);
  return json;
}
const object = ({ apiVersion, kind }: ObjectKind, name: string): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace: app },
});
const remove = (kind: ObjectKind, name: string): Promise<void> => new Hands(keelson).remove(object(kind, name));
const pause = async (paused: boolean): Promise<void> => {
  expect((await ada.post(`/v2/apps/${app}/drift`, { paused })).status).toBe(200);
};
const settled = (): Promise<void> =>
  eventually(async () => {
    const { checked, objects } = await drift();
    expect([checked === null, objects]).toEqual([false, []]);
  }, 240);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keelson-rights-'));
  let kubeconfig = process.env.TEST_KUBECONFIG;
  if (kubeconfig === undefined) {
    sandbox = await startSandbox({ port: 0 });
    kubeconfig = join(folder, 'kubeconfig');
    const config = new KubeConfig();
    config.loadFromClusterAndUser({ name: 'sandbox', server: sandbox.url, skipTLSVerify: true }, { name: 'sandbox' });
    await writeFile(kubeconfig, config.exportConfig());
  }
  proxy = await FaultProxy.start(kubeconfig);
  proxy.inject({
    fault: {
      does: 'answer',
      status: 403,
      reason: 'Forbidden',
      message: 'secrets is forbidden: User "system:serviceaccount:platform:keelson" cannot list resource "secrets" in API group ""',
    },
    path: /\/secrets(\/|\?|$)/,
    when: (call) => !isBound(namespaceOf(call)),
  });
  database = await createTestDatabase();
  await start(rights);
  ada = await keelson.register('ada');
  app = newAppId('rights');
}, 240_000);

afterAll(async () => {
  proxy.inject();
  await destroyApps(ada);
  await keelson.stop();
  await database.drop();
  await proxy.stop();
  await sandbox?.stop();
  await rm(folder, { recursive: true });
}, 240_000);

it('binds itself to the right to Secrets before it needs it, and waits until the cluster knows', async () => {
  expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
  expect((await ada.post(`/v2/apps/${app}/config`, { values: { PASSWORD: 'opensesame' } })).status).toBe(201);
  const { status, text } = await ada.post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE, procfile: { web: 'exec httpd -f -p 5000' } });
  expect([status, text]).toEqual([201, expect.any(String)]);
  expect(await bound()).toMatchObject({
    roleRef: { kind: 'ClusterRole', name: 'keelson:secrets' },
    subjects: [{ kind: 'ServiceAccount', name: 'keelson', namespace: 'platform' }],
  });
  const own = proxy.calls.filter((call) => namespaceOf(call) === app);
  const binding = own.findIndex(({ path, method, status = 500 }) => path.includes('/rolebindings/') && method === 'PATCH' && status < 300);
  const secrets = own.findIndex(({ path }) => path.includes('/secrets'));
  expect(binding).toBeGreaterThanOrEqual(0);
  expect(secrets).toBeGreaterThan(binding);
  expect(own[secrets]?.fault).toBe('answer');
});

it('gives pods no token, no escalation and the runtime’s seccomp profile, those of commands too', async () => {
  const safe = {
    automountServiceAccountToken: false,
    securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    containers: [{ securityContext: { allowPrivilegeEscalation: false } }],
  };
  const pods = await cluster.list(POD, app, OURS);
  expect(pods).not.toHaveLength(0);
  for (const pod of pods) expect(pod.spec).toMatchObject(safe);
  const { status, json } = await ada.post(`/v2/apps/${app}/run`, { command: 'echo hello' });
  expect([status, json.output]).toEqual([200, expect.stringContaining('hello')]);
});

it('keeps the app apart', async () => {
  const policy = await cluster.get(NETWORK_POLICY, app, app);
  expect(policy?.spec).toMatchObject({ podSelector: { matchLabels: { app } }, policyTypes: ['Ingress'] });
  expect(JSON.stringify(policy?.spec)).toContain('["ingress-nginx","platform"]');
  await remove(NETWORK_POLICY, app);
  await eventually(async () => {
    expect(await cluster.get(NETWORK_POLICY, app, app)).not.toBeNull();
  });
  await settled();
});

describe('a binding that somebody deleted', () => {
  it('is reported, though Secrets can’t be read, and comes back', async () => {
    await pause(true);
    await remove(ROLE_BINDING, 'keelson');
    await eventually(async () => {
      expect((await drift()).objects).toEqual([{ kind: 'RoleBinding', name: 'keelson', missing: true, fields: [] }]);
    });
    await pause(false);
    await eventually(async () => {
      expect(await bound()).not.toBeNull();
    });
    await settled();
  });

  it('is reported before a watch shows it', async () => {
    await pause(true);
    const cache = keelson.app.get(ClusterCache);
    const there = cache.object(ROLE_BINDING.kind, app, 'keelson');
    const objectOf = cache.object.bind(cache);
    const behind = jest
      .spyOn(cache, 'object')
      .mockImplementation((kind, ...of) => (kind === ROLE_BINDING.kind ? there : objectOf(kind, ...of)));
    try {
      await remove(ROLE_BINDING, 'keelson');
      const { status, json } = await ada.get<Report>(`/v2/apps/${app}/drift`);
      expect([status, json.objects]).toEqual([200, [{ kind: 'RoleBinding', name: 'keelson', missing: true, fields: [] }]]);
    } finally {
      behind.mockRestore();
    }
    await pause(false);
    await settled();
  });

  it('holds up nobody’s command', async () => {
    await remove(ROLE_BINDING, 'keelson');
    const { status, json, text } = await ada.post(`/v2/apps/${app}/run`, { command: 'echo again' });
    expect([status, json.output, text]).toEqual([200, expect.stringContaining('again'), text]);
    await settled();
  });

  it('is replaced where another role took its place', async () => {
    await pause(true);
    const there = await bound();
    await remove(ROLE_BINDING, 'keelson');
    const metadata = { name: 'keelson', namespace: app, labels: there?.metadata.labels };
    const roleRef = { ...(there?.roleRef as object), name: 'view' };
    const objects = KubernetesObjectApi.makeApiClient(keelson.app.get(KubeConfig));
    await objects.create({ ...object(ROLE_BINDING, 'keelson'), metadata, roleRef, subjects: there?.subjects } as never);
    await eventually(async () => {
      expect((await drift()).objects.map(({ kind, fields }) => [kind, fields.map(({ path }) => path)])).toEqual([
        ['RoleBinding', expect.arrayContaining(['roleRef.name'])],
      ]);
    });
    await pause(false);
    await eventually(async () => {
      expect(await bound()).toMatchObject({ roleRef: { name: 'keelson:secrets' } });
    });
    await settled();
  });
});

describe('another start with other settings', () => {
  let live: LiveApp;
  let uids: (string | undefined)[];
  const podUids = async (): Promise<(string | undefined)[]> =>
    (await cluster.list(POD, app, OURS)).map(({ metadata }) => metadata.uid).sort();
  const grace = async (): Promise<number | undefined> => {
    const { spec } = (await live.deployment('web')) as unknown as {
      spec: { template: { spec: { terminationGracePeriodSeconds?: number } } };
    };
    return spec.template.spec.terminationGracePeriodSeconds;
  };

  beforeAll(async () => {
    uids = await podUids();
    await keelson.stop();
    // rights of the whole cluster
    proxy.inject();
    await start({ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '2' });
    live = new LiveApp(keelson, app);
    ada = await keelson.login('ada');
  }, 240_000);

  it('takes away the binding and the policy, and nothing else', async () => {
    await eventually(async () => {
      expect([await bound(), await cluster.get(NETWORK_POLICY, app, app)]).toEqual([null, null]);
    });
    await settled();
    expect((await cluster.list(SECRET, app, OURS)).length).toBeGreaterThan(0);
  });

  it('leaves the pods, whatever else is healed', async () => {
    await remove(SERVICE, app);
    await eventually(async () => {
      expect(await cluster.get(SERVICE, app, app)).not.toBeNull();
    });
    await settled();
    expect([await live.revision('web'), await grace(), await podUids()]).toEqual([1, 1, uids]);
  });

  it('has all of it with the next deploy', async () => {
    expect((await ada.post(`/v2/apps/${app}/config`, { values: { PASSWORD: 'sesameopen' } })).status).toBe(201);
    expect([await live.revision('web'), await grace()]).toEqual([2, 2]);
    await settled();
  });
});
