import { RouteTable } from '../src/http/route-table.ts';
import { Cluster } from '../src/kubernetes/cluster.ts';
import { issue } from './certificates.ts';
import { WEB_IMAGE } from './images.ts';
import { type Api, type Keelson, startKeelson } from './keelson.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { newPublicKey } from './ssh-key.ts';

/** What a read may cost, whatever there is to read. */
const STATEMENTS = 4;

const CALLS = ['apply', 'patch', 'get', 'list', 'create', 'remove', 'podLog', 'readLog'] as const;

interface Cost {
  statements: number;
  clusterCalls: number;
}

let keelson: Keelson;
let ada: Api;
let root: Api;
const app = newAppId('budget');
const certificate = 'www';
/** Where the user API lives. */
const rbac = '/saltshaker/api/v1.0';
let clusterCalls = 0;

beforeAll(async () => {
  keelson = await startKeelson({ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1' });
  const cluster = keelson.app.get(Cluster);
  for (const name of CALLS) {
    const call = cluster[name].bind(cluster) as (...args: unknown[]) => unknown;
    Object.assign(cluster, {
      [name]: (...args: unknown[]) => {
        clusterCalls += 1;
        return call(...args);
      },
    });
  }
  root = await keelson.register('root');
  ada = await keelson.register('ada');
  await ada.post('/v2/apps', { id: app });
  expect((await ada.post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE })).status).toBe(201);
  expect((await ada.post(`/v2/apps/${app}/run`, { command: 'echo hi' })).status).toBe(200);
  await addCertificate(certificate);
  await addUser('first');
  await addProduct('first');
  expect(clusterCalls).toBeGreaterThan(0);
});

afterAll(async () => {
  await destroyApps(root);
  await keelson.stop();
});

/** Adds a certificate and attaches it to a domain of its own. */
async function addCertificate(name: string): Promise<void> {
  const domain = `${name}.${app}.example.com`;
  await ada.post('/v2/certs', { name, ...(await issue({ names: [domain] })) });
  await ada.post(`/v2/apps/${app}/domains`, { domain });
  expect((await ada.post(`/v2/certs/${name}/domain`, { domain })).status).toBe(201);
}

/** Registers somebody who administers the platform and shares the app, and adds a key to those of the owner. */
async function addUser(username: string): Promise<void> {
  await keelson.register(username);
  const answers = [
    await root.post('/v2/admin/perms', { username }),
    await ada.post(`/v2/apps/${app}/perms`, { username }),
    await ada.post('/v2/keys', { id: username, public: newPublicKey() }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
}

/** Adds a role, and a product of the app with a group and an ACL, and gives the owner all of it. */
async function addProduct(name: string): Promise<void> {
  const made = async (kind: string, body: object): Promise<string> => {
    const { status, json, text } = await root.post<{ data: { id: string } }>(`${rbac}/${kind}`, { name, ...body });
    expect([status, text]).toEqual([201, expect.any(String)]);
    return json.data.id;
  };
  const product_id = await made('product', { apps: [app] });
  const ids = {
    role: await made('role', { tag: 4 }),
    groups: await made('groups', { product_id, apps: [app], types: ['cmd'] }),
    acl: await made('acl', { product_id, allow: ['echo *'] }),
    product: product_id,
  };
  const id = await firstUser();
  const { user } = (await root.get<{ user: Record<string, string[]> }>(`${rbac}/user/${id}`)).json;
  const all = Object.fromEntries(Object.entries(ids).map(([kind, each]) => [kind, [...(user[kind] ?? []), each]]));
  expect((await root.put(`${rbac}/user/${id}`, all)).status).toBe(200);
}

/** The id of the owner, whose name comes first. */
async function firstUser(): Promise<string> {
  return (await root.get<{ users: { user: [{ id: string }] } }>(`${rbac}/user`)).json.users.user[0].id;
}

/** Every GET there is, with its parameters filled in. A route with a new parameter fails here until it gets a value. */
async function paths(): Promise<Map<string, string>> {
  const first = async (path: string): Promise<Record<string, string>> =>
    (await ada.get<{ results: Record<string, string>[] }>(path)).json.results[0] ?? {};
  const pod = await first(`/v2/apps/${app}/pods`);
  const key = await first('/v2/keys');
  const values: Record<string, string | undefined> = {
    app,
    version: 'v2',
    type: 'cmd',
    typeOrName: 'cmd',
    name: pod.name,
    certificate,
    key: key.id,
    fingerprint: key.fingerprint,
    username: 'ada',
    productName: 'first',
  };
  // of a `uuid` or an `id` what it is of
  const uuids: Record<string, string | undefined> = { user: await firstUser(), operations: (await first(`/v2/apps/${app}/operations`)).id };
  uuids.builds = uuids.build = (await first(`/v2/apps/${app}/builds`)).uuid;
  uuids.runs = (await first(`/v2/apps/${app}/runs`)).id;
  for (const kind of ['role', 'product', 'groups', 'acl']) {
    uuids[kind] = (await root.get<{ data: [{ id: string }] }>(`${rbac}/${kind}`)).json.data[0].id;
  }
  const filled = (url: string): string => {
    const parts = url.split('/');
    const known = parts.map((part, index) => {
      if (!part.startsWith(':')) return part;
      const value = /^:(uuid|id)$/.test(part) ? uuids[parts[index - 1] ?? ''] : values[part.slice(1)];
      if (value === undefined) throw new Error(`${url}: no value for ${part}`);
      return value;
    });
    return known.join('/');
  };
  const gets = [...keelson.app.get(RouteTable).routes].filter(([url, methods]) => methods.has('GET') && /^\/(v2|saltshaker)/.test(url));
  return new Map(gets.map(([url]) => [url, filled(url)]));
}

/** The least of several tries: what goes on in the background can only add to it. */
async function costOf(path: string): Promise<Cost> {
  const api = /^\/(v2\/(users|admin)|saltshaker)/.test(path) ? root : ada;
  const headers = { 'X-Drycc-Builder-Auth': keelson.settings.builderKey };
  const costs: Cost[] = [];
  for (let attempt = 0; attempt < 3; attempt++) {
    keelson.statements.length = 0;
    clusterCalls = 0;
    const { status, text } = await api.get(path, { headers });
    if (status !== 200) throw new Error(`GET ${path} answers ${String(status)}: ${text}`);
    costs.push({ statements: keelson.statements.length, clusterCalls });
  }
  return {
    statements: Math.min(...costs.map(({ statements }) => statements)),
    clusterCalls: Math.min(...costs.map((cost) => cost.clusterCalls)),
  };
}

it('every GET costs the same few statements and no call to the cluster, however much there is', async () => {
  const before = new Map<string, Cost>();
  const routes = await paths();
  expect(routes.size).toBeGreaterThan(10);
  for (const [route, path] of routes) before.set(route, await costOf(path));

  await Promise.all(Array.from({ length: 12 }, () => ada.post('/v2/apps')));
  for (const name of ['api', 'docs']) await addCertificate(name);
  for (const username of ['second', 'third']) await addUser(username);
  for (const name of ['second', 'third']) await addProduct(name);
  const writes = await Promise.all(
    Array.from({ length: 12 }, (_, number) => ada.post(`/v2/apps/${app}/config`, { values: { K: number } })),
  );
  expect(writes.map(({ status }) => status)).toEqual(Array(12).fill(201));
  expect((await ada.post(`/v2/apps/${app}/scale`, { cmd: 4 })).status).toBe(204);

  for (const [route, path] of await paths()) {
    // it is a comparison of everything that an app has
    if (route.endsWith('/drift')) continue;
    const { statements, clusterCalls: calls } = await costOf(path);
    expect([route, statements]).toEqual([route, before.get(route)?.statements]);
    expect([route, statements <= STATEMENTS]).toEqual([route, true]);
    // whose lines are in the cluster alone
    if (!route.endsWith('/logs')) expect([route, calls]).toEqual([route, 0]);
  }
});
