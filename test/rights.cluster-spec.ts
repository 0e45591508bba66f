import { AuthorizationV1Api, KubeConfig, KubernetesObjectApi, PatchStrategy } from '@kubernetes/client-node';
import { issue } from './certificates.ts';
import { FaultProxy, type Call } from './fault-proxy.ts';
import { WEB_IMAGE } from './images.ts';
import { startKeelson, type Answer, type Api, type Keelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, LiveApp, newAppId } from './live-app.ts';
import { clusterSettings, ownKubeconfig, realCluster } from './test-cluster.ts';

/**
 * Keelson with just the rights that the chart gives it: all works, other Secrets are out of its reach, and no right goes unused.
 * What it calls is counted by a proxy in front of the API server.
 */

interface Report {
  checked: string | null;
  objects: { kind: string; name: string; missing: boolean }[];
}

const app = newAppId('least');
const www = `www.${app}.example.com`;

const { KEELSON_NAMESPACE: home = '', KEELSON_SECRETS_ROLE: secretsRole = '' } = clusterSettings;
let admin: KubernetesObjectApi;
let own: KubeConfig;
let proxy: FaultProxy;
let keelson: Keelson;
let ada: Api;

jest.setTimeout(900_000);

/** What the chart's two roles of the whole cluster grant, each as `verb resource group`. */
async function granted(): Promise<string[]> {
  const roles = [home, secretsRole].map((name) =>
    admin.read({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name } }),
  );
  return (await Promise.all(roles)).flatMap((role) =>
    (role as { rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[] }).rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource} ${group}`.trim()))),
    ),
  );
}

/** The rights that the API server asked for a call, as `verb resource group`. */
function rightsOf({ method, path, watch, status }: Call): string[] {
  const { pathname } = new URL(path, 'http://cluster');
  const match =
    /^\/(?:api\/v1|apis\/(?<group>[^/]+)\/[^/]+)\/(?:namespaces\/[^/]+\/(?=[^/]))?(?<resource>[^/]+)(?:\/[^/]+(?<sub>\/[^/]+)?)?$/.exec(
      pathname,
    );
  if (!match?.groups) return [];
  const { group = '', resource = '', sub = '' } = match.groups;
  const named = pathname.endsWith(`/${resource}`) ? false : true;
  const read = watch ? 'watch' : named ? 'get' : 'list';
  const verb =
    { GET: read, POST: 'create', PATCH: 'patch', PUT: 'update', DELETE: named ? 'delete' : 'deletecollection' }[method] ?? method;
  const right = (of: string, which = resource + sub): string => `${of} ${which} ${group}`.trim();
  // an apply that makes the object needs both; a binding needs the right to bind its role
  const made = method === 'PATCH' && status === 201;
  return [right(verb), ...(made ? [right('create')] : []), ...(resource === 'rolebindings' && made ? [right('bind', 'clusterroles')] : [])];
}

const ok = ({ status, text }: Answer<unknown>): void => {
  expect([status, status < 300 ? '' : text]).toEqual([status, '']);
};
const post = async (path: string, body: object): Promise<void> => ok(await ada.post(`/v2/apps/${app}${path}`, body));
const drift = async (): Promise<Report> => (await ada.get<Report>(`/v2/apps/${app}/drift`)).json;
const settled = (): Promise<void> =>
  eventually(async () => {
    const { checked, objects } = await drift();
    expect([checked === null, objects]).toEqual([false, []]);
  }, 240);

async function may(verb: string, resource: string, namespace: string, name?: string, group = ''): Promise<boolean> {
  const reviews = own.makeApiClient(AuthorizationV1Api);
  const resourceAttributes = { verb, resource, namespace, group, name };
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } };
  return (await reviews.createSelfSubjectAccessReview({ body })).status?.allowed ?? false;
}

/** Somebody else's delete of an object in the app's namespace. */
async function remove(apiVersion: string, kind: string, name: string): Promise<void> {
  await admin.delete({ apiVersion, kind, metadata: { name, namespace: app } });
}

/** Somebody else's object with Keelson's labels, made from one of Keelson's. */
async function stray(apiVersion: string, kind: string, name: string): Promise<void> {
  const like = JSON.parse(JSON.stringify(await admin.read({ apiVersion, kind, metadata: { name, namespace: app } }))) as {
    metadata: { labels: Record<string, string> };
  };
  const metadata = { name: `stray-${name}`, namespace: app, labels: like.metadata.labels };
  await admin.create({ ...like, apiVersion, kind, metadata });
}

beforeAll(async () => {
  const config = new KubeConfig();
  config.loadFromFile(realCluster ?? '');
  admin = KubernetesObjectApi.makeApiClient(config);
  own = new KubeConfig();
  own.loadFromFile(ownKubeconfig ?? '');
  proxy = await FaultProxy.start(ownKubeconfig ?? '');
  keelson = await startKeelson({
    KUBECONFIG: await proxy.kubeconfig(),
    APP_NETWORK_POLICY: 'isolate',
    INGRESS_NAMESPACES: 'ingress-nginx',
    KUBERNETES_NAMESPACE_DEFAULT_QUOTA_SPEC: '{"hard":{"pods":"60"}}',
    KUBERNETES_NAMESPACE_DEFAULT_LIMIT_RANGES_SPEC: '{"limits":[{"type":"Container","default":{"cpu":"200m","memory":"64Mi"}}]}',
    KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1',
    DRIFT_INTERVAL: '0',
  });
  ada = await keelson.register('ada');
});

afterAll(async () => {
  proxy.inject();
  await destroyApps(ada);
  await keelson.stop();
  await proxy.stop();
});

it('brings an app up, with its secrets', async () => {
  ok(await ada.post('/v2/apps', { id: app }));
  const registry = { username: 'puller', password: 'pull-secret', hostname: 'registry.example.com' };
  await post('/config', { values: { PASSWORD: 'opensesame', PORT: '5000' }, registry });
  await post('/builds', { image: WEB_IMAGE, procfile: { web: 'exec httpd -f -p "$PORT" -h /www', worker: 'exec sleep 3600' } });
  await post('/scale', { web: 2, worker: 1 });
  expect(await new LiveApp(keelson, app).up(ada)).toHaveLength(3);
});

it('may read the Secrets of apps, and no others', async () => {
  for (const verb of ['get', 'list', 'create', 'patch', 'delete']) {
    expect([verb, await may(verb, 'secrets', app)]).toEqual([verb, true]);
    for (const namespace of ['default', 'kube-system']) expect([verb, await may(verb, 'secrets', namespace)]).toEqual([verb, false]);
    // its own are made once
    expect([verb, await may(verb, 'secrets', home)]).toEqual([verb, verb === 'create']);
  }
  expect(await may('bind', 'clusterroles', '', secretsRole, 'rbac.authorization.k8s.io')).toBe(true);
  expect(await may('bind', 'clusterroles', '', 'cluster-admin', 'rbac.authorization.k8s.io')).toBe(false);
  expect(await may('create', 'pods', app)).toBe(true);
  expect(await may('watch', 'secrets', app)).toBe(false);
});

it('runs commands, those too whose answer is lost', async () => {
  ok(await ada.post(`/v2/apps/${app}/run`, { command: 'echo hello' }));
  proxy.inject({ fault: { does: 'lose', status: 503 }, methods: ['POST'], path: /\/pods(\?|$)/, times: 1 });
  ok(await ada.post(`/v2/apps/${app}/run`, { command: 'echo again' }));
  proxy.inject();
  ok(await ada.get(`/v2/apps/${app}/logs`));
  expect((await ada.get(`/v2/apps/${app}/logs?log_lines=100`)).status).toBe(200);
});

it('routes to it, and takes away what is no longer wanted', async () => {
  await post('/domains', { domain: www });
  ok(await ada.post('/v2/certs', { name: app, ...(await issue({ names: [www] })) }));
  ok(await ada.post(`/v2/certs/${app}/domain`, { domain: www }));
  await post('/settings', { autoscale: { worker: { min: 1, max: 2, cpu_percent: 80 } } });
  await post('/services', { procfile_type: 'web', path_pattern: '/api/.*' });
  await post('/settings', { maintenance: true });
  await post('/settings', { maintenance: false });
  ok(await ada.delete(`/v2/certs/${app}/domain/${www}`));
  await post('/settings', { autoscale: { worker: null } });
  ok(await ada.delete(`/v2/apps/${app}/services`, { procfile_type: 'web' }));
  await post('/settings', { routable: false });
  await post('/settings', { routable: true });
});

it('heals what others did', async () => {
  await settled();
  const networking = 'networking.k8s.io/v1';
  const rbac = 'rbac.authorization.k8s.io/v1';
  await stray(networking, 'NetworkPolicy', app);
  await stray(rbac, 'RoleBinding', 'keelson');
  await settled();
  const there = { apiVersion: 'v1', metadata: { name: app, namespace: app } };
  const patch = { ...there, kind: 'Service', metadata: { ...there.metadata, labels: { heritage: 'nobody' } } };
  await admin.patch(patch, undefined, undefined, 'somebody', undefined, PatchStrategy.MergePatch);
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: app, labels: { heritage: 'nobody' } } };
  await admin.patch(namespace, undefined, undefined, 'somebody', undefined, PatchStrategy.MergePatch);
  await settled();
  await remove('apps/v1', 'Deployment', `${app}-worker`);
  await remove(networking, 'Ingress', app);
  await remove(networking, 'NetworkPolicy', app);
  await remove(rbac, 'RoleBinding', 'keelson');
  await eventually(async () => {
    ok(await ada.get(`/v2/apps/${app}/drift`));
    expect(await admin.read({ apiVersion: rbac, kind: 'RoleBinding', metadata: { name: 'keelson', namespace: app } })).toBeDefined();
  });
  await settled();
});

it('takes the app away', async () => {
  ok(await ada.delete(`/v2/apps/${app}`));
});

it('was refused nothing but Secrets whose binding wasn’t known yet', () => {
  const refused = proxy.calls.filter(({ status }) => status === 403).map(({ method, path }) => `${method} ${path}`);
  expect(refused.filter((call) => !call.includes('/secrets'))).toEqual([]);
});

it('has used every right that it was given', async () => {
  const used = new Set(proxy.calls.filter(({ status }) => status !== 403).flatMap(rightsOf));
  expect((await granted()).filter((right) => !used.has(right))).toEqual([]);
});
