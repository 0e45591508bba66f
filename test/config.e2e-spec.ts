import { DataSource } from 'typeorm';
import { NODE } from '../src/kubernetes/object-kind.ts';
import { WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { destroyApps, LiveApp, newAppId } from './live-app.ts';
import { clusterOf } from './test-cluster.ts';

interface Config {
  uuid: string;
  owner: string;
  app: string;
  values: Record<string, string>;
  tags: Record<string, string>;
  registry: Record<string, string>;
  healthcheck: Record<string, object>;
}
interface Release {
  version: number;
  summary: string;
  failed: boolean;
  exception: string | null;
}

const keySyntax = 'Config keys must start with a letter or underscore and only contain [A-z0-9_]';
const typeSyntax = 'Process types can only contain lowercase alphanumeric characters';
const memoryFormat = 'Memory limit format: <number><unit> or <number><unit>/<number><unit>, where unit = B, K, M or G';
const cpuFormat = 'CPU limit format: <value> or <value>/<value>, where value must be a numeric';
const notAMap = 'Expected an object, or a string with the JSON of one.';

let keelson: Keelson;
/** Owner of the apps, a collaborator, an administrator. */
let ada: Api;
let grace: Api;
let root: Api;

const path = (id: string): string => `/v2/apps/${id}/config`;
const read = async (id: string, api = ada): Promise<Config> => (await api.get<Config>(path(id))).json;
const write = (id: string, body: unknown, api = ada): Promise<Answer<Config>> => api.post(path(id), body);
const releases = async (id: string): Promise<Release[]> =>
  (await ada.get<{ results: Release[] }>(`/v2/apps/${id}/releases?limit=1000`)).json.results;

async function share(id: string, username: string): Promise<void> {
  await keelson.app
    .get(DataSource)
    .query(
      'INSERT INTO collaborations (app_uuid, user_id) SELECT apps.uuid, users.id FROM apps, users WHERE apps.id = $1 AND username = $2',
      [id, username],
    );
}

beforeAll(async () => {
  keelson = await startKeelson({ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1' });
  root = await keelson.register('root');
  ada = await keelson.register('ada');
  grace = await keelson.register('grace');
});

afterAll(async () => {
  await destroyApps(root);
  await keelson.stop();
});

describe('the config of an app without a build', () => {
  const id = newAppId('config');

  beforeAll(async () => {
    await ada.post('/v2/apps', { id });
    await share(id, 'grace');
  });

  it('is merged, as a release of its own, and nothing is rolled out', async () => {
    const first = await write(id, { values: { PORT: 5000, DEBUG: true, NAME: 'Ångström', EMPTY: '' }, memory: { web: '1G' } });
    expect(first.status).toBe(201);
    expect(first.headers.get('x-drycc-release')).toBe('2');
    const values = { PORT: '5000', DEBUG: 'true', NAME: 'Ångström', EMPTY: '' };
    expect(first.json).toMatchObject({
      owner: 'ada',
      app: id,
      values: { ...values, DRYCC_APP: id, DRYCC_RELEASE: 'v2' },
      memory: { web: '1G' },
      cpu: {},
      tags: {},
      registry: {},
      healthcheck: {},
      termination_grace_period: {},
      lifecycle_post_start: {},
      lifecycle_pre_stop: {},
      created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dUTC$/) as string,
    });
    expect(await read(id)).toMatchObject({ uuid: first.json.uuid, values, memory: { web: '1G' } });

    const second = await write(id, { values: { DEBUG: null, NAME: 'x' }, memory: { worker: '64M/128M' } }, grace);
    expect(second.headers.get('x-drycc-release')).toBe('3');
    expect(await read(id)).toMatchObject({
      owner: 'grace',
      values: { EMPTY: '', NAME: 'x', PORT: '5000' },
      memory: { web: '1G', worker: '64M/128M' },
    });
    expect((await releases(id)).map(({ summary }) => summary)).toEqual([
      'grace changed NAME, deleted DEBUG and grace changed limits for memory',
      'ada added DEBUG, EMPTY, NAME, PORT and ada changed limits for memory',
      'ada created initial release',
    ]);
    const log = (await ada.get(`/v2/apps/${id}/logs`)).text;
    expect(log).toContain(`config ${id}-${second.json.uuid.slice(0, 7)} updated`);
    expect(log).toContain('grace changed NAME, deleted DEBUG');
    expect(await new LiveApp(keelson, id).deployment('web')).toBeNull();
  });

  it('names the release to the Go command lines as they know it', async () => {
    const { json } = await ada.post<Config>(path(id), { values: { GO: '1' } }, { headers: { 'User-Agent': 'Drycc Client v1.2.1' } });
    expect(json.values).toMatchObject({ DRYCC_RELEASE: 'v4', WORKFLOW_RELEASE: 'v4' });
    expect((await write(id, { values: { GO: '2' } })).json.values).not.toHaveProperty('WORKFLOW_RELEASE');
  });

  it('takes an answer that is sent back, without keeping the names of the platform', async () => {
    const answer = (await write(id, { values: { ECHO: '1' } })).json;
    const { status, json } = await write(id, { values: { ...answer.values, WORKFLOW_RELEASE: 'v9' }, owner: 'x', uuid: 'x', app: 'x' });
    expect(status).toBe(201);
    expect(json).toMatchObject({ owner: 'ada', app: id });
    expect(Object.keys(await read(id).then(({ values }) => values))).toEqual(['ECHO', 'EMPTY', 'GO', 'NAME', 'PORT']);
    expect((await releases(id))[0]?.summary).toBe('ada changed nothing');
  });

  it('takes maps as strings with their JSON, keys from JavaScript, and no body at all', async () => {
    const { status } = await write(id, { values: '{"AS_TEXT": "yes", "constructor": "c"}', tags: '{}', cpu: { constructor: '500m' } });
    expect(status).toBe(201);
    expect(await read(id)).toMatchObject({ values: { AS_TEXT: 'yes', constructor: 'c' }, cpu: { constructor: '500m' } });
    expect((await write(id, undefined)).status).toBe(201);
  });

  it('turns the health checks of old into probes', async () => {
    expect((await write(id, { values: { HEALTHCHECK_URL: '/healthz', HEALTHCHECK_TIMEOUT: 7 } })).status).toBe(201);
    const config = await read(id);
    expect(config.values).not.toHaveProperty('HEALTHCHECK_URL');
    expect(config.healthcheck).toEqual({
      'web/cmd': {
        livenessProbe: expect.objectContaining({ httpGet: { path: '/healthz' }, timeoutSeconds: 7, successThreshold: 1 }) as object,
        readinessProbe: expect.objectContaining({ httpGet: { path: '/healthz' }, initialDelaySeconds: 50 }) as object,
      },
    });
    expect((await write(id, { healthcheck: { 'web/cmd': { livenessProbe: null } } })).status).toBe(201);
    expect(Object.keys((await read(id)).healthcheck['web/cmd'] ?? {})).toEqual(['readinessProbe']);
    expect((await write(id, { healthcheck: { 'web/cmd': null } })).status).toBe(201);
    expect((await read(id)).healthcheck).toEqual({});
  });

  it('shows the password of a registry to nobody but owners', async () => {
    const registry = { USERNAME: 'puller', Password: 'correct horse', hostname: 'registry.example.com' };
    const { json } = await write(id, { registry });
    const stored = { username: 'puller', password: 'correct horse', hostname: 'registry.example.com' };
    expect(json.registry).toEqual(stored);
    for (const api of [ada, root]) expect((await read(id, api)).registry).toEqual(stored);
    const masked = { ...stored, password: '******' };
    expect((await read(id, grace)).registry).toEqual(masked);
    expect((await write(id, { values: { BY_GRACE: '1' } }, grace)).json.registry).toEqual(masked);
    expect((await read(id)).registry).toEqual(stored);
    expect((await write(id, { registry: { username: null, password: null, hostname: null } })).status).toBe(201);
  });

  it('takes tags that a node has, and no others', async () => {
    const nodes = await clusterOf(keelson).list(NODE, undefined, '');
    const hostname = nodes[0]?.metadata.labels?.['kubernetes.io/hostname'] ?? '';
    expect((await write(id, { tags: { 'kubernetes.io/hostname': hostname } })).status).toBe(201);

    const refused = await write(id, { tags: { rack: 'b', zone: 'a' } });
    expect([refused.status, refused.json]).toEqual([
      400,
      {
        detail: `No nodes matched the provided labels: kubernetes.io/hostname=${hostname}, rack=b, zone=a - Addition of rack=b, zone=a is the cause`,
      },
    ]);
    expect((await read(id)).tags).toEqual({ 'kubernetes.io/hostname': hostname });
    expect((await write(id, { tags: { 'kubernetes.io/hostname': null } })).status).toBe(201);
  });

  it('refuses to unset what is not there, and stores nothing', async () => {
    const before = [await read(id), await releases(id)];
    for (const [body, detail] of [
      [{ values: { NOT_THERE: null, A: '1' } }, 'NOT_THERE does not exist under values'],
      [{ values: { 'not a key': null } }, 'not a key does not exist under values'],
      [{ memory: { worker2: null } }, 'worker2 does not exist under memory'],
      [{ tags: { zone: null } }, 'zone does not exist under tags'],
      [{ registry: { password: null } }, 'password does not exist under registry'],
      [{ healthcheck: { web: null } }, 'web does not exist under healthcheck'],
      [{ termination_grace_period: { web: null } }, 'web does not exist under termination_grace_period'],
    ] as const) {
      const { status, json } = await write(id, body);
      expect([status, json]).toEqual([422, { detail }]);
    }
    expect([await read(id), await releases(id)]).toEqual(before);
  });

  it.each<[string, unknown, Record<string, string[]>]>([
    ['values that are a list', { values: ['A'] }, { values: [notAMap] }],
    ['values that are text', { values: 'A=1' }, { values: [notAMap] }],
    ['values that are null', { values: null }, { values: ['This field may not be null.'] }],
    [
      'a nested value',
      { values: { A: { b: 1 } } },
      { values: ['The value of A must be a string, a number or a boolean, or null to unset it'] },
    ],
    [
      'a list for a value',
      { values: { A: [1] } },
      { values: ['The value of A must be a string, a number or a boolean, or null to unset it'] },
    ],
    ['a key with a hyphen', { values: { 'A-B': '1' } }, { values: [keySyntax] }],
    ['a key with a digit first', { values: { '1A': '1' } }, { values: [keySyntax] }],
    ['an empty key', { values: { '': '1' } }, { values: [keySyntax] }],
    ['a NUL character', { values: { A: 'a\0b' } }, { values: ['The value of A must be valid Unicode without NUL characters'] }],
    ['half a surrogate pair', { values: { A: '\ud800' } }, { values: ['The value of A must be valid Unicode without NUL characters'] }],
    ['a port in words', { values: { PORT: 'http' } }, { values: ['PORT can only be a numeric value'] }],
    ['port 0', { values: { PORT: 0 } }, { values: ['PORT needs to be between 1 and 65535'] }],
    ['port 65536', { values: { PORT: '65536' } }, { values: ['PORT needs to be between 1 and 65535'] }],
    [
      'a health check without a path',
      { values: { HEALTHCHECK_URL: 'http://example.com' } },
      { values: ['HEALTHCHECK_URL is missing a URI path (such as /healthz). Without it no health check can be done'] },
    ],
    [
      'a health check with a query',
      { values: { HEALTHCHECK_URL: '/x?y=1' } },
      { values: ['HEALTHCHECK_URL can only be a URI path (such as /healthz) that does not contain other things such as query params'] },
    ],
    [
      'a health check time in words',
      { values: { HEALTHCHECK_TIMEOUT: 'x' } },
      { values: ['HEALTHCHECK_TIMEOUT can only be a numeric value'] },
    ],
    [
      'a deploy time-out in words',
      { values: { DRYCC_DEPLOY_TIMEOUT: 'x' } },
      { values: ['DRYCC_DEPLOY_TIMEOUT can only be a numeric value'] },
    ],
    [
      'an unknown pull policy',
      { values: { IMAGE_PULL_POLICY: 'Sometimes' } },
      { values: ['IMAGE_PULL_POLICY needs to be one of Always, IfNotPresent, Never'] },
    ],
    ['memory without a unit', { memory: { web: '10' } }, { memory: [memoryFormat] }],
    ['memory with two units', { memory: { web: '20MK' } }, { memory: [memoryFormat] }],
    ['a memory request above its limit', { memory: { web: '2G/1G' } }, { memory: ['A request must not be more than its limit'] }],
    ['memory for a type in capitals', { memory: { WEB: '1G' } }, { memory: [typeSyntax] }],
    ['cpu in words', { cpu: { web: 'm' } }, { cpu: [cpuFormat] }],
    ['negative cpu', { cpu: { web: '-1' } }, { cpu: [cpuFormat] }],
    ['a tag key with two slashes', { tags: { 'a/b/c': 'd' } }, { tags: ['Tag key prefixes must be DNS subdomains.'] }],
    ['a tag with a long prefix', { tags: { [`${'a'.repeat(254)}/b`]: 'c' } }, { tags: ['Tag key prefixes must 253 characters or less.'] }],
    ['a tag with a wrong key', { tags: { 'a b': 'c' } }, { tags: ['Tag keys must be alphanumeric or "-_.", and 1-63 characters.'] }],
    ['a tag with a wrong value', { tags: { a: 'b!' } }, { tags: ['Tag values must be alphanumeric or "-_.", and 1-63 characters.'] }],
    ['a registry key with a hyphen', { registry: { 'user-name': 'x' } }, { registry: [keySyntax] }],
    [
      'an unknown probe',
      { healthcheck: { web: { startupProbe: {} } } },
      { healthcheck: ['Healthcheck keys must be either livenessProbe or readinessProbe'] },
    ],
    [
      'a liveness probe that wants two successes',
      { healthcheck: { web: { livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } } } },
      { healthcheck: ['livenessProbe successThreshold can only be 1'] },
    ],
    [
      'a grace period in words',
      { termination_grace_period: { web: 'long' } },
      { termination_grace_period: ['Termination Grace Period format: <value>, where value must be a numeric'] },
    ],
    ['an empty hook', { lifecycle_pre_stop: { web: ' ' } }, { lifecycle_pre_stop: ["Command can't be empty for process type"] }],
    [
      'several faults, and names all of them',
      { values: { '1A': '1', PORT: 'x' }, memory: { web: 'x' }, cpu: { 'Web!': 'x' }, tags: [] },
      { values: [keySyntax, 'PORT can only be a numeric value'], memory: [memoryFormat], cpu: [typeSyntax, cpuFormat], tags: [notAMap] },
    ],
  ])('refuses %s', async (_, body, faults) => {
    const { status, json } = await write(id, body);
    expect([status, json]).toEqual([400, faults]);
  });

  it('refuses a registry without a port, and more than fits', async () => {
    expect((await write(id, { values: { PORT: null } })).status).toBe(201);
    const portless = await write(id, { registry: { username: 'x' } });
    expect([portless.status, portless.json]).toEqual([400, { detail: 'PORT needs to be set in the config when using a private registry' }]);
    const large = Object.fromEntries(Array.from({ length: 10 }, (__, number) => [`LARGE_${String(number)}`, 'x'.repeat(100_000)]));
    const { status, json } = await write(id, { values: large });
    expect([status, json]).toEqual([400, { detail: expect.stringContaining('which is more than fits: at most 900 KiB') as string }]);
  });

  it('is written by 30 at once without losing any', async () => {
    const [latest] = await releases(id);
    const base = latest?.version ?? 0;
    const answers = await Promise.all(
      Array.from({ length: 30 }, (__, number) => write(id, { values: { [`P_${String(number)}`]: number } })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(201));
    const versions = answers.map(({ headers }) => Number(headers.get('x-drycc-release'))).sort((a, b) => a - b);
    expect(versions).toEqual(Array.from({ length: 30 }, (__, number) => base + 1 + number));
    expect(Object.keys((await read(id)).values).filter((key) => key.startsWith('P_'))).toHaveLength(30);
  });

  it('is kept from strangers', async () => {
    const stranger = await keelson.register('stranger');
    expect((await stranger.get(path(id))).status).toBe(403);
    expect((await write(id, { values: { 'not a key': '1' } }, stranger)).status).toBe(403);
  });
});

describe('the config of an app that runs', () => {
  const id = newAppId('running');
  let live: LiveApp;

  beforeAll(async () => {
    live = new LiveApp(keelson, id);
    await ada.post('/v2/apps', { id });
    const { status, text } = await ada.post(`/v2/apps/${id}/builds`, { image: WEB_IMAGE });
    expect([status, text]).toEqual([201, expect.any(String)]);
  });

  it('replaces the pods when it changes', async () => {
    expect(await live.up(ada)).toEqual(['cmd v2']);
    const { status, headers } = await write(id, { values: { GREETING: 'hello' } });
    expect([status, headers.get('x-drycc-release')]).toEqual([201, '3']);
    expect(await live.up(ada)).toEqual(['cmd v3']);
  });

  it('takes 30 writes at once in no more than three roll-outs', async () => {
    const before = await live.revision('cmd');
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, number) => write(id, { values: { [`K_${String(number)}`]: number } })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(201));
    const versions = answers.map(({ headers }) => Number(headers.get('x-drycc-release'))).sort((a, b) => a - b);
    expect(versions).toEqual(Array.from({ length: 30 }, (_, number) => 4 + number));
    const { values } = await read(id);
    for (let number = 0; number < 30; number++) expect(values[`K_${String(number)}`]).toBe(String(number));
    expect((await live.revision('cmd')) - before).toBeLessThanOrEqual(3);
    expect(await live.up(ada)).toEqual(['cmd v33']);
    expect((await releases(id)).every(({ failed }) => !failed)).toBe(true);
  });

  it('sets and unsets limits, probes and hooks', async () => {
    const container = async (): Promise<object> => {
      const spec = (await live.deployment('cmd'))?.spec as { template: { spec: { containers: object[] } } };
      return spec.template.spec.containers[0] ?? {};
    };
    const set = await write(id, {
      memory: { cmd: '64M/128M' },
      healthcheck: { cmd: { livenessProbe: { httpGet: { path: '/healthz', port: 5000 } }, readinessProbe: { tcpSocket: { port: 5000 } } } },
      lifecycle_pre_stop: { cmd: 'true' },
    });
    expect([set.status, set.headers.get('x-drycc-release')]).toEqual([201, '34']);
    expect(await container()).toMatchObject({
      resources: { limits: { memory: '128Mi' }, requests: { memory: '64Mi' } },
      livenessProbe: { httpGet: { path: '/healthz', port: 5000 } },
      readinessProbe: { tcpSocket: { port: 5000 } },
      lifecycle: { preStop: { exec: { command: ['/bin/sh', '-c', 'true'] } } },
    });

    const unset = await write(id, { memory: { cmd: null }, healthcheck: { cmd: null }, lifecycle_pre_stop: { cmd: null } });
    expect([unset.status, unset.headers.get('x-drycc-release')]).toEqual([201, '35']);
    const left = await container();
    expect(left).toMatchObject({ resources: {}, readinessProbe: { tcpSocket: { port: 5000 } } });
    expect(left).not.toHaveProperty('livenessProbe');
    expect(left).not.toHaveProperty('lifecycle');
    expect(await live.up(ada)).toEqual(['cmd v35']);
    // an ordinary change goes on as ever
    expect((await write(id, { values: { AFTER: '1' } })).status).toBe(201);
    expect(await live.up(ada)).toEqual(['cmd v36']);
  });

  it('answers at once, with the operation to watch, to who prefers that', async () => {
    const { status, headers, json } = await ada.post<{ id: string; app: string; kind: string }>(
      path(id),
      { values: { LATER: '1' } },
      { headers: { Prefer: 'respond-async' } },
    );
    expect([status, headers.get('x-drycc-release'), headers.get('preference-applied')]).toEqual([202, '37', 'respond-async']);
    expect(headers.get('location')).toBe(`/v2/operations/${json.id}`);
    expect(json).toMatchObject({ app: id, kind: 'deploy' });
    // whoever writes next waits for both
    expect((await write(id, { values: { LATER: '2' } })).status).toBe(201);
    expect(['succeeded', 'superseded']).toContain((await ada.get<{ state: string }>(headers.get('location') ?? '')).json.state);
  });

  it('is undone when its release does not come up, with the cause in words', async () => {
    const running = await live.up(ada);
    const answer = await write(id, { values: { MARK: 'bad', DRYCC_DEPLOY_TIMEOUT: 5 }, cpu: { cmd: '100000' } });
    expect(answer.status).toBe(400);
    const detail = (answer.json as unknown as { detail: string }).detail;
    expect(detail).toMatch(/^\(app::deploy\): There was a problem deploying v39\. Rolling back process types to release v38\.\n/);
    expect((await read(id)).values).not.toHaveProperty('MARK');
    expect((await releases(id))[0]).toMatchObject({
      version: 39,
      failed: true,
      summary: 'ada deployed a config that failed',
      exception: `error: ${detail}`,
    });
    expect(await live.up(ada)).toEqual(running);
    // and the next one has nothing of it
    const next = await write(id, { values: { NEXT: '1' } });
    expect([next.status, next.json.values.MARK]).toEqual([201, undefined]);
    expect(await live.up(ada)).toEqual(['cmd v40']);
  });
});
