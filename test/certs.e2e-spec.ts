import { DataSource } from 'typeorm';
import type { KubernetesObject } from '../src/kubernetes/kubernetes-object.ts';
import { INGRESS, SECRET } from '../src/kubernetes/object-kind.ts';
import { issue, type Issued } from './certificates.ts';
import { holdEngine, waiting } from './hold.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { clusterOf } from './test-cluster.ts';

const NO_CERTIFICATE = 'No Certificate matches the given query.';
const NO_DOMAIN = 'No Domain matches the given query.';
const ATTACHED = 'Domain already has a certificate attached to it';
const FORBIDDEN = 'You do not have permission to perform this action.';

interface Cert {
  id: number;
  owner: string;
  name: string;
  domains: string[];
}

let keelson: Keelson;
let root: Api;
/** Owns the app and most certificates. */
let ada: Api;
/** Collaborates on the app. */
let bob: Api;
/** Has nothing to do with either. */
let eve: Api;
let issued: Issued;
const app = newAppId('certs');
const other = newAppId('certs');
const www = `www.${app}.example.com`;
const api = `api.${app}.example.com`;
const umlaut = `bücher.${app}.example.com`;

beforeAll(async () => {
  keelson = await startKeelson({ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1' });
  root = await keelson.register('root');
  [ada, bob, eve] = [await keelson.register('ada'), await keelson.register('bob'), await keelson.register('eve')];
  issued = await issue({ names: [www, api] });
  await Promise.all([app, other].map((id) => ada.post('/v2/apps', { id })));
  expect((await ada.post(`/v2/apps/${app}/perms`, { username: 'bob' })).status).toBe(201);
  for (const domain of [www, api, umlaut]) expect((await ada.post(`/v2/apps/${app}/domains`, { domain })).status).toBe(201);
});

afterAll(async () => {
  await destroyApps(root);
  await keelson.stop();
});

const add = (user: Api, name: string, { certificate, key } = issued): Promise<Answer> => user.post('/v2/certs', { name, certificate, key });
const attach = (user: Api, name: string, domain: string): Promise<Answer> => user.post(`/v2/certs/${name}/domain`, { domain });
const detach = (user: Api, name: string, domain: string): Promise<Answer> => user.delete(`/v2/certs/${name}/domain/${domain}`);
const remove = (user: Api, name: string): Promise<Answer> => user.delete(`/v2/certs/${name}`);
const domainsOf = async (name: string): Promise<string[]> => (await root.get<Cert>(`/v2/certs/${name}`)).json.domains;
const names = async (user: Api, query = ''): Promise<string[]> =>
  (await user.get<{ results: Cert[] }>(`/v2/certs${query}`)).json.results.map(({ name }) => name);
const secret = (name: string, id = app): Promise<KubernetesObject | null> => clusterOf(keelson).get(SECRET, id, `${name}-cert`);
const tls = async (id = app): Promise<unknown> =>
  ((await clusterOf(keelson).get(INGRESS, id, id))?.spec as { tls?: unknown } | undefined)?.tls;
const logs = async (): Promise<string> => (await ada.get(`/v2/apps/${app}/logs`)).text;
const sql = <T>(text: string, values: unknown[] = []): Promise<T> => keelson.app.get(DataSource).query<T>(text, values);

/** Takes all certificates away. */
async function clear(): Promise<void> {
  for (const name of await names(root)) expect((await remove(root, name)).status).toBe(204);
}

describe('adding a certificate', () => {
  afterAll(clear);

  it('shows what it says of itself, and neither the certificate nor its key', async () => {
    const given = await issue({ names: ['a.example.com', 'b.example.com'], subject: [{ C: ['US'] }, { CN: ['a.example.com'] }] });
    const { status, json, text } = await add(ada, 'shown', given);
    expect(status).toBe(201);
    expect(json).toEqual({
      id: expect.any(Number) as number,
      owner: 'ada',
      name: 'shown',
      common_name: 'a.example.com',
      san: ['a.example.com', 'b.example.com'],
      domains: [],
      fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/) as string,
      starts: '2026-01-01T00:00:00Z',
      expires: '2026-12-31T23:59:59Z',
      issuer: '/C=US/CN=a.example.com',
      subject: '/C=US/CN=a.example.com',
      created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
      updated: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
    });
    expect(text).not.toContain('-----BEGIN');
    expect((await ada.get('/v2/certs/shown')).json).toEqual(json);
    expect((await ada.get('/v2/certs/')).json).toEqual({ count: 1, next: null, previous: null, results: [json] });
  });

  it('keeps the key encrypted', async () => {
    const [row] = await sql<[{ certificate: string; key: string }]>('SELECT certificate, key FROM certificates');
    expect(row.certificate).toContain('-----BEGIN CERTIFICATE-----');
    expect(row.key).not.toContain('PRIVATE KEY');
    const [, line = ''] = issued.key.split('\n');
    expect(row.key).not.toContain(line);
  });

  it.each(['rsa', 'ec', 'ed25519'] as const)('takes keys of the type %s', async (type) => {
    expect((await add(ada, `type-${type}`, await issue({ type }))).status).toBe(201);
  });

  it('takes what has expired, and what is not valid yet', async () => {
    const past = await issue({ starts: new Date('1999-01-01T00:00:00Z'), expires: new Date('1999-01-02T00:00:00Z') });
    const { status, json } = await add(ada, 'expired', past);
    expect([status, json.starts, json.expires]).toEqual([201, '1999-01-01T00:00:00Z', '1999-01-02T00:00:00Z']);
    const future = await issue({ starts: new Date('2090-01-01T00:00:00Z'), expires: new Date('2099-12-31T23:59:59Z') });
    expect((await add(ada, 'early', future)).json).toMatchObject({ starts: '2090-01-01T00:00:00Z', expires: '2099-12-31T23:59:59Z' });
  });

  it('reports every faulty field at once', async () => {
    expect((await ada.post('/v2/certs', {})).json).toEqual({
      name: ['This field is required.'],
      certificate: ['This field is required.'],
      key: ['This field is required.'],
    });
    const { status, json } = await ada.post('/v2/certs', { name: 'No_', certificate: 'junk', key: issued.certificate });
    expect(status).toBe(400);
    expect(json).toEqual({
      name: ['Can only contain a-z (lowercase), 0-9 and hyphens'],
      certificate: ['Could not load certificate: there is no PEM block CERTIFICATE in it'],
      key: ['Could not load private key: there is no PEM block PRIVATE KEY in it'],
    });
    const tooLong = await ada.post('/v2/certs', {
      name: 'x'.repeat(254),
      certificate: issued.certificate.repeat(400),
      key: issued.key.repeat(200),
    });
    expect(tooLong.json).toEqual({
      name: ['Ensure this field has no more than 253 characters.'],
      certificate: ['Ensure this field has no more than 131072 characters.'],
      key: ['Ensure this field has no more than 32768 characters.'],
    });
    // as many characters as there may be, but twice as many UTF-16 units
    const wide = await ada.post('/v2/certs', {
      name: 'wide',
      certificate: '\u{1f600}'.repeat(128 * 1024),
      key: '\u{1f600}'.repeat(32 * 1024),
    });
    expect(wide.json).toEqual({
      certificate: ['Could not load certificate: there is no PEM block CERTIFICATE in it'],
      key: ['Could not load private key: there is no PEM block PRIVATE KEY in it'],
    });
  });

  it('refuses the key of another certificate', async () => {
    const { key } = await issue();
    const { status, json, text } = await add(ada, 'mixed', { ...issued, key });
    expect([status, json]).toEqual([400, { key: ['Private key does not match the certificate'] }]);
    expect(text).not.toContain(key.split('\n')[1]);
  });

  it('refuses a name that anybody has, also when two ask at the same time', async () => {
    const taken = { name: ['certificate with this name already exists.'] };
    expect(await add(bob, 'shown')).toMatchObject({ status: 400, json: taken });
    const answers = await Promise.all([ada, bob, eve, ada].map((user) => add(user, 'raced')));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 400, 400, 400]);
    expect(answers.filter(({ status }) => status === 400).map(({ json }) => json)).toEqual([taken, taken, taken]);
  });

  it('is not done by changing one', async () => {
    for (const method of ['PUT', 'PATCH']) {
      const { status, json } = await ada.request(method, '/v2/certs/shown', {});
      expect([status, json.detail]).toEqual([405, `Method "${method}" not allowed.`]);
    }
  });
});

describe('certificates', () => {
  beforeAll(async () => {
    for (const [user, name] of [
      [ada, 'b'],
      [bob, 'a'],
      [ada, 'a-b'],
      [ada, 'aa'],
    ] as const) {
      expect((await add(user, name)).status).toBe(201);
    }
  });

  afterAll(clear);

  it('are listed by name, each user his own, administrators all', async () => {
    expect(await names(ada)).toEqual(['a-b', 'aa', 'b']);
    expect(await names(bob)).toEqual(['a']);
    expect(await names(eve)).toEqual([]);
    expect(await names(root)).toEqual(['a', 'a-b', 'aa', 'b']);
    const { json } = await ada.get<{ count: number; next: string }>('/v2/certs?limit=2');
    expect([json.count, json.next]).toEqual([3, expect.stringContaining('offset=2')]);
    expect(await names(ada, '?limit=2&offset=2')).toEqual(['b']);
  });

  it('are there for their owner and administrators alone', async () => {
    for (const user of [bob, eve]) {
      for (const answer of [
        await user.get('/v2/certs/b'),
        await attach(user, 'b', www),
        await detach(user, 'b', www),
        await user.delete('/v2/certs/b'),
      ]) {
        expect([answer.status, answer.json.detail]).toEqual([404, NO_CERTIFICATE]);
      }
    }
    expect((await root.get('/v2/certs/b')).status).toBe(200);
    expect((await ada.get('/v2/certs/nowhere')).json.detail).toBe(NO_CERTIFICATE);
    expect((await keelson.api.get('/v2/certs')).status).toBe(401);
    expect((await remove(ada, 'b')).status).toBe(204);
    expect((await ada.get('/v2/certs/b')).status).toBe(404);
    expect((await remove(root, 'a-b')).status).toBe(204);
  });
});

describe('attaching a certificate', () => {
  beforeAll(async () => {
    for (const [user, name] of [
      [ada, 'ours'],
      [bob, 'bobs'],
      [eve, 'eves'],
    ] as const) {
      expect((await add(user, name)).status).toBe(201);
    }
  });

  afterEach(async () => {
    for (const name of await names(root)) {
      for (const domain of await domainsOf(name)) expect((await detach(root, name, domain)).status).toBe(204);
    }
  });

  afterAll(clear);

  it('puts it into the cluster, and one Secret serves all domains until the last has gone', async () => {
    const answer = await attach(ada, 'ours', www);
    expect([answer.status, answer.text, answer.headers.get('content-length')]).toEqual([201, '', '0']);
    expect(await secret('ours')).toMatchObject({
      type: 'kubernetes.io/tls',
      metadata: { labels: { app, heritage: 'drycc' } },
      data: { 'tls.crt': base64(issued.certificate), 'tls.key': base64(issued.key) },
    });
    expect(await tls()).toEqual([{ secretName: 'ours-cert', hosts: [www] }]);
    expect((await attach(ada, 'ours', api)).status).toBe(201);
    expect(await tls()).toEqual([{ secretName: 'ours-cert', hosts: [api, www] }]);
    expect(await domainsOf('ours')).toEqual([api, www]);

    expect((await detach(ada, 'ours', www)).status).toBe(204);
    expect(await domainsOf('ours')).toEqual([api]);
    expect(await secret('ours')).not.toBeNull();
    expect(await tls()).toEqual([{ secretName: 'ours-cert', hosts: [api] }]);
    expect((await detach(ada, 'ours', api)).status).toBe(204);
    expect(await secret('ours')).toBeNull();
    expect(await tls()).toBeUndefined();
    expect(await logs()).toContain(`tls ${api} removed`);
  });

  it('needs a domain, of the body or else of the path, in any spelling', async () => {
    const missing = 'domain is a required field';
    for (const body of [undefined, {}, { domain: null }, { domain: ' ' }]) {
      const { status, json } = await ada.post('/v2/certs/ours/domain/', body);
      expect([status, json]).toEqual([400, { detail: missing }]);
    }
    expect((await ada.post(`/v2/certs/ours/domain/${www}`)).status).toBe(201);
    expect((await ada.post(`/v2/certs/ours/domain/${www}/`, { domain: umlaut.toUpperCase() })).status).toBe(201);
    expect(await domainsOf('ours')).toEqual([www, `xn--bcher-kva.${app}.example.com`]);
    expect((await detach(ada, 'ours', `${encodeURIComponent(umlaut)}/`)).status).toBe(204);
    expect((await ada.post('/v2/certs/ours/domain', { domain: 7 })).json).toEqual({ domain: ['Not a valid string.'] });
  });

  it('is refused for a domain that there is not, or that has one', async () => {
    for (const domain of ['nowhere.example.com', '*', '*.*', 'a b', `${'x'.repeat(64)}.example.com`]) {
      const { status, json } = await attach(ada, 'ours', domain);
      expect([status, json.detail]).toEqual([404, NO_DOMAIN]);
    }
    expect((await detach(ada, 'ours', 'nowhere.example.com')).json.detail).toBe(NO_DOMAIN);
    expect((await attach(ada, 'ours', www)).status).toBe(201);
    for (const answer of [await attach(ada, 'ours', www), await attach(bob, 'bobs', www)]) {
      expect([answer.status, answer.json.detail]).toEqual([409, ATTACHED]);
    }
    // it is on the domain, but not this one
    expect(await detach(bob, 'bobs', www)).toMatchObject({ status: 404, json: { detail: NO_DOMAIN } });
    expect(await domainsOf('ours')).toEqual([www]);
  });

  it('takes rights to the app, as detaching does', async () => {
    expect(await attach(eve, 'eves', www)).toMatchObject({ status: 403, json: { detail: FORBIDDEN } });
    expect((await attach(bob, 'bobs', www)).status).toBe(201);
    expect((await detach(bob, 'bobs', www)).status).toBe(204);
    expect((await attach(root, 'eves', www)).status).toBe(201);
    expect(await detach(eve, 'eves', www)).toMatchObject({ status: 403, json: { detail: FORBIDDEN } });
    // whose certificate it is may always take it away
    expect((await remove(eve, 'eves')).status).toBe(204);
    expect(await secret('eves')).toBeNull();
  });

  it('of other names is done, and the app’s log says so', async () => {
    expect((await attach(ada, 'ours', www)).status).toBe(201);
    expect((await attach(ada, 'ours', umlaut)).status).toBe(201);
    const lines = await logs();
    expect(lines).toContain(`certificate ours does not cover xn--bcher-kva.${app}.example.com`);
    expect(lines).not.toContain(`does not cover ${www}`);
    expect(lines).not.toContain('PRIVATE KEY');
  });

  it('is one thing for all who ask for it before it is there', async () => {
    const release = await holdEngine(keelson.app.get(DataSource), app);
    const answers = [attach(ada, 'ours', www), attach(ada, 'ours', www), attach(root, 'ours', www)];
    await eventually(async () => {
      expect(await domainsOf('ours')).toEqual([www]);
    });
    // while it isn't, another one is as much too late
    expect((await attach(bob, 'bobs', www)).status).toBe(409);
    await release();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(await tls()).toEqual([{ secretName: 'ours-cert', hosts: [www] }]);
  });

  it('is won by one of several certificates', async () => {
    const answers = await Promise.all(['ours', 'bobs', 'ours', 'bobs'].map((name) => attach(root, name, www)));
    const statuses = answers.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([201, 409]));
    const winner = (await domainsOf('ours')).length > 0 ? 'ours' : 'bobs';
    expect(await tls()).toEqual([{ secretName: `${winner}-cert`, hosts: [www] }]);
    expect(await secret(winner === 'ours' ? 'bobs' : 'ours')).toBeNull();
  });

  it('doesn’t outlive its domain', async () => {
    const domain = `gone.${app}.example.com`;
    expect((await ada.post(`/v2/apps/${app}/domains`, { domain })).status).toBe(201);
    expect((await attach(ada, 'ours', domain)).status).toBe(201);
    expect((await ada.delete(`/v2/apps/${app}/domains/${domain}`)).status).toBe(204);
    expect(await domainsOf('ours')).toEqual([]);
    expect(await secret('ours')).toBeNull();
  });
});

describe('removing a certificate', () => {
  const elsewhere = `www.${other}.example.com`;

  beforeAll(async () => {
    expect((await ada.post(`/v2/apps/${other}/domains`, { domain: elsewhere })).status).toBe(201);
  });

  afterAll(clear);

  it('takes it off all domains of all apps first', async () => {
    await add(ada, 'wide');
    for (const domain of [www, api, elsewhere]) expect((await attach(ada, 'wide', domain)).status).toBe(201);
    expect(await secret('wide', other)).not.toBeNull();
    expect((await remove(ada, 'wide')).status).toBe(204);
    for (const id of [app, other]) {
      expect(await secret('wide', id)).toBeNull();
      expect(await tls(id)).toBeUndefined();
    }
    expect((await add(ada, 'wide')).json.domains).toEqual([]);
  });

  it('doesn’t wait for the cluster if it need not', async () => {
    await add(ada, 'slow');
    expect((await attach(ada, 'slow', www)).status).toBe(201);
    const { status, headers } = await ada.delete('/v2/certs/slow', undefined, { headers: { Prefer: 'respond-async' } });
    expect(status).toBe(202);
    expect(headers.get('location')).toMatch(/^\/v2\/operations\//);
    expect((await ada.get('/v2/certs/slow')).status).toBe(404);
    await eventually(async () => {
      expect(await secret('slow')).toBeNull();
    });
  });

  it('isn’t held up by an app that goes', async () => {
    const id = newAppId('certs');
    const domain = `www.${id}.example.com`;
    await add(ada, 'left');
    expect((await ada.post('/v2/apps', { id })).status).toBe(201);
    expect((await ada.post(`/v2/apps/${id}/domains`, { domain })).status).toBe(201);
    expect((await attach(ada, 'left', domain)).status).toBe(201);
    const release = await holdEngine(keelson.app.get(DataSource), id);
    const destroyed = ada.delete(`/v2/apps/${id}`);
    await eventually(async () => {
      expect(await sql('SELECT FROM apps WHERE id = $1 AND destroying IS NOT NULL', [id])).toHaveLength(1);
    });
    expect(await attach(ada, 'left', domain)).toMatchObject({ status: 409, json: { detail: `${id} is being destroyed` } });
    expect((await remove(ada, 'left')).status).toBe(204);
    await release();
    expect((await destroyed).status).toBe(204);
  });

  it('takes it off what it was put on while it was taken off', async () => {
    await add(ada, 'late');
    expect((await attach(ada, 'late', www)).status).toBe(201);
    const lock = keelson.app.get(DataSource).createQueryRunner();
    await lock.startTransaction();
    await lock.query('SELECT FROM apps WHERE id = $1 FOR UPDATE', [app]);
    const removed = remove(ada, 'late');
    await waiting(keelson.app.get(DataSource), 1);
    expect((await attach(ada, 'late', elsewhere)).status).toBe(201);
    await lock.commitTransaction();
    await lock.release();
    expect((await removed).status).toBe(204);
    expect([await secret('late'), await secret('late', other)]).toEqual([null, null]);
  });

  it('leaves nothing behind of those who attach it meanwhile', async () => {
    for (let round = 0; round < 5; round++) {
      const name = `round-${String(round)}`;
      await add(ada, name);
      const [removed, ...attached] = await Promise.all([
        remove(ada, name),
        ...[www, api, elsewhere].map((domain) => attach(ada, name, domain)),
      ]);
      expect(removed.status).toBe(204);
      for (const { status } of attached) expect([201, 404]).toContain(status);
      expect(await sql('SELECT FROM attachments')).toEqual([]);
    }
    await eventually(async () => {
      expect([await tls(), await tls(other)]).toEqual([undefined, undefined]);
    });
  });
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');
