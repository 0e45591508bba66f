import type { OpenAPIObject } from '@nestjs/swagger';
import { DataSource } from 'typeorm';
import { issue } from './certificates.ts';
import { CommandLine, type Program, programs } from './command-line.ts';
import { WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { newPublicKey } from './ssh-key.ts';

/** What the command lines take for granted on the wire, fact by fact. `commands.e2e-spec.ts` replays their commands as a whole. */

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']> & { 'x-rule'?: string };
interface Schema {
  $ref?: string;
  properties?: Record<string, Schema>;
}

const live = newAppId('wire');
const bare = newAppId('bare');
const other = newAppId('other');
const host = `www.${live}.example.com`;
const L = `/v2/apps/${live}`;
const B = `/v2/apps/${bare}`;
const blank = ['This field may not be blank.'];
const everyProgram = Object.keys(programs) as Program[];
const json = { 'Content-Type': 'application/json' };

/** What WEB_IMAGE starts by itself, as a command. */
const SERVE = 'exec httpd -f -p "$PORT" -h /www';

let keelson: Keelson;
let ada: Api;
let drycc: CommandLine;

/** Values of path parameters, of things that are there. */
const values: Record<string, string> = {
  app: bare,
  version: 'v1',
  username: 'ada',
  domain: host,
  certificate: 'wire',
  key: 'ada@laptop',
  type: 'web',
  typeOrName: 'web',
  name: 'nothing',
  uuid: '',
  fingerprint: '',
};

const ok = async <T>(request: Promise<Answer<T>>, status = 201): Promise<T> => {
  const answer = await request;
  expect([answer.status, answer.text]).toEqual([status, expect.any(String)]);
  return answer.json;
};

beforeAll(async () => {
  keelson = await startKeelson();
  ada = await keelson.register('ada');
  await keelson.register('bob');
  drycc = new CommandLine('drycc 1.2', ada);
  for (const id of [live, bare, other]) await ok(ada.post('/v2/apps', { id }));
  const { uuid } = await ok(ada.post<{ uuid: string }>(`${L}/builds`, { image: WEB_IMAGE, procfile: { web: SERVE } }));
  values.uuid = uuid;
  await ada.post(`${L}/domains`, { domain: host });
  await ada.post('/v2/certs', { ...(await issue({ names: [host] })), name: 'wire' });
  const { fingerprint } = (await ada.post<{ fingerprint?: string }>('/v2/keys', { id: 'ada@laptop', public: newPublicKey() })).json;
  values.fingerprint = fingerprint ?? 'none';
  const { json: people } = await ada.get<{ users: { user: { id: string; username: string }[] } }>('/saltshaker/api/v1.0/user');
  values.id = people.users.user.find(({ username }) => username === 'ada')?.id ?? 'none';
});

/** Until the audit log shows all of its rows as it will show them from then on. */
const sealed = (): Promise<void> =>
  eventually(async () => {
    expect(await keelson.app.get(DataSource).query('SELECT FROM audit_unsealed')).toEqual([]);
  });

afterAll(async () => {
  await destroyApps(ada);
  await keelson.stop();
});

const filled = (path: string): string => path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? 'x'));

const operations = (): { name: string; method: string; path: string; operation: Operation }[] =>
  Object.entries(keelson.documentation.document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([verb, operation]) => {
      const method = verb.toUpperCase();
      return { name: `${method} ${path}`, method, path, operation: operation as Operation };
    }),
  );

/** Whoever has the right to call an operation, which may be the builder. */
function caller(operation: Operation): { api: Api; headers: Record<string, string> } {
  if (operation['x-rule'] !== 'builder') return { api: ada, headers: {} };
  return { api: keelson.api, headers: { 'X-Drycc-Builder-Auth': keelson.settings.builderKey } };
}

describe('the version headers', () => {
  const versions = ({ headers }: Answer): (string | null)[] => [
    headers.get('DRYCC_API_VERSION'),
    headers.get('DRYCC_PLATFORM_VERSION'),
    headers.get('DEIS_API_VERSION'),
    headers.get('DEIS_PLATFORM_VERSION'),
  ];
  const plain = ['2.0', '2.1.0', null, null];
  const go = ['2.3', '2.1.0', '2.3', '2.1.0'];

  it.each<[agent: string, expected: (string | null)[]]>([
    ...Object.values(programs).map((name): [string, string[]] => [name, go]),
    ['Drycc Go SDK', go],
    ['curl/7.88.1', plain],
    ['Mozilla/5.0 Drycc Client v1.2.1', plain],
    ['drycc client v1', plain],
    ['Drycc', plain],
  ])('to %s are %j, whatever is answered', async (agent, expected) => {
    const headers = { 'User-Agent': agent };
    expect(versions(await ada.get('/v2/apps/', { headers }))).toEqual(expected);
    expect(versions(await ada.post('/v2/keys/', {}, { headers }))).toEqual(expected);
    expect(versions(await keelson.api.get('/v2/', { headers }))).toEqual(expected);
    expect(versions(await keelson.api.get('/healthz', { headers }))).toEqual(expected);
    expect(versions(await ada.get('/v2/nothing/', { headers }))).toEqual(expected);
  });

  it('to who does not say what it is are the plain ones', async () => {
    expect(versions(await ada.get('/v2/apps/', { headers: { 'User-Agent': '' } }))).toEqual(plain);
  });
});

describe('the root', () => {
  it.each(everyProgram)('is exactly 401 to %s before it logs in, in both spellings', async (program) => {
    for (const path of ['/v2/', '/v2']) {
      const { status, json: body } = await new CommandLine(program, keelson.api).check(path);
      expect([status, body]).toEqual([401, { detail: 'Authentication credentials were not provided.' }]);
    }
  });

  it('is {} to who is logged in', async () => {
    for (const path of ['/v2/', '/v2']) expect((await drycc.request('GET', path)).json).toEqual({});
  });

  it('takes the lower-case word token', async () => {
    const headers = { Authorization: `token ${ada.token ?? ''}` };
    expect((await keelson.api.get('/v2/', { headers })).status).toBe(200);
  });
});

describe('lists', () => {
  const resolved = (schema: Schema | undefined): Schema | undefined => {
    const name = schema?.$ref?.replace(/.*\//, '');
    return name === undefined ? schema : keelson.documentation.document.components?.schemas?.[name];
  };
  const lists = (): string[] =>
    operations().flatMap(({ method, path, operation }) => {
      const answer = operation.responses['200'] as { content?: Record<string, { schema?: Schema }> } | undefined;
      const { properties = {} } = resolved(answer?.content?.['application/json']?.schema) ?? {};
      return method === 'GET' && 'results' in properties ? [path] : [];
    });

  it('have a number and an array, never null, full or empty', async () => {
    const paths = lists();
    for (const known of ['/v2/apps', '/v2/users', '/v2/keys', '/v2/certs', '/v2/admin/perms']) expect(paths).toContain(known);
    for (const part of ['pods', 'builds', 'releases', 'domains']) expect(paths).toContain(`/v2/apps/{app}/${part}`);
    const eve = await keelson.register('eve');
    for (const path of paths) {
      for (const app of [live, bare]) {
        const url = filled(path.replace('{app}', app));
        for (const query of ['', '?limit=100', '?limit=1', '?limit=0', '?offset=1000']) {
          for (const asked of [await drycc.request('GET', `${url}/${query}`), await ada.get(url + query)]) {
            expect([url, asked.status]).toEqual([url, 200]);
            expect([url, asked.json]).toEqual([url, expect.objectContaining({ count: expect.any(Number) as number })]);
            expect([url, Array.isArray(asked.json.results)]).toEqual([url, true]);
          }
        }
      }
      const none = await eve.get(filled(path));
      if (none.status === 200) expect([path, none.json]).toEqual([path, expect.objectContaining({ count: 0, results: [] })]);
      else expect([path, none.status]).toEqual([path, 403]);
    }
  });

  it('count more than they show when they are cut', async () => {
    const { json: page } = await drycc.request<{ count: number; results: object[] }>('GET', '/v2/apps/?limit=1');
    expect([page.count, page.results.length]).toEqual([3, 1]);
  });

  it.each([
    ['perms', 'users'],
    ['whitelist', 'addresses'],
    ['allowlist', 'addresses'],
    ['services', 'services'],
  ])('%s has an array under %s and nothing else, also when there is nothing', async (path, key) => {
    expect((await drycc.request('GET', `${B}/${path}/`)).json).toEqual({ [key]: [] });
  });
});

describe('bare arrays', () => {
  it.each(['pods/restart', 'pods/web/restart', 'pods/web/nothing/restart', 'pods/nothing/restart'])(
    '%s of an app without pods is []',
    async (path) => {
      expect((await drycc.request('POST', `${B}/${path}/`)).text).toBe('[]');
    },
  );

  it('restarting answers with the pods', async () => {
    const pods = await ok(drycc.request<object[]>('POST', `${L}/pods/web/restart/`), 200);
    expect(pods).toContainEqual(expect.objectContaining({ type: 'web', name: expect.any(String) as string }));
  });
});

describe('types that a client cannot do without', () => {
  const goTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
  const first = async <T>(path: string, as = drycc): Promise<T> => {
    const { results } = await ok(as.request<{ results: T[] }>('GET', path), 200);
    expect(results.length).toBeGreaterThan(0);
    return results[0] as T;
  };

  it('the id of a user is a number', async () => {
    expect((await drycc.request('GET', '/v2/auth/whoami/')).json.id).toEqual(expect.any(Number));
    expect(await first('/v2/users/?limit=1')).toMatchObject({
      id: expect.any(Number) as number,
      is_superuser: expect.any(Boolean) as boolean,
    });
    const registered = await drycc.request('POST', '/v2/auth/register/', { username: 'new', password: 'x', email: 'new@example.com' });
    expect(registered.json).toMatchObject({ id: expect.any(Number) as number });
  });

  it('the id of a certificate is a number, and its times can be parsed', async () => {
    const time = expect.stringMatching(goTime) as string;
    expect(await first('/v2/certs/')).toMatchObject({
      id: expect.any(Number) as number,
      created: time,
      updated: time,
      starts: time,
      expires: time,
    });
  });

  it('the version of a release is a number; its build and config are strings or null', async () => {
    const newest = await first<Record<string, unknown>>(`${L}/releases/`);
    expect(newest).toMatchObject({ version: 2, build: expect.any(String) as string, config: expect.any(String) as string });
    expect((await drycc.request('GET', `${L}/releases/v1/`)).json).toMatchObject({ version: 1, build: null });
  });

  it('a rollback answers with a number', async () => {
    const { version } = await ok(drycc.request('POST', `${B}/releases/rollback/`, { version: 1 }));
    expect(version).toEqual(expect.any(Number));
  });

  it('the procfile of a build is a map of strings', async () => {
    expect(await first(`${L}/builds/`)).toMatchObject({ procfile: { web: SERVE } });
  });

  it('limits are strings, however they were sent', async () => {
    await ok(drycc.request('POST', `${B}/config/`, { cpu: { web: 1 }, memory: { web: '1G' } }));
    expect((await drycc.request('GET', `${B}/config/`)).json).toMatchObject({ cpu: { web: '1' }, memory: { web: '1G' } });
    await ok(drycc.request('POST', `${B}/config/`, { cpu: { web: null }, memory: { web: null } }));
  });

  it('what is not set is an empty map, never null', async () => {
    const { json: config } = await drycc.request('GET', `/v2/apps/${other}/config/`);
    for (const field of ['values', 'memory', 'cpu', 'tags', 'registry', 'healthcheck']) expect([field, config[field]]).toEqual([field, {}]);
  });

  it('a pod says since when in a way that can be parsed', async () => {
    expect(await first(`${L}/pods/`)).toMatchObject({ started: expect.stringMatching(goTime) as string });
  });

  it('how many pods a type has is a string, and only for those who read it', async () => {
    expect(await first(`${L}/pods/`)).toMatchObject({ replicas: '1' });
    const { results } = await ok(ada.get<{ results: object[] }>(`${L}/pods/`), 200);
    expect(results[0]).not.toHaveProperty('replicas');
  });

  it('a public key has at least the 16 characters that are shown', async () => {
    expect((await first<{ public: string }>('/v2/keys/')).public.length).toBeGreaterThanOrEqual(16);
    expect((await drycc.request('POST', '/v2/keys/', { id: 'short', public: 'ssh-rsa AAAA' })).status).toBe(400);
  });

  it('the result of a run is a number and a string', async () => {
    const result = await ok(drycc.request('POST', `${L}/run`, { command: 'echo hi' }), 200);
    expect(result).toMatchObject({ exit_code: 0, output: 'hi\n' });
  });

  it('settings are maps and booleans', async () => {
    const { json: settings } = await drycc.request('GET', `${B}/settings/`);
    expect(settings).toMatchObject({ autoscale: {}, label: {}, routable: true, maintenance: false, whitelist: [] });
  });

  it('tls is null until it is set', async () => {
    expect((await drycc.request('GET', `${B}/tls/`)).json).toMatchObject({ https_enforced: null, certs_auto_enabled: null });
  });
});

/** The text of an answer as far as a second call doesn't change it: metrics count the calls, and drift tells when it was looked for. */
const steady = (name: string, { text }: Answer): string =>
  name === 'GET /metrics' ? (/^# HELP \w+/.exec(text)?.[0] ?? text) : text.replace(/"checked":"[^"]*"/, '"checked":…');

describe('the slash at the end', () => {
  it('makes no difference to any operation, and nothing redirects', async () => {
    await sealed();
    for (const { name, method, path, operation } of operations()) {
      const { api, headers } = caller(operation);
      const url = filled(path);
      // a body that is none is refused before anything is done
      const call = method === 'GET' ? { headers } : { headers: { ...headers, ...json }, raw: '{' };
      const answers = [await api.request(method, url, undefined, call), await api.request(method, `${url}/`, undefined, call)];
      const [without, withIt] = answers.map((answer) => ({ status: answer.status, text: steady(name, answer) }));
      expect([name, withIt]).toEqual([name, without]);
      expect([name, method === 'GET' ? [200, 204, 404] : [400]]).toEqual([name, expect.arrayContaining([without?.status])]);
      for (const { headers: sent } of answers) expect([name, sent.get('location')]).toEqual([name, null]);
    }
  });

  it.each(['/', '//', '/v2//', '//v2', '/v2//apps//', '/V2/apps', '/v2/apps/../apps', '/nothing/', '/v2/nothing', '/docs/nothing'])(
    '%s is no redirect either',
    async (path) => {
      expect((await fetch(keelson.api.base + path, { redirect: 'manual' })).status).toBeGreaterThanOrEqual(400);
    },
  );
});

describe('Content-Type: application/json', () => {
  it('on a GET changes nothing', async () => {
    await sealed();
    for (const { name, method, path, operation } of operations()) {
      if (method !== 'GET') continue;
      const { api, headers } = caller(operation);
      const [with_, without] = [
        await api.get(filled(path), { headers: { ...headers, ...json } }),
        await api.get(filled(path), { headers }),
      ];
      expect([name, with_.status, steady(name, with_)]).toEqual([name, without.status, steady(name, without)]);
    }
  });

  it.each([
    ['POST', '/v2/apps/', 201],
    ['POST', `${B}/pods/restart/`, 200],
    ['POST', `${B}/`, 200],
    ['PATCH', '/v2/users/bob/disable/', 204],
    ['PATCH', '/v2/users/bob/enable/', 204],
    // refused for what they are to do, not for their bodies
    ['POST', `/v2/apps/${other}/releases/rollback/`, 400],
    ['POST', '/v2/keys/', 400],
  ])('with Content-Length 0 is an empty object: %s %s', async (method, path, status) => {
    const empty = await ada.request(method, path, undefined, { headers: json, raw: '' });
    expect([empty.status, empty.text]).toEqual([status, expect.not.stringMatching('parse')]);
  });

  it('with Content-Length 0 regenerates one’s own token', async () => {
    const eve = await keelson.register('eve.2');
    const { status, json: body } = await eve.request('POST', '/v2/auth/tokens/', undefined, { headers: json, raw: '' });
    expect([status, body]).toEqual([200, { token: expect.any(String) as string }]);
  });
});

describe('bodies on DELETE', () => {
  it('say whom to cancel', async () => {
    await keelson.register('carol');
    await ok(drycc.request('DELETE', '/v2/auth/cancel/', { username: 'carol' }), 204);
    expect((await drycc.request('GET', '/v2/auth/whoami/')).status).toBe(200);
    expect((await keelson.api.post('/v2/auth/login', { username: 'carol', password: 'opensesame' })).status).toBe(400);
  });

  it.each(['whitelist', 'allowlist'])('say which addresses to take off the %s', async (path) => {
    await ok(drycc.request('POST', `${B}/${path}/`, { addresses: ['10.0.0.1', '10.0.0.2'] }));
    await ok(drycc.request('DELETE', `${B}/${path}/`, { addresses: ['10.0.0.1'] }), 204);
    expect((await drycc.request('GET', `${B}/${path}/`)).json).toEqual({ addresses: ['10.0.0.2'] });
    await ok(drycc.request('DELETE', `${B}/${path}/`, { addresses: ['10.0.0.2'] }), 204);
  });

  it('say which service to remove', async () => {
    for (const type of ['web', 'worker']) await drycc.request('POST', `${B}/services/`, { procfile_type: type, path_pattern: `/${type}` });
    await ok(drycc.request('DELETE', `${B}/services/`, { procfile_type: 'web' }), 204);
    const { services } = (await drycc.request<{ services: object[] }>('GET', `${B}/services/`)).json;
    expect(services).toEqual([expect.objectContaining({ procfile_type: 'worker' })]);
    await ok(drycc.request('DELETE', `${B}/services/`, { procfile_type: 'worker' }), 204);
  });
});

describe('errors that a client tells by their words', () => {
  const account = { username: 'dora', password: 'opensesame', email: 'dora@example.com' };
  const register = '/v2/auth/register/';
  const taken = newPublicKey();
  let pem: { certificate: string; key: string };

  beforeAll(async () => {
    pem = await issue();
    await drycc.request('POST', '/v2/keys/', { id: 'taken', public: taken });
  });

  it.each<[name: string, path: string, body: () => object, status: number, answer: unknown]>([
    ['a blank username', register, () => ({ ...account, username: '' }), 400, { username: blank }],
    [
      'a username with other characters',
      register,
      () => ({ ...account, username: 'do ra' }),
      400,
      { username: ['Enter a valid username. This value may contain only letters, numbers and @/./+/-/_ characters.'] },
    ],
    [
      'a taken username',
      register,
      () => ({ ...account, username: 'ada' }),
      400,
      { username: ['A user with that username already exists.'] },
    ],
    ['a blank password', register, () => ({ ...account, password: '' }), 400, { password: blank }],
    ['no e-mail address', register, () => ({ ...account, email: 'dora' }), 400, { email: ['Enter a valid email address.'] }],
    [
      'a wrong password',
      '/v2/auth/login/',
      () => ({ username: 'ada', password: 'wrong' }),
      400,
      { non_field_errors: ['Unable to log in with provided credentials.'] },
    ],
    [
      'an app id with other characters',
      '/v2/apps/',
      () => ({ id: 'No_App' }),
      400,
      { id: ['App name can only contain a-z (lowercase), 0-9 and hyphens'] },
    ],
    ['a taken app id', '/v2/apps/', () => ({ id: live }), 400, { id: ['Application with this id already exists.'] }],
    ['a blank app id', '/v2/apps/', () => ({ id: '' }), 400, { id: blank }],
    [
      'a key in use',
      '/v2/keys/',
      () => ({ id: 'again', public: taken }),
      400,
      { public: ['Public Key is already in use'], key: ['Public Key is already in use'] },
    ],
    ['a blank key', '/v2/keys/', () => ({ id: 'blank', public: '' }), 400, { public: blank }],
    [
      'a key that is no base64',
      '/v2/keys/',
      () => ({ id: 'odd', public: 'ssh-rsa !!!!!!!!!!!!!!!!' }),
      400,
      { public: ['Key contains invalid base64 chars'] },
    ],
    [
      'what is no certificate',
      '/v2/certs/',
      () => ({ ...pem, name: 'odd', certificate: 'x' }),
      400,
      expect.objectContaining({ certificate: [expect.stringContaining('Could not load certificate')] }),
    ],
    ['a blank private key', '/v2/certs/', () => ({ ...pem, name: 'odd', key: '' }), 400, { key: blank }],
    [
      'a certificate name with other characters',
      '/v2/certs/',
      () => ({ ...pem, name: 'No_Name' }),
      400,
      { name: ['Can only contain a-z (lowercase), 0-9 and hyphens'] },
    ],
    ['a blank certificate name', '/v2/certs/', () => ({ ...pem, name: '' }), 400, { name: blank }],
    ['no host name', `${B}/domains/`, () => ({ domain: '10.0.0.1' }), 400, { domain: ['Hostname does not look valid.'] }],
    ['a taken domain', `${B}/domains/`, () => ({ domain: host }), 400, { domain: ['Domain is already in use by another application'] }],
    ['a blank image', `${B}/builds/`, () => ({ image: '' }), 400, { image: blank }],
    [
      'scaling what is not there',
      `${L}/scale/`,
      () => ({ nothing: 1 }),
      404,
      { detail: 'Container type nothing does not exist in application' },
    ],
    ['a rollback to below 1', `${B}/releases/rollback/`, () => ({ version: 0 }), 400, { detail: 'version cannot be below 0' }],
    [
      'tags that no node has',
      `${B}/config/`,
      () => ({ tags: { nowhere: 'yes' } }),
      400,
      { detail: expect.stringMatching(/^No nodes matched the provided labels: nowhere=yes/) as string },
    ],
    [
      'unsetting what is not set',
      `${B}/config/`,
      () => ({ values: { NOTHING: null } }),
      422,
      { detail: 'NOTHING does not exist under values' },
    ],
  ])('%s', async (_, path, body, status, answer) => {
    const { status: got, json: said } = await drycc.request('POST', path, body());
    expect([got, said]).toEqual([status, answer]);
  });

  it('cancelling somebody who has apps', async () => {
    const { status, json: said } = await drycc.request('DELETE', '/v2/auth/cancel/');
    expect([status, said]).toEqual([409, { detail: 'ada still has applications assigned. Delete or transfer ownership' }]);
  });

  it('what is not there is told in JSON, which is printed as it is', async () => {
    expect((await drycc.request('GET', '/v2/apps/nothing/')).text).toBe('{"detail":"No App matches the given query."}');
    expect((await drycc.request('GET', '/v2/certs/nothing')).text).toBe('{"detail":"No Certificate matches the given query."}');
    expect((await drycc.request('DELETE', `${B}/domains/nothing.example.com`)).text).toBe(
      '{"detail":"No Domain matches the given query."}',
    );
    expect((await drycc.request('DELETE', '/v2/keys/nothing')).text).toBe('{"detail":"No Key matches the given query."}');
  });

  it('a token that is not good, and one that may not', async () => {
    const stale = new CommandLine('drycc 1.2', keelson.api.as('stale'));
    expect(await stale.request('GET', '/v2/apps/')).toMatchObject({ status: 401, json: { detail: 'Invalid token.' } });
    const bob = new CommandLine('drycc 1.2', await keelson.login('bob'));
    expect(await bob.request('GET', `${B}/`)).toMatchObject({
      status: 403,
      json: { detail: 'You do not have permission to perform this action.' },
    });
  });
});

describe('logs', () => {
  it('are raw lines, of which the last one ends too', async () => {
    const { status, text, headers } = await drycc.request('GET', `${B}/logs?log_lines=100`);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(text).toMatch(/^\d\d:\d\d:\d\d drycc\[api\]: ada created initial release\n/);
    expect(text.endsWith('\n')).toBe(true);
    expect(text).not.toMatch(/"|\\n/);
  });
});

describe('the answer to a config', () => {
  it('has the release for the Go command lines, which print it, and nobody else', async () => {
    const sent = { values: { GREETING: 'hi' } };
    const { values: read } = await ok(drycc.request<{ values: object }>('POST', `${B}/config/`, sent));
    const { values: plain } = await ok(ada.post<{ values: object }>(`${B}/config/`, sent));
    expect(read).toMatchObject({
      WORKFLOW_RELEASE: expect.stringMatching(/^v\d+$/) as string,
      DRYCC_RELEASE: expect.any(String) as string,
    });
    expect(plain).not.toHaveProperty('WORKFLOW_RELEASE');
    expect(plain).toHaveProperty('DRYCC_RELEASE');
  });

  it('can be sent back without anything being stored of that', async () => {
    const { values: answered } = await ok(drycc.request<{ values: object }>('POST', `${B}/config/`, { values: { GREETING: 'hello' } }));
    await ok(drycc.request('POST', `${B}/config/`, { values: answered }));
    expect((await drycc.request('GET', `${B}/config/`)).json.values).toEqual({ GREETING: 'hello' });
  });
});

describe('what is not served yet', () => {
  it.each([
    ['GET', 'volumes/'],
    ['POST', 'volumes/'],
    ['DELETE', 'volumes/data/'],
    ['PATCH', 'volumes/data/path/'],
    ['GET', 'resources/'],
    ['POST', 'resources/'],
    ['GET', 'resources/db/'],
    ['PUT', 'resources/db/'],
    ['DELETE', 'resources/db/'],
    ['PATCH', 'resources/db/binding/'],
  ])('%s %s is not found', async (method, path) => {
    const { status, text } = await drycc.request(method, `${B}/${path}`, method === 'GET' ? undefined : {});
    expect([status, text]).toEqual([404, '{"detail":"Not found."}']);
  });
});
