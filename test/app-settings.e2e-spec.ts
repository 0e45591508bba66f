import type { KubernetesObject } from '../src/kubernetes/kubernetes-object.ts';
import { HORIZONTAL_POD_AUTOSCALER, INGRESS, SERVICE, type ObjectKind } from '../src/kubernetes/object-kind.ts';
import { WEB_IMAGE } from './images.ts';
import { type Api, type Keelson, startKeelson } from './keelson.ts';
import { destroyApps, LiveApp, newAppId } from './live-app.ts';
import { clusterOf } from './test-cluster.ts';

interface Settings {
  uuid: string;
  maintenance: boolean;
  routable: boolean;
  whitelist: string[];
  autoscale: Record<string, object>;
  label: Record<string, string>;
}

const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dUTC$/;
const UUID = /^[0-9a-f-]{36}$/;

let keelson: Keelson;
let root: Api;
let ada: Api;
let bob: Api;
const id = newAppId('settings');
let live: LiveApp;

beforeAll(async () => {
  keelson = await startKeelson({ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1' });
  root = await keelson.register('root');
  ada = await keelson.register('ada');
  bob = await keelson.register('bob');
  live = new LiveApp(keelson, id);
  await ada.post('/v2/apps', { id });
  expect((await ada.post(`/v2/apps/${id}/builds`, { image: WEB_IMAGE })).status).toBe(201);
});

afterAll(async () => {
  await destroyApps(root);
  await keelson.stop();
});

const at = (path: string): string => `/v2/apps/${id}/${path}`;

const object = (kind: ObjectKind, name: string): Promise<KubernetesObject | null> => clusterOf(keelson).get(kind, id, name);

/** What Drycc's and the default controller's names say on the Ingress. */
async function annotations(): Promise<Record<string, string>> {
  const all = (await object(INGRESS, id))?.metadata.annotations ?? {};
  return Object.fromEntries(Object.entries(all).filter(([name]) => /^(router\.drycc\.cc|nginx\.ingress)/.test(name)));
}

describe('settings', () => {
  it('begin with their defaults', async () => {
    const { status, json } = await ada.get(at('settings'));
    expect(status).toBe(200);
    expect(json).toEqual({
      uuid: expect.stringMatching(UUID) as string,
      owner: 'ada',
      app: id,
      maintenance: false,
      routable: true,
      whitelist: [],
      autoscale: {},
      label: {},
      created: expect.stringMatching(UTC) as string,
      updated: expect.stringMatching(UTC) as string,
    });
  });

  it('are merged with what was there, and answered whole', async () => {
    const before = (await ada.get<Settings>(at('settings'))).json;
    const first = await ada.post<Settings>(at('settings/'), { label: { team: 'search', tier: 1 } });
    expect([first.status, first.json.label]).toEqual([201, { team: 'search', tier: '1' }]);
    expect(first.json.uuid).not.toBe(before.uuid);
    const second = await ada.post<Settings>(at('settings'), { label: '{"tier": null, "beta": true}', nonsense: 1 });
    expect([second.status, second.json.label]).toEqual([201, { team: 'search', beta: 'true' }]);
    expect((await ada.get(at('settings'))).json).toEqual(second.json);
  });

  it.each([
    [
      { maintenance: 'maybe', routable: null },
      { maintenance: ['"maybe" is not a valid boolean.'], routable: ['This field may not be null.'] },
    ],
    [{ whitelist: ['1.2.3.4', 'x', '::g'] }, { whitelist: ['The address x is not valid', 'The address ::g is not valid'] }],
    [
      { autoscale: { web: { min: 0, max: -1, cpu_percent: 50 } }, label: { a: [] } },
      {
        autoscale: ['min replicas needs to be 1 or higher', 'max replicas can not be smaller than min replicas'],
        label: ['The value of a must be a string, a number or a boolean'],
      },
    ],
    [
      { autoscale: { web: { min: 1, max: 'two' } } },
      {
        autoscale: [
          `could not validate {"min":1,"max":"two"}: 'max' is not an integer`,
          `could not validate {"min":1,"max":"two"}: 'cpu_percent' is a required property`,
        ],
      },
    ],
    [{ autoscale: 'nonsense' }, { autoscale: ['Expected an object, or a string with the JSON of one.'] }],
  ])('%j is refused with every fault', async (body, faults) => {
    const before = (await ada.get(at('settings'))).json;
    expect(await ada.post(at('settings'), body)).toMatchObject({ status: 400, json: faults });
    expect((await ada.get(at('settings'))).json).toEqual(before);
  });

  it.each([
    [{ autoscale: { ghost: null } }, 'ghost does not exist under autoscale'],
    [{ label: { ghost: null } }, 'ghost does not exist under label'],
  ])('%j takes away what is not there', async (body, detail) => {
    expect(await ada.post(at('settings'), body)).toMatchObject({ status: 422, json: { detail } });
  });

  it.each([undefined, {}, { routable: true, maintenance: false }])('%j changes nothing', async (body) => {
    expect(await ada.post(at('settings'), body)).toMatchObject({ status: 409, json: { detail: 'ada changed nothing' } });
  });

  it('the same change several times at once is made once', async () => {
    const answers = await Promise.all([1, 2, 3, 4].map(() => ada.post<Settings>(at('settings'), { whitelist: ['192.0.2.1'] })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    expect((await ada.post(at('settings'), { whitelist: [] })).status).toBe(201);
  });

  it('different changes at once are all made', async () => {
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((key) => ada.post(at('settings'), { label: { [key]: key } })));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect((await ada.get<Settings>(at('settings'))).json.label).toMatchObject({ a: 'a', b: 'b', c: 'c', d: 'd' });
  });

  it('are for those who may use the app', async () => {
    expect((await bob.get(at('settings'))).status).toBe(403);
    expect((await bob.post(at('settings'), { maintenance: 'x' })).status).toBe(403);
    expect((await root.get(at('settings'))).status).toBe(200);
    expect((await ada.get('/v2/apps/no-such-app/settings')).status).toBe(404);
  });
});

describe('maintenance', () => {
  it('leads every domain away from the app, and back', async () => {
    const backend = async (): Promise<string | undefined> => {
      const spec = (await object(INGRESS, id))?.spec as { rules: { http: { paths: { backend: { service: { name: string } } }[] } }[] };
      return spec.rules[0]?.http.paths[0]?.backend.service.name;
    };
    expect(await backend()).toBe(id);
    expect((await ada.post(at('settings'), { maintenance: true })).status).toBe(201);
    expect(await backend()).toBe(`${id}--maintenance`);
    expect((await object(SERVICE, `${id}--maintenance`))?.spec).not.toHaveProperty('selector');
    expect(await annotations()).toEqual({ 'router.drycc.cc/maintenance': 'true' });
    expect((await object(SERVICE, id))?.metadata.annotations).toMatchObject({ 'router.drycc.cc/maintenance': 'true' });

    expect((await ada.post(at('settings'), { maintenance: false })).status).toBe(201);
    expect(await backend()).toBe(id);
    expect(await object(SERVICE, `${id}--maintenance`)).toBeNull();
    expect(await annotations()).toEqual({});
  });
});

describe('routable', () => {
  it('takes the app off its domains, and brings it back', async () => {
    expect(await live.hosts()).toHaveLength(1);
    expect((await ada.post<Settings>(at('settings'), { routable: false })).json.routable).toBe(false);
    expect(await object(INGRESS, id)).toBeNull();
    expect((await ada.post(at('settings'), { routable: true })).status).toBe(201);
    expect(await live.hosts()).toHaveLength(1);
  });
});

describe.each(['whitelist', 'allowlist'])('%s', (name) => {
  it('grows, keeps its order, and goes', async () => {
    const list = at(name);
    expect(await ada.get(list)).toMatchObject({ status: 200, json: { addresses: [] } });
    expect(await ada.post(`${list}/`, { addresses: ['203.0.113.7', '10.0.0.0/8', '203.0.113.7'] })).toMatchObject({
      status: 201,
      json: { addresses: ['203.0.113.7', '10.0.0.0/8'] },
    });
    expect((await ada.post(list, { addresses: ['10.0.0.0/8', '2001:db8::/32'] })).json).toEqual({
      addresses: ['203.0.113.7', '10.0.0.0/8', '2001:db8::/32'],
    });
    const ranges = '203.0.113.7,10.0.0.0/8,2001:db8::/32';
    expect(await annotations()).toEqual({
      'router.drycc.cc/whitelist': ranges,
      'nginx.ingress.kubernetes.io/whitelist-source-range': ranges,
    });
    expect(await ada.post(list, { addresses: ['10.0.0.0/8'] })).toMatchObject({ status: 409, json: { detail: 'ada changed nothing' } });

    expect((await ada.delete(`${list}/`, { addresses: ['10.0.0.0/8'] })).status).toBe(204);
    expect((await ada.get(list)).json).toEqual({ addresses: ['203.0.113.7', '2001:db8::/32'] });
    expect(await ada.delete(list, { addresses: ['203.0.113.7', '::1'] })).toMatchObject({
      status: 422,
      json: { detail: "addresses {'::1'} does not exist in whitelist" },
    });
    expect((await ada.delete(list, { addresses: ['203.0.113.7', '2001:db8::/32'] })).status).toBe(204);
    expect(await annotations()).toEqual({});
  });

  it('refuses what is no address, and nothing at all', async () => {
    for (const call of ['post', 'delete'] as const) {
      expect(await ada[call](at(name), { addresses: ['1.2.3.4', '10.0.0.1/8'] })).toMatchObject({
        status: 400,
        json: { addresses: ['The address 10.0.0.1/8 is not valid'] },
      });
      expect(await ada[call](at(name))).toMatchObject({ status: 400, json: { addresses: ['This field is required.'] } });
      expect(await ada[call](at(name), { addresses: '1.2.3.4' })).toMatchObject({
        status: 400,
        json: { addresses: ['Expected a list of strings.'] },
      });
      expect((await ada[call](at(name), { addresses: [] })).status).toBe(409);
    }
  });
});

it('the same address several times at once is added once', async () => {
  const answers = await Promise.all([1, 2, 3].map(() => ada.post(at('whitelist'), { addresses: ['192.0.2.7'] })));
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
  expect((await ada.delete(at('whitelist'), { addresses: ['192.0.2.7'] })).status).toBe(204);
});

describe('autoscale', () => {
  const autoscaler = async (type: string): Promise<unknown> => (await object(HORIZONTAL_POD_AUTOSCALER, `${id}-${type}`))?.spec;

  it('hands the count of pods to the cluster until it ends', async () => {
    const rule = { min: 2, max: 4, cpu_percent: 80 };
    const { status, json } = await ada.post<Settings>(at('settings'), { autoscale: { cmd: rule, ghost: rule } });
    expect([status, json.autoscale]).toEqual([201, { cmd: rule, ghost: rule }]);
    expect(await autoscaler('cmd')).toMatchObject({
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: `${id}-cmd` },
      minReplicas: 2,
      maxReplicas: 4,
      targetCPUUtilizationPercentage: 80,
    });
    expect(await autoscaler('ghost')).toBeUndefined();
    expect(await ada.post(at('scale'), { cmd: 3 })).toMatchObject({
      status: 409,
      json: { detail: 'cmd is autoscaled between 2 and 4 pods: change or remove its autoscale rule instead' },
    });

    expect((await ada.post(at('settings'), { autoscale: { cmd: { ...rule, max: 6 } } })).status).toBe(201);
    expect(await autoscaler('cmd')).toMatchObject({ maxReplicas: 6 });

    expect((await ada.post<Settings>(at('settings'), { autoscale: { cmd: null, ghost: null } })).json.autoscale).toEqual({});
    expect(await autoscaler('cmd')).toBeUndefined();
    expect((await ada.post(at('scale'), { cmd: 1 })).status).toBe(204);
  });
});

describe('tls', () => {
  it('begins unset, and redirects when told to', async () => {
    const { status, json } = await ada.get(at('tls'));
    expect([status, json]).toEqual([
      200,
      {
        uuid: expect.stringMatching(UUID) as string,
        owner: 'ada',
        app: id,
        https_enforced: null,
        certs_auto_enabled: null,
        created: expect.stringMatching(UTC) as string,
        updated: expect.stringMatching(UTC) as string,
      },
    ]);
    const on = await ada.post(at('tls/'), { https_enforced: true });
    expect([on.status, on.json.https_enforced, on.json.certs_auto_enabled]).toEqual([201, true, null]);
    expect(await annotations()).toEqual({
      'router.drycc.cc/ssl.enforce': 'true',
      'nginx.ingress.kubernetes.io/ssl-redirect': 'true',
      'nginx.ingress.kubernetes.io/force-ssl-redirect': 'true',
    });
    expect(await ada.post(at('tls'), { https_enforced: true })).toMatchObject({ status: 409, json: { detail: 'ada changed nothing' } });
    const off = await ada.post(at('tls'), { https_enforced: false, certs_auto_enabled: false });
    expect([off.status, off.json.https_enforced, off.json.certs_auto_enabled]).toEqual([201, false, false]);
    expect(await annotations()).toEqual({
      'router.drycc.cc/ssl.enforce': 'false',
      'nginx.ingress.kubernetes.io/ssl-redirect': 'false',
    });
    expect((await ada.get(at('tls'))).json).toEqual(off.json);
  });

  it.each([{}, { https_enforced: null }])('%j changes nothing', async (body) => {
    expect((await ada.post(at('tls'), body)).status).toBe(409);
  });

  it('every fault is told', async () => {
    expect(await ada.post(at('tls'), { https_enforced: 'x', certs_auto_enabled: [] })).toMatchObject({
      status: 400,
      json: { https_enforced: ['"x" is not a valid boolean.'], certs_auto_enabled: ['"a list" is not a valid boolean.'] },
    });
  });

  it('automatic certificates are refused by a cluster without cert-manager, and undone', async () => {
    const before = (await ada.get(at('tls'))).json;
    const refused = await ada.post(at('tls'), { certs_auto_enabled: true });
    expect([refused.status, refused.json.detail]).toEqual([400, expect.stringMatching(/no Certificate of cert-manager\.io\/v1/)]);
    expect((await ada.get(at('tls'))).json).toEqual(before);
    // and nothing is left that would fail what comes next
    expect((await ada.post(at('config'), { values: { AFTER: 'refusal' } })).status).toBe(201);
  });

  it('the same switch several times at once is made once', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => ada.post(at('tls'), { https_enforced: true })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
  });
});

describe('services', () => {
  it('a type gets a Service of its own, until it is taken away', async () => {
    expect(await ada.get(at('services'))).toMatchObject({ status: 200, json: { services: [] } });
    const body = { procfile_type: 'api', path_pattern: '/api/.*' };
    expect(await ada.post(at('services/'), body)).toMatchObject({ status: 201, text: '' });
    expect((await ada.get(at('services'))).json).toEqual({ services: [body] });
    expect(await object(SERVICE, `${id}-api`)).toMatchObject({
      metadata: { annotations: { 'router.drycc.cc/path-pattern': '/api/.*' } },
      spec: { selector: { app: id, type: 'api' }, ports: [{ port: 80, targetPort: 5000 }] },
    });
    expect(await ada.post(at('services'), body)).toMatchObject({ status: 204, text: '' });

    expect((await ada.post(at('services'), { ...body, path_pattern: '/v2/.*,/v3/.*' })).status).toBe(201);
    expect((await object(SERVICE, `${id}-api`))?.metadata.annotations).toMatchObject({ 'router.drycc.cc/path-pattern': '/v2/.*,/v3/.*' });

    expect((await ada.delete(at('services/'), { procfile_type: 'api' })).status).toBe(204);
    expect(await object(SERVICE, `${id}-api`)).toBeNull();
    expect(await ada.delete(at('services'), { procfile_type: 'api' })).toMatchObject({
      status: 404,
      json: { detail: 'No Service matches the given query.' },
    });
  });

  it('every fault is told', async () => {
    expect(await ada.post(at('services'), { procfile_type: 'No!', path_pattern: '(' })).toMatchObject({
      status: 400,
      json: {
        procfile_type: ['Process types can only contain lowercase alphanumeric characters'],
        path_pattern: ['Service value should be valid regex (or set of regex split by comma)'],
      },
    });
    expect(await ada.post(at('services'))).toMatchObject({
      status: 400,
      json: { procfile_type: ['This field is required.'], path_pattern: ['This field is required.'] },
    });
    expect(await ada.post(at('services'), { procfile_type: 'web', path_pattern: '/'.repeat(2049) })).toMatchObject({
      status: 400,
      json: { path_pattern: ['Ensure this field has no more than 2048 characters.'] },
    });
    expect(await ada.delete(at('services'))).toMatchObject({ status: 400, json: { procfile_type: ['This field is required.'] } });
  });

  it('the same Service several times at once is one', async () => {
    const body = { procfile_type: 'web', path_pattern: '/' };
    const answers = await Promise.all([1, 2, 3].map(() => ada.post(at('services'), body)));
    expect(answers.map(({ status }) => status).filter((status) => status !== 201 && status !== 204)).toEqual([]);
    expect(answers.map(({ status }) => status)).toContain(201);
    expect((await ada.get(at('services'))).json).toEqual({ services: [body] });
  });
});

it('a collaborator changes everything and takes nothing away', async () => {
  expect((await ada.post(at('perms'), { username: 'bob' })).status).toBe(201);
  expect((await bob.post(at('whitelist'), { addresses: ['192.0.2.9'] })).status).toBe(201);
  expect((await bob.delete(at('whitelist'), { addresses: ['192.0.2.9'] })).status).toBe(403);
  expect((await bob.delete(at('allowlist'))).status).toBe(403);
  expect((await bob.delete(at('services'), { procfile_type: 'web' })).status).toBe(403);
  expect((await bob.post<{ owner: string }>(at('tls'), { https_enforced: false })).json.owner).toBe('bob');
});
