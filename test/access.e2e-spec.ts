import { DataSource } from 'typeorm';
import { issue } from './certificates.ts';
import { Calls, type Prepared } from './calls.ts';
import { WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { newPublicKey } from './ssh-key.ts';

/**
 * What products, groups and ACLs make of the calls about an app, tried: every route, for everybody who stands differently to the app, against
 * what is written here. `…/access/…` has to say the same, cell by cell.
 */

const kinds = [
  'in a product',
  'in a product, and in a group with the app and a process type',
  'in a product, and in a group without the app',
  'in a product, with an ACL that allows',
  'in a product, with an ACL that denies',
  'in two products, one without ACLs and groups',
  'collaborator, and in a product with an ACL and a group',
  'collaborator',
  'nobody',
  'owner',
  'administrator',
] as const;
type Kind = (typeof kinds)[number];

const owners: readonly Kind[] = ['owner', 'administrator'];
const collaborators: readonly Kind[] = ['collaborator, and in a product with an ACL and a group', 'collaborator'];
const users: readonly Kind[] = kinds.filter((kind) => kind !== 'nobody' && kind !== 'in a product, and in a group without the app');
const but = (left: Kind): readonly Kind[] => users.filter((kind) => kind !== left);
const usersOfCmd = but('in a product, and in a group with the app and a process type');

/** A way to call a route, who may, and what `…/access/…` is asked about it. */
interface Row {
  route: string;
  may: readonly Kind[];
  /** Tells rows of one route apart. */
  note?: string;
  body?: object;
  prepare?: (kind: Kind) => Promise<Prepared>;
  /** After a call that passed. */
  restore?: (kind: Kind) => Promise<void>;
  /** By default the route's. */
  action?: string;
  /** null: it is about something that an access doesn't tell. */
  subject?: { command?: string; type?: string } | null;
}

const WORKER = 'trap "exit 0" TERM INT; while :; do sleep 1; done';
const build = { image: WEB_IMAGE, procfile: { worker: WORKER } };
const app = '/v2/apps/{app}';
const at = (path: Record<string, string>) => (): Promise<Prepared> => Promise.resolve({ path });
const worker = { type: 'worker' };
const cmd = { type: 'cmd' };
const run = (command: string, may: readonly Kind[]): Row => ({
  route: `POST ${app}/run`,
  note: command,
  may,
  body: { command },
  subject: { command },
});

const rows: Row[] = [
  // reads
  ...[
    '',
    ...[
      '/builds',
      '/builds/{uuid}',
      '/build',
      '/build/{uuid}',
      '/config',
      '/domains',
      '/drift',
      '/events',
      '/logs',
      '/operations',
      '/perms',
      '/pods',
    ],
    ...['/pods/{typeOrName}', '/pods/{type}/{name}', '/releases', '/releases/{version}', '/runs', '/services', '/settings', '/tls'],
    ...['/whitelist', '/allowlist'],
  ].map((path) => ({ route: `GET ${app}${path}`, may: users })),
  { route: `GET ${app}/audit`, may: owners },
  { route: `GET ${app}/access/{username}`, note: 'oneself', may: kinds, prepare: (kind) => at({ username: nameOf(kind) })() },
  { route: `GET ${app}/access/{username}`, note: 'somebody else', may: owners, subject: null },
  { route: 'GET /v2/operations/{uuid}', may: users },
  // one-off commands
  run('echo hi', users),
  run('true', but('in a product, with an ACL that allows')),
  run(
    'rm -f /nothing',
    users.filter((kind) => !/ACL that/.test(kind)),
  ),
  run(
    '/bin/rm -f /nothing',
    users.filter((kind) => !/ACL that/.test(kind)),
  ),
  run(
    'echo a; echo b',
    users.filter((kind) => !/ACL that/.test(kind)),
  ),
  { route: `GET ${app}/runs/{uuid}`, note: 'one’s own', may: users, prepare: ownRun },
  { route: `GET ${app}/runs/{uuid}`, note: 'somebody else’s', may: owners, subject: null, prepare: othersRun },
  // process types
  { route: `POST ${app}/scale`, note: 'his', may: users, body: { worker: 1 }, subject: worker },
  { route: `POST ${app}/scale`, note: 'another', may: usersOfCmd, body: { cmd: 1 }, subject: cmd },
  { route: `POST ${app}/scale`, note: 'both', may: usersOfCmd, body: { cmd: 1, worker: 1 }, subject: cmd },
  { route: `POST ${app}/stop`, note: 'his', may: users, body: { types: ['worker'] }, subject: worker },
  { route: `POST ${app}/stop`, note: 'another', may: usersOfCmd, body: { types: ['cmd'] }, subject: cmd },
  { route: `POST ${app}/start`, note: 'his', may: users, body: { types: ['worker'] }, subject: worker },
  { route: `POST ${app}/start`, note: 'another', may: usersOfCmd, body: { types: ['cmd'] }, subject: cmd },
  { route: `POST ${app}/pods/{type}/{name}/restart`, note: 'his', may: users, prepare: podOf('worker'), subject: worker },
  { route: `POST ${app}/pods/{type}/{name}/restart`, note: 'another', may: usersOfCmd, prepare: podOf('cmd'), subject: cmd },
  { route: `POST ${app}/pods/{typeOrName}/restart`, note: 'his', may: users, prepare: at({ typeOrName: 'worker' }), subject: worker },
  { route: `POST ${app}/pods/{typeOrName}/restart`, note: 'another', may: usersOfCmd, prepare: at({ typeOrName: 'cmd' }), subject: cmd },
  { route: `POST ${app}/pods/restart`, note: 'all', may: usersOfCmd, subject: cmd },
  // changes
  ...['/config', '/domains', '/services', '/settings', '/whitelist', '/allowlist', ''].map((path) => ({
    route: `POST ${app}${path}`,
    may: users,
  })),
  { route: `POST ${app}/tls`, may: users, prepare: otherTls },
  { route: `POST ${app}/builds`, may: users, body: build },
  { route: `POST ${app}/build`, may: users, body: build },
  { route: `POST ${app}/releases/rollback`, may: users, body: { version: 3 } },
  { route: 'POST /v2/certs/{certificate}/domain', may: users, prepare: certificateAndDomain },
  { route: 'DELETE /v2/certs/{certificate}/domain/{domain}', may: users, prepare: attachedCertificate },
  { route: `POST ${app}`, note: 'to somebody', may: owners, body: { owner: 'ada' }, action: 'app.transfer' },
  { route: `POST ${app}/perms`, may: owners },
  {
    route: `DELETE ${app}/perms/{username}`,
    note: 'oneself',
    may: collaborators,
    prepare: (kind) => at({ username: nameOf(kind) })(),
    restore: async (kind) => expectStatus(201, await people.owner.post(`/v2/apps/${calls.app}/perms`, { username: nameOf(kind) })),
  },
  { route: `DELETE ${app}/perms/{username}`, note: 'somebody else', may: owners, subject: null },
  { route: `POST ${app}/drift`, may: owners, body: { paused: false } },
  ...['/domains/{domain}', '/services', '/whitelist', '/allowlist'].map((path) => ({ route: `DELETE ${app}${path}`, may: owners })),
  {
    route: `DELETE ${app}`,
    may: owners,
    prepare: (kind) => Promise.resolve(owners.includes(kind) ? {} : { path: { app: calls.app } }),
  },
];

const base = '/saltshaker/api/v1.0';

let keelson: Keelson;
let calls: Calls;
let people: Record<Kind, Api>;
/** Ids of the user API, by username. */
const ids = new Map<string, string>();
const names = { collaborator: 'bob', nobody: 'eve', owner: 'ada', administrator: 'root' } as Partial<Record<Kind, string>>;

function nameOf(kind: Kind): string {
  return names[kind] ?? `kind${String(kinds.indexOf(kind))}`;
}

function expectStatus(status: number, answer: Pick<Answer, 'status' | 'text'>): void {
  expect([answer.status, answer.text]).toEqual([status, answer.text]);
}

/** Makes something of the user API. @returns its id */
async function made(path: string, body: object): Promise<string> {
  const answer = await people.administrator.post<{ data: { id: string } }>(`${base}/${path}`, body);
  expectStatus(201, answer);
  return answer.json.data.id;
}

async function give(username: string, what: { product?: string[]; groups?: string[]; acl?: string[] }): Promise<void> {
  expectStatus(200, await people.administrator.put(`${base}/user/${ids.get(username) ?? ''}`, what));
}

beforeAll(async () => {
  keelson = await startKeelson({ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1' });
  calls = await Calls.prepare(keelson);
  const { administrator, owner, collaborator, stranger } = calls.people;
  const registered = await Promise.all(
    kinds.filter((kind) => names[kind] === undefined).map(async (kind) => [kind, await keelson.register(nameOf(kind))] as const),
  );
  people = { ...(Object.fromEntries(registered) as Record<Kind, Api>), collaborator, nobody: stranger, owner, administrator };
  const { json } = await administrator.get<{ users: { user: { id: string; username: string }[] } }>(`${base}/user`);
  for (const { id, username } of json.users.user) ids.set(username, id);

  expectStatus(201, await owner.post(`/v2/apps/${calls.app}/builds`, build));
  expectStatus(204, await owner.post(`/v2/apps/${calls.app}/scale`, { worker: 1 }));
  const other = newAppId('other');
  expectStatus(201, await owner.post('/v2/apps', { id: other }));

  const product = await made('product', { name: 'shop', apps: [calls.app, other] });
  const second = await made('product', { name: 'desk', apps: [calls.app] });
  const group = await made('groups', { name: 'night', product_id: product, apps: [calls.app], types: ['worker'] });
  const elsewhere = await made('groups', { name: 'elsewhere', product_id: product, apps: [other] });
  const allows = await made('acl', { name: 'echoes', product_id: product, allow: ['echo *'] });
  const denies = await made('acl', { name: 'careful', product_id: product, deny: ['rm *'] });
  const nothing = await made('acl', { name: 'nothing', product_id: product, deny: ['*'] });
  const assigned: Partial<Record<Kind, Parameters<typeof give>[1]>> = {
    'in a product': { product: [product] },
    'in a product, and in a group with the app and a process type': { product: [product], groups: [group] },
    'in a product, and in a group without the app': { product: [product], groups: [elsewhere] },
    'in a product, with an ACL that allows': { product: [product], acl: [allows] },
    'in a product, with an ACL that denies': { product: [product], acl: [denies] },
    'in two products, one without ACLs and groups': { product: [product, second], groups: [group], acl: [nothing] },
    'collaborator, and in a product with an ACL and a group': { product: [product], groups: [elsewhere], acl: [nothing] },
  };
  for (const [kind, what] of Object.entries(assigned)) await give(nameOf(kind as Kind), what);
  const collaborating = nameOf('collaborator, and in a product with an ACL and a group');
  expectStatus(201, await owner.post(`/v2/apps/${calls.app}/perms`, { username: collaborating }));
});

const tried = { cells: 0, agreements: 0 };

afterAll(async () => {
  const { cells, agreements } = tried;
  process.stdout.write(
    `access: ${String(rows.length)} calls × ${String(kinds.length)} kinds of users = ${String(cells)} cells, ${String(agreements)} told alike\n`,
  );
  await destroyApps(people.administrator);
  await keelson.stop();
});

/** A pod of a type that runs; deleted ones have successors. */
function podOf(type: string): (kind: Kind) => Promise<Prepared> {
  return async () => {
    const found = await eventually(async () => {
      const { json } = await people.owner.get<{ results: { name: string; state: string }[] }>(`/v2/apps/${calls.app}/pods/${type}`);
      const up = json.results.find(({ state }) => state === 'up');
      expect(up).toBeDefined();
      return up;
    });
    return { path: { type, name: found?.name ?? '' } };
  };
}

/** What the kind ran before; who may not run anything asks for somebody else's. */
async function ownRun(kind: Kind): Promise<Prepared> {
  const { json } = await people.owner.get<{ results: { id: string; owner: string }[] }>(`/v2/apps/${calls.app}/runs`);
  const own = json.results.find(({ owner }) => owner === nameOf(kind));
  if (users.includes(kind)) expect(own).toBeDefined();
  return { path: { uuid: (own ?? json.results[0])?.id ?? '' } };
}

async function othersRun(kind: Kind): Promise<Prepared> {
  return ownRun(kind === 'in a product' ? 'collaborator' : 'in a product');
}

let enforced = false;

/** Each time another for those whose call changes it. */
function otherTls(kind: Kind): Promise<Prepared> {
  if (users.includes(kind)) enforced = !enforced;
  return Promise.resolve({ body: { https_enforced: enforced } });
}

let certificates = 0;

async function certificateAndDomain(kind: Kind): Promise<Prepared> {
  const name = `kind-${String((certificates += 1))}`;
  const domain = `${name}.${calls.app}.example.com`;
  expectStatus(201, await people[kind].post('/v2/certs', { name, ...(await issue({ names: [domain] })) }));
  expectStatus(202, await people.owner.post(`/v2/apps/${calls.app}/domains`, { domain }, { headers: { Prefer: 'respond-async' } }));
  return { path: { certificate: name, domain }, body: { domain } };
}

async function attachedCertificate(kind: Kind): Promise<Prepared> {
  const { path } = await certificateAndDomain(kind);
  const call = { headers: { Prefer: 'respond-async' } };
  const url = `/v2/certs/${path?.certificate ?? ''}/domain`;
  expectStatus(202, await people.administrator.post(url, { domain: path?.domain }, call));
  return { path };
}

interface Access {
  app: string;
  username: string;
  role: string;
  rules: { kind: string; name?: string }[];
  actions: Record<string, { allowed: boolean; because: string }>;
}

async function accessOf(kind: Kind, subject: Record<string, string> = {}): Promise<Access> {
  const query = new URLSearchParams(subject).toString();
  const answer = await people.owner.get<Access>(`/v2/apps/${calls.app}/access/${nameOf(kind)}?${query}`);
  expect(answer.status).toBe(200);
  return answer.json;
}

it('has a row for every route that is about an app', () => {
  const routes = [...calls.operations()].filter(([, operation]) => operation['x-rule'].startsWith('app:')).map(([route]) => route);
  expect(routes.length).toBeGreaterThan(40);
  expect([...new Set(rows.map(({ route }) => route))].filter((route) => route.includes('{app}')).sort()).toEqual(routes.sort());
});

it.each(rows.map((row) => [`${row.route}${row.note === undefined ? '' : ` (${row.note})`}`, row] as const))('%s', async (_, row) => {
  const action = row.action ?? calls.operations().get(row.route)?.['x-action'] ?? '';
  const cell = async (kind: Kind): Promise<void> => {
    tried.cells += 1;
    const own = (await row.prepare?.(kind)) ?? {};
    const told = row.subject === null ? null : (await accessOf(kind, row.subject)).actions[action];
    const body = own.body ?? row.body;
    const { status, text } = await calls.make(row.route, 'stranger', {}, { as: people[kind], ...own, ...(body && { body }) });
    const outcome = status >= 200 && status < 300 ? 'passes' : `${String(status)} ${text}`;
    const passes = row.may.includes(kind);
    expect([kind, outcome]).toEqual([kind, passes ? 'passes' : (expect.stringMatching(/^403 \{"detail":"/) as string)]);
    if (told !== null) {
      tried.agreements += 1;
      expect([kind, action, told]).toEqual([kind, action, { allowed: passes, because: expect.stringMatching(/\.$/) as string }]);
      // a refusal that has its reason gives it here and there
      if (!passes && /ACL|groups/.test(text)) expect(text).toContain(JSON.stringify(told?.because ?? '').slice(1, -1));
    }
    if (passes) await row.restore?.(kind);
  };
  // what changes nothing for the others goes on at once
  if (/^GET |\/run$/.test(row.route)) await Promise.all(kinds.map(cell));
  else for (const kind of kinds) await cell(kind);
});

describe('an access', () => {
  it.each<[Kind, string, unknown]>([
    ['in a product', 'product', ['product shop']],
    ['in a product, and in a group without the app', 'none', []],
    ['in two products, one without ACLs and groups', 'product', ['product desk', 'product shop']],
    ['collaborator, and in a product with an ACL and a group', 'collaborator', ['grant']],
    ['collaborator', 'collaborator', ['grant']],
    ['nobody', 'none', []],
    ['owner', 'owner', ['owner']],
    // who made the products is in them
    ['administrator', 'administrator', expect.arrayContaining(['administrator', 'product shop'])],
  ])('of one who is %s has the role %s', async (kind, role, expected) => {
    const access = await accessOf(kind);
    expect(access).toMatchObject({ app: calls.app, username: nameOf(kind), role });
    expect(access.rules.map(({ kind: rule, name }) => [rule, name].filter(Boolean).join(' ')).sort()).toEqual(expected);
  });

  it('tells of groups and ACLs, and what they bind', async () => {
    const grouped = await accessOf('in a product, and in a group with the app and a process type');
    expect(grouped.rules).toEqual([
      {
        kind: 'product',
        id: expect.stringMatching(/^p-[0-9a-f]{32}$/) as string,
        name: 'shop',
        groups: [{ id: expect.stringMatching(/^g-[0-9a-f]{32}$/) as string, name: 'night', types: ['worker'] }],
        acls: [],
      },
    ]);
    expect(grouped.actions['app.scale']?.because).toBe('The product "shop" gives the app. The groups have the process types worker.');
    const bound = await accessOf('in a product, with an ACL that allows');
    expect(bound.rules).toMatchObject([
      { acls: [{ id: expect.stringMatching(/^a-[0-9a-f]{32}$/) as string, name: 'echoes', allow: ['echo *'], deny: [] }] },
    ]);
    expect(bound.actions['run.create']?.because).toBe('The product "shop" gives the app. Commands are bound by the ACLs "echoes".');
  });

  it('has every action that a route about an app does, and those that handlers decide', async () => {
    const routed = [...calls.operations().values()].filter((operation) => operation['x-rule'].startsWith('app:'));
    const actions = [...routed.map((operation) => operation['x-action']), 'app.transfer', 'cert.attach', 'cert.detach', 'operation.read'];
    expect(Object.keys((await accessOf('owner')).actions).sort()).toEqual([...new Set(actions)].sort());
  });

  it('is of somebody', async () => {
    const { status, json } = await people.owner.get(`/v2/apps/${calls.app}/access/no-such-user`);
    expect([status, json]).toEqual([404, { detail: 'No User matches the given query.' }]);
    expect((await people.owner.get('/v2/apps/no-such-app/access/ada')).status).toBe(404);
  });

  it('of one who is disabled forbids everything', async () => {
    const kind: Kind = 'in a product';
    expectStatus(204, await people.administrator.patch(`/v2/users/${nameOf(kind)}/disable`));
    const { actions } = await accessOf(kind);
    expect(Object.values(actions).filter(({ allowed }) => allowed)).toEqual([]);
    expectStatus(204, await people.administrator.patch(`/v2/users/${nameOf(kind)}/enable`));
  });
});

describe('the process types of a group', () => {
  const kind: Kind = 'in a product, and in a group with the app and a process type';
  const post = (path: string, body: object): Promise<Answer> => people[kind].post(`/v2/apps/${calls.app}/${path}`, body);

  it('are refused all at once, before other faults of the body', async () => {
    const detail = 'The groups leave out the process types cmd, web: they have worker.';
    expectStatus(
      201,
      await people.owner.post(`/v2/apps/${calls.app}/builds`, { image: WEB_IMAGE, procfile: { worker: WORKER, web: WORKER } }),
    );
    expect(await post('scale', { cmd: 1, worker: 1, web: 2 })).toMatchObject({ status: 403, json: { detail } });
    expect(await post('scale', { cmd: -1, web: 'many' })).toMatchObject({ status: 403, json: { detail } });
    expect(await post('stop', { types: ['cmd', 'web', 'worker'] })).toMatchObject({ status: 403, json: { detail } });
  });

  it('are not autoscaled by who may not scale them', async () => {
    const autoscale = { web: { min: 1, max: 2, cpu_percent: 50 } };
    expect(await post('settings', { autoscale })).toMatchObject({
      status: 403,
      json: { detail: expect.stringContaining('process types web') as string },
    });
    expect((await post('settings', { autoscale: { web: null } })).status).toBe(403);
  });

  it('that nobody has are refused as for everybody', async () => {
    expect(await post('scale', { nope: 1, cmd: 1 })).toMatchObject({
      status: 404,
      json: { detail: 'Container type nope does not exist in application' },
    });
    expect((await post('scale', { nope: -1 })).status).toBe(400);
    expect((await post('stop', {})).json).toEqual({ detail: 'types is a required field' });
    expect(await people[kind].post(`/v2/apps/${calls.app}/pods/nope/restart`)).toMatchObject({ status: 200, json: [] });
  });
});

describe('lists and hooks', () => {
  const inProduct: Kind = 'in a product';

  it('have the apps of products, by as many statements for many as for one', async () => {
    const count = async (): Promise<[number, string[]]> => {
      const before = keelson.statements.length;
      const { json } = await people[inProduct].get<{ results: { id: string }[] }>('/v2/apps');
      return [keelson.statements.length - before, json.results.map(({ id }) => id)];
    };
    const [few, listed] = await quiet(count);
    expect(listed).toContain(calls.app);
    const { json } = await people.administrator.get<{ data: { id: string; name: string; apps: string[] }[] }>(`${base}/product`);
    const shop = json.data.find(({ name }) => name === 'shop');
    const more = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const id = newAppId('many');
        expectStatus(202, await people.owner.post('/v2/apps', { id }, { headers: { Prefer: 'respond-async' } }));
        return id;
      }),
    );
    expectStatus(200, await people.administrator.put(`${base}/product/${shop?.id ?? ''}`, { apps: [...(shop?.apps ?? []), ...more] }));
    const [many, now] = await quiet(count);
    expect(now).toEqual([...listed, ...more].sort());
    expect(many).toBe(few);
    const outside = await people['in a product, and in a group without the app'].get<{ results: { id: string }[] }>('/v2/apps');
    expect(outside.json.results.map(({ id }) => id)).toEqual([expect.stringMatching(/^other-/)]);
    const grouped = await people['in a product, and in a group with the app and a process type'].get<{ results: { id: string }[] }>(
      '/v2/apps',
    );
    expect(grouped.json.results.map(({ id }) => id)).toEqual([calls.app]);
  });

  /** The engine's own statements come in between: the fewest of some tries are the call's. */
  async function quiet(count: () => Promise<[number, string[]]>): Promise<[number, string[]]> {
    const tries: [number, string[]][] = [];
    for (let index = 0; index < 20; index++) tries.push(await count());
    return tries.sort(([a], [b]) => a - b)[0] ?? [0, []];
  }

  it('let the builder push for users of products', async () => {
    const builder = { headers: { 'X-Drycc-Builder-Auth': keelson.settings.builderKey, Prefer: 'respond-async' } };
    const left: Kind = 'in a product, and in a group without the app';
    for (const kind of [inProduct, left]) {
      expectStatus(201, await people[kind].post('/v2/keys', { id: nameOf(kind), public: newPublicKey() }));
      const passes = kind === inProduct;
      const about = { receive_user: nameOf(kind), receive_repo: calls.app };
      const config = await keelson.api.post('/v2/hooks/config', about, builder);
      expect([kind, config.status]).toEqual([kind, passes ? 200 : 403]);
      const pushed = await keelson.api.post('/v2/hooks/build', { ...about, ...build }, builder);
      expect([kind, pushed.status]).toEqual([kind, passes ? 202 : 403]);
      const keys = await keelson.api.get(`/v2/hooks/keys/${calls.app}/${nameOf(kind)}`, builder);
      expect([kind, keys.status]).toEqual([kind, passes ? 200 : 403]);
      const { json: all } = await keelson.api.get(`/v2/hooks/keys/${calls.app}`, builder);
      expect([kind, nameOf(kind) in all]).toEqual([kind, passes]);
      const { json: own } = await people[kind].get<{ results: { fingerprint: string }[] }>('/v2/keys');
      const { json: holder } = await keelson.api.get<{ apps: string[] }>(
        `/v2/hooks/key/${encodeURIComponent(own.results[0]?.fingerprint ?? '')}`,
        builder,
      );
      expect([kind, holder.apps.includes(calls.app)]).toEqual([kind, passes]);
    }
  });
});

describe('a command of a user with an ACL', () => {
  const denied: Kind = 'in a product, with an ACL that denies';
  const allowed: Kind = 'in a product, with an ACL that allows';
  const command = (kind: Kind, line: string): Promise<Answer> => people[kind].post(`/v2/apps/${calls.app}/run`, { command: line });

  interface AuditRow {
    actor: string;
    action: string;
    object: string;
    app: string;
    after: { command: string; acl: string };
    outcome: string;
    request_id: string;
  }
  const refusals = (): Promise<AuditRow[]> =>
    keelson.app
      .get(DataSource)
      .query(`SELECT actor, action, object, app, after, outcome, request_id FROM audit_rows WHERE outcome = 'refused' ORDER BY id`);

  /** Refused, with the ACL's name, and told to the audit log. */
  async function refused(kind: Kind, acl: string, line: string): Promise<void> {
    const before = (await refusals()).length;
    const { status, json, headers } = await command(kind, line);
    expect([line, status, json]).toEqual([line, 403, { detail: expect.stringMatching(new RegExp(`^The ACL "${acl}" .*\\.$`)) as string }]);
    const row = (await refusals()).slice(before).find(({ request_id: id }) => id === headers.get('x-request-id'));
    expect(row).toMatchObject({
      actor: nameOf(kind),
      action: 'run.create',
      object: `app:${calls.app}`,
      app: calls.app,
      after: { command: line, acl },
      outcome: 'refused',
    });
  }

  it('does not get round a deny', async () => {
    const lines = [
      ...['rm -rf /tmp/x', '  rm   -rf\t/tmp/x', `'rm' -rf /tmp/x`, `"r"m -rf /tmp/x`, 'r\\m -rf /tmp/x', `rm '' -rf /tmp/x`],
      ...['/bin/rm -rf /tmp/x', '/bin//rm x', './rm x', '../bin/../bin/rm x', `'/bin/r'm x`],
      ...['true; rm x', 'true\nrm x', 'true\r\nrm x', 'true && rm x', 'true | rm x', 'true & rm x', '(rm x)', 'true > x', 'true < x'],
      ...['$(echo rm) x', '`echo rm` x', '$RM x', '"$(rm x)"', 'echo "`rm x`"', 'echo ${X:=$(rm x)}', "$'rm' x"],
      ...['A=b rm x', 'PATH=/tmp true', `A='' rm x`, `rm 'x`, 'rm x\\', '"rm x" y'],
    ];
    for (const line of lines) await refused(denied, 'careful', line);
  });

  it('does not get into an allow', async () => {
    const lines = [
      ...['true', 'ls', '/bin/echo hi', './echo hi', `'echo hi'`, 'echo\\ hi', `"echo hi" x`],
      ...[
        'echo hi; id',
        'echo hi\nid',
        'echo hi & id',
        'echo hi | sh',
        'echo $(id)',
        'echo `id`',
        'echo $HOME',
        'echo "$HOME"',
        'echo > x',
      ],
      ...['A=b echo hi', 'env echo hi', 'sh -c "echo hi"', 'echo', 'ECHO hi'],
    ];
    for (const line of lines) await refused(allowed, 'echoes', line);
  });

  it('runs without a shell, as the words that it is', async () => {
    const { status, json } = await command(allowed, `echo 'a  b'  "c;d"   e\\ f '$(id) $HOME $$ \`x\`' * ~ # it\\'s`);
    expect([status, json]).toEqual([200, { exit_code: 0, output: "a  b c;d e f $(id) $HOME $$ `x` * ~ # it's\n" }]);
    expect((await command(denied, 'echo remove')).json).toEqual({ exit_code: 0, output: 'remove\n' });
    expect((await command('in a product', 'echo a; echo "$DRYCC_APP"')).json).toEqual({ exit_code: 0, output: `a\n${calls.app}\n` });
  });

  it('is told to the audit log without values of the config', async () => {
    expectStatus(201, await people.owner.post(`/v2/apps/${calls.app}/config`, { values: { CANARY: 'a-canary-sings' } }));
    const { headers } = await command(denied, 'rm --key=a-canary-sings');
    const row = (await refusals()).find(({ request_id: id }) => id === headers.get('x-request-id'));
    expect(row?.after).toEqual({ command: 'rm --key=***', acl: 'careful' });
  });

  it('is looked at after what else is wrong with the request', async () => {
    expect((await command(denied, '')).json).toEqual({ detail: 'command is a required field' });
    expect((await command('nobody', 'rm x')).status).toBe(403);
    expect((await people[denied].post('/v2/apps/no-such-app/run', { command: 'rm x' })).status).toBe(404);
  });
});
