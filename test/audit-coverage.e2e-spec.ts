import { DataSource } from 'typeorm';
import type { Role } from '../src/auth/access-table.ts';
import { NotFound } from '../src/http/errors.ts';
import { idOf } from '../src/rbac/ids.ts';
import { User } from '../src/users/user.entity.ts';
import { UsersService } from '../src/users/users.service.ts';
import { accessRows, Calls, guest, methodOf } from './calls.ts';
import { WEB_IMAGE } from './images.ts';
import { type Answer, type Keelson, startKeelson } from './keelson.ts';
import { destroyApps } from './live-app.ts';

/** Whatever changes something is in the audit log, with the request that did it; what only reads is not. */

const rbac = '/saltshaker/api/v1.0';

/**
 * By route, what kind of object its row names, and whether it names an app too. A route that isn't here fails.
 */
const cases: Record<string, { object: string; app?: true }> = {
  'POST /v2/auth/register': { object: 'user' },
  'POST /v2/auth/login': { object: 'user' },
  'POST /v2/auth/passwd': { object: 'user' },
  'POST /v2/auth/tokens': { object: 'user' },
  'DELETE /v2/auth/cancel': { object: 'user' },
  'PATCH /v2/users/{username}/enable': { object: 'user' },
  'PATCH /v2/users/{username}/disable': { object: 'user' },
  'POST /v2/admin/perms': { object: 'user' },
  'DELETE /v2/admin/perms/{username}': { object: 'user' },
  'POST /v2/keys': { object: 'key' },
  'DELETE /v2/keys/{key}': { object: 'key' },
  'POST /v2/certs': { object: 'cert' },
  'DELETE /v2/certs/{certificate}': { object: 'cert' },
  'POST /v2/certs/{certificate}/domain': { object: 'cert', app: true },
  'POST /v2/certs/{certificate}/domain/{domain}': { object: 'cert', app: true },
  'DELETE /v2/certs/{certificate}/domain/{domain}': { object: 'cert', app: true },
  'POST /v2/apps': { object: 'app', app: true },
  'POST /v2/apps/{app}': { object: 'app', app: true },
  'DELETE /v2/apps/{app}': { object: 'app', app: true },
  'POST /v2/apps/{app}/builds': { object: 'app', app: true },
  'POST /v2/apps/{app}/build': { object: 'app', app: true },
  'POST /v2/apps/{app}/config': { object: 'app', app: true },
  'POST /v2/apps/{app}/releases/rollback': { object: 'app', app: true },
  'POST /v2/apps/{app}/run': { object: 'app', app: true },
  'POST /v2/apps/{app}/scale': { object: 'app', app: true },
  'POST /v2/apps/{app}/stop': { object: 'app', app: true },
  'POST /v2/apps/{app}/start': { object: 'app', app: true },
  'POST /v2/apps/{app}/pods/restart': { object: 'app', app: true },
  'POST /v2/apps/{app}/pods/{typeOrName}/restart': { object: 'app', app: true },
  'POST /v2/apps/{app}/pods/{type}/{name}/restart': { object: 'app', app: true },
  'POST /v2/apps/{app}/domains': { object: 'domain', app: true },
  'DELETE /v2/apps/{app}/domains/{domain}': { object: 'domain', app: true },
  'POST /v2/apps/{app}/drift': { object: 'app', app: true },
  'POST /v2/apps/{app}/perms': { object: 'user', app: true },
  'DELETE /v2/apps/{app}/perms/{username}': { object: 'user', app: true },
  'POST /v2/apps/{app}/settings': { object: 'app', app: true },
  'POST /v2/apps/{app}/whitelist': { object: 'app', app: true },
  'DELETE /v2/apps/{app}/whitelist': { object: 'app', app: true },
  'POST /v2/apps/{app}/allowlist': { object: 'app', app: true },
  'DELETE /v2/apps/{app}/allowlist': { object: 'app', app: true },
  'POST /v2/apps/{app}/tls': { object: 'app', app: true },
  'POST /v2/apps/{app}/services': { object: 'app', app: true },
  'DELETE /v2/apps/{app}/services': { object: 'app', app: true },
  'POST /v2/hooks/build': { object: 'app', app: true },
  [`POST ${rbac}/login`]: { object: 'user' },
  [`POST ${rbac}/user`]: { object: 'user' },
  [`POST ${rbac}/user/register`]: { object: 'user' },
  [`POST ${rbac}/user/reset/{id}`]: { object: 'user' },
  [`POST ${rbac}/user/reset/owner/{id}`]: { object: 'user' },
  [`PUT ${rbac}/user/{id}`]: { object: 'user' },
  [`DELETE ${rbac}/user/{id}`]: { object: 'user' },
  ...Object.fromEntries(
    ['role', 'product', 'groups', 'acl'].flatMap((kind) =>
      [`POST ${rbac}/${kind}`, `PUT ${rbac}/${kind}/{id}`, `DELETE ${rbac}/${kind}/{id}`].map((route) => [
        route,
        { object: kind === 'groups' ? 'group' : kind },
      ]),
    ),
  ),
};

/** Reads, for all that they have a body. */
const reads = ['POST /v2/hooks/config'];

/** Who is in the log for a call that is made without a token. */
const named: Record<string, string> = { 'POST /v2/auth/login': guest, [`POST ${rbac}/login`]: guest, 'POST /v2/hooks/build': 'ada' };

interface Row {
  actor: string | null;
  address: string;
  action: string;
  object: string | null;
  app_uuid: string | null;
  app: string | null;
  before: unknown;
  after: unknown;
  outcome: string;
}

const rows = accessRows();
let keelson: Keelson;
let calls: Calls;
let database: DataSource;
let asked = 0;

beforeAll(async () => {
  keelson = await startKeelson({ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1' });
  database = keelson.app.get(DataSource);
  calls = await Calls.prepare(keelson);
});

afterAll(async () => {
  await destroyApps(calls.people.administrator);
  await keelson.stop();
});

/** A header that names a request, and what the log has of that. */
function newRequest(): { headers: Record<string, string>; rows: () => Promise<Row[]> } {
  const id = `audit-coverage-${String((asked += 1))}`;
  return {
    headers: { 'X-Request-Id': id },
    rows: () => database.query<Row[]>('SELECT * FROM audit_rows WHERE request_id = $1 ORDER BY id', [id]),
  };
}

const of = (rest: string): string => `/v2/apps/${calls.app}/${rest}`;

const committed = (found: Row[]): Row[] => found.filter(({ outcome }) => outcome === 'committed');

/** Makes a call that succeeds, as whoever may. */
async function succeed(route: string): Promise<{ role: Role; found: Row[] }> {
  const role = (['administrator', 'owner'] as const).find((each) => rows[route]?.[each] === 'passes') ?? 'anonymous';
  const { headers, rows: found } = newRequest();
  const key: Record<string, string> = role === 'anonymous' ? { 'X-Drycc-Builder-Auth': keelson.settings.builderKey } : {};
  const { status, text } = await calls.make(route, role, { ...headers, ...key });
  expect([status < 300, text]).toEqual([true, text]);
  return { role, found: await found() };
}

const routes = (is: (method: string) => boolean): string[] => [...calls.operations().keys()].filter((route) => is(methodOf(route)));

it('has a case for every route that changes something', () => {
  const changing = routes((method) => method !== 'GET').filter((route) => !reads.includes(route));
  expect(Object.keys(cases).sort()).toEqual(changing.sort());
});

const order = ['POST', 'PUT', 'PATCH', 'DELETE'];
const inOrder = Object.entries(cases).sort(([a], [b]) => order.indexOf(methodOf(a)) - order.indexOf(methodOf(b)));

it.each(inOrder)('%s is in the log', async (route, { object, app }) => {
  const { role, found } = await succeed(route);
  const action = calls.operations().get(route)?.['x-action'];
  const actor = named[route] ?? { administrator: 'root', owner: 'ada', anonymous: null }[role as 'administrator' | 'owner' | 'anonymous'];
  const own = committed(found).filter((row) => row.action === action);
  expect(own).toEqual([
    expect.objectContaining({ actor, address: '127.0.0.1', object: expect.stringMatching(new RegExp(`^${object}:.`)) as string }),
  ]);
  const [row] = own;
  const [born] = await database.query<Row[]>(`SELECT app_uuid FROM audit_rows WHERE action = 'app.create' AND app = $1 LIMIT 1`, [
    row?.app,
  ]);
  expect([row?.app_uuid, row?.app]).toEqual(app ? [born?.app_uuid, expect.any(String)] : [null, null]);
  if (route.includes('{app}') && route !== 'DELETE /v2/apps/{app}') expect(row?.app).toBe(calls.app);
});

it('has nothing of what only reads', async () => {
  for (const route of [...routes((method) => method === 'GET'), ...reads]) {
    expect([route, (await succeed(route)).found]).toEqual([route, []]);
  }
});

describe('a change of an app', () => {
  const post = async (path: string, body: object): Promise<Row[]> => {
    const { headers, rows: found } = newRequest();
    const { status, text } = await calls.people.owner.post(path, body, { headers: { ...headers, Prefer: 'respond-async' } });
    expect([status < 300, text]).toEqual([true, text]);
    return committed(await found());
  };
  it('that runs something has the config masked in its command', async () => {
    expect((await calls.people.owner.post(of('config'), { values: { SECRET: 'canary' } })).status).toBe(201);
    const [row] = await post(of('run'), { command: 'echo a canary' });
    expect(row?.after).toEqual({ pod: expect.any(String) as string, command: 'echo a ***' });
  });

  it('of its config is shown by its keys', async () => {
    await post(of('config'), { values: { PORT: '5000', OLD: 'first-canary' } });
    const body = {
      values: { OLD: null, NEW: 'second-canary' },
      registry: { username: 'me', password: 'third-canary' },
      memory: { cmd: '64M' },
    };
    expect(await post(of('config'), body)).toEqual([
      expect.objectContaining({
        action: 'config.set',
        before: { values: { OLD: '***' } },
        after: { values: { NEW: '***' }, registry: { username: '***', password: '***' }, memory: { cmd: '64M' } },
      }),
    ]);
  });

  it('by a build has the names of its processes', async () => {
    const body = { image: WEB_IMAGE, sha: 'abc123', procfile: { cmd: 'serve --password fourth-canary' } };
    const [row] = await post(of('builds'), body);
    expect(row?.after).toEqual({ build: expect.any(String) as string, image: WEB_IMAGE, sha: 'abc123', types: ['cmd'] });
  });

  it('that gives it away is a transfer', async () => {
    const { json } = await calls.people.owner.post<{ id: string; uuid: string }>('/v2/apps');
    const [row] = await post(`/v2/apps/${json.id}`, { owner: guest });
    const given = { action: 'app.transfer', app_uuid: json.uuid, before: { owner: 'ada' }, after: { owner: guest } };
    expect(row).toEqual(expect.objectContaining(given));
  });

  it.each([
    ['perms', { username: guest }],
    ['scale', { cmd: 1 }],
    ['services', { procfile_type: 'cmd', path_pattern: '/same' }],
  ])('by %s that is so already is the same before and after', async (rest, body) => {
    await post(of(rest), body);
    const [row] = await post(of(rest), body);
    expect(row?.after).not.toBeNull();
    expect(row?.before).toEqual(row?.after);
  });
});

/** What is refused when it is under way. */
it.each<[string, (headers: Record<string, string>) => Promise<Answer>]>([
  ['POST config', (headers) => calls.people.owner.post(of('config'), { values: { NOT_THERE: null } }, { headers })],
  ['POST rollback', (headers) => calls.people.owner.post(of('releases/rollback'), { version: 99_999 }, { headers })],
  ['POST perms', (headers) => calls.people.owner.post(of('perms'), { username: 'nobody' }, { headers })],
  ['POST tls', (headers) => calls.people.owner.post(of('tls'), {}, { headers })],
  ['DELETE domain', (headers) => calls.people.owner.delete(of('domains/not.there.example.com'), undefined, { headers })],
  ['POST apps', (headers) => calls.people.owner.post('/v2/apps', { id: calls.app }, { headers })],
  ['POST register', (headers) => keelson.api.post('/v2/auth/register', { username: 'ada', password: 'opensesame' }, { headers })],
  ['DELETE admin', (headers) => calls.people.administrator.delete('/v2/admin/perms/root', undefined, { headers })],
  ['POST role', (headers) => calls.people.administrator.post(`${rbac}/role`, { name: 'superuser', tag: 4 }, { headers })],
])('%s that is undone is not in the log', async (_, call) => {
  const { headers, rows: found } = newRequest();
  const { status } = await call(headers);
  expect([400, 404, 409, 422]).toContain(status);
  expect(await found()).toEqual([]);
});

describe.each(['/v2/auth/login', `${rbac}/login`])('a refused login at %s', (path) => {
  it.each([
    ['names a user that there is', guest, `user:${guest}`],
    ['does not keep a name that nobody has', 'my-password-by-mistake', null],
  ])('%s', async (_, username, object) => {
    const { headers, rows: found } = newRequest();
    const { status } = await keelson.api.post(path, { username, password: 'closesesame' }, { headers });
    expect(status).toBe(path === '/v2/auth/login' ? 400 : 401);
    const log = await found();
    expect(log).toEqual([expect.objectContaining({ action: 'user.login', outcome: 'refused', actor: null, address: '127.0.0.1', object })]);
    expect(JSON.stringify(log)).not.toMatch(/by-mistake|closesesame/);
  });
});

it('a password that is not changed because the current one is wrong is refused', async () => {
  const [{ uuid }] = await database.query<[{ uuid: string }]>(`SELECT uuid FROM users WHERE username = 'ada'`);
  const id = idOf('u', uuid);
  for (const [path, body] of [
    ['/v2/auth/passwd', { password: 'closesesame', new_password: 'opensesame' }],
    [`${rbac}/user/reset/owner/${id}`, { old_password: 'closesesame', new_password: 'opensesame' }],
  ] as const) {
    const { headers, rows: found } = newRequest();
    expect((await calls.people.owner.post(path, body, { headers })).status).toBe(401);
    expect(await found()).toMatchObject([{ action: 'user.set-password', outcome: 'refused', actor: 'ada', object: 'user:ada' }]);
  }
});

it('has nothing of what comes too late for a user who was removed', async () => {
  const users = keelson.app.get(UsersService);
  const ghost = Object.assign(new User(), { id: 999_999, username: 'ghost' });
  await expect(users.recordLogin(ghost)).rejects.toThrow(NotFound);
  await expect(users.setPasswordHash(ghost, 'hash')).rejects.toThrow(NotFound);
  expect(await database.query(`SELECT FROM audit_rows WHERE object = 'user:ghost'`)).toEqual([]);
});

it('has nothing of the secrets of all these calls', async () => {
  const [{ log }] = await database.query<[{ log: string }]>(
    `SELECT string_agg(row_to_json(audit_rows)::text, E'\\n') AS log FROM audit_rows`,
  );
  expect(log).toContain('"app.create"');
  for (const secret of ['opensesame', 'PRIVATE KEY', 'BEGIN CERTIFICATE', 'ssh-', 'argon2', 'eyJ', '-canary'])
    expect([secret, log.includes(secret)]).toEqual([secret, false]);
});
