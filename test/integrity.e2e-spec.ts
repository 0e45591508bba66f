import { DataSource } from 'typeorm';
import { lockAdministration } from '../src/users/administration-lock.ts';
import { holding, waiting } from './hold.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { destroyApps, newAppId } from './live-app.ts';

/** What is deleted while somebody gives it to somebody leaves its id nowhere, and both are told the truth. */

const base = '/saltshaker/api/v1.0';
const ROUNDS = 6;

let keelson: Keelson;
let database: DataSource;
let root: Api;

interface Shown {
  id: string;
  product_id: string;
  apps: string[];
}
interface ShownUser extends Record<'role' | 'acl' | 'groups' | 'product', string[]> {
  id: string;
  username: string;
}

beforeAll(async () => {
  keelson = await startKeelson({ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1' });
  database = keelson.app.get(DataSource);
  root = await keelson.register('root');
}, 120_000);

afterAll(async () => {
  await destroyApps(root);
  await keelson.stop();
}, 120_000);

afterEach(expectIntegrity);

const kindOf: Record<string, string> = { r: 'role', p: 'product', g: 'groups', a: 'acl', u: 'user' };
const path = (id: string): string => `${base}/${kindOf[id.charAt(0)] ?? ''}/${id}`;
const put = (id: string, body: object): Promise<Answer> => root.put(path(id), body);
const remove = (id: string): Promise<Answer> => root.delete(path(id));
const post = (kind: string, body: object): Promise<Answer> => root.post(`${base}/${kind}`, body);

let made = 0;
const fresh = (): string => `n${String((made += 1))}`;

async function make(kind: string, body: object = {}): Promise<string> {
  const { status, json } = await root.post<{ data: { id: string } }>(`${base}/${kind}`, { name: fresh(), ...body });
  expect(status).toBe(kind === 'user' ? 200 : 201);
  return json.data.id;
}

const newUser = (): Promise<string> => make('user', { username: fresh(), password: 'opensesame' });

async function newApp(): Promise<string> {
  const id = newAppId('whole');
  expect((await root.post('/v2/apps', { id })).status).toBe(201);
  return id;
}

const list = async <T = Shown>(kind: string): Promise<T[]> => (await root.get<{ data: T[] }>(`${base}/${kind}`)).json.data;

/** Every id that anything shows is the id of something, and every row is about rows that there are. */
async function expectIntegrity(): Promise<void> {
  const { json } = await root.get<{ users: { user: ShownUser[] } }>(`${base}/user`);
  const apps = await root.get<{ results: { id: string }[] }>('/v2/apps?limit=1000');
  const [roles, products, groups, acls] = [await list('role'), await list('product'), await list('groups'), await list('acl')];
  const there = new Set([...[...roles, ...products, ...groups, ...acls].map(({ id }) => id), ...apps.json.results.map(({ id }) => id)]);
  const appsOf = new Map(products.map(({ id, apps: ids }) => [id, ids]));
  const shown = [
    ...json.users.user.flatMap(({ role, acl, groups: ids, product }) => [...role, ...acl, ...ids, ...product]),
    ...products.flatMap(({ apps: ids }) => ids),
    ...groups.flatMap(({ apps: ids, product_id }) => [product_id, ...ids]),
    ...acls.map(({ product_id }) => product_id),
  ];
  expect(shown.filter((id) => !there.has(id))).toEqual([]);
  for (const { id, product_id, apps: ids } of groups) {
    expect([id, ids.filter((app) => !appsOf.get(product_id)?.includes(app))]).toEqual([id, []]);
  }
  for (const [table, column, referenced, key] of REFERENCES) {
    const dangling = await database.query<unknown[]>(`SELECT * FROM ${table} WHERE ${column} NOT IN (SELECT ${key} FROM ${referenced})`);
    expect([table, column, dangling]).toEqual([table, column, []]);
  }
}

const REFERENCES = [
  ['user_roles', 'user_id', 'users', 'id'],
  ['user_roles', 'role_uuid', 'roles', 'uuid'],
  ['user_products', 'user_id', 'users', 'id'],
  ['user_products', 'product_uuid', 'products', 'uuid'],
  ['user_groups', 'user_id', 'users', 'id'],
  ['user_groups', 'group_uuid', 'groups', 'uuid'],
  ['user_acls', 'user_id', 'users', 'id'],
  ['user_acls', 'acl_uuid', 'acls', 'uuid'],
  ['groups', 'product_uuid', 'products', 'uuid'],
  ['acls', 'product_uuid', 'products', 'uuid'],
  ['product_apps', 'product_uuid', 'products', 'uuid'],
  ['product_apps', 'app_uuid', 'apps', 'uuid'],
  ['group_apps', 'group_uuid', 'groups', 'uuid'],
  ['group_apps', 'app_uuid', 'apps', 'uuid'],
  ['group_apps', '(product_uuid, app_uuid)', 'product_apps', 'product_uuid, app_uuid'],
] as const;

/** Sends two requests at once whose transactions come one after the other, in this order. @returns their statuses */
async function inOrder(first: () => Promise<Answer>, second: () => Promise<Answer>): Promise<[number, number]> {
  return holding(database, lockAdministration, async (letGo) => {
    const one = first();
    await waiting(database, 1);
    const two = second();
    await waiting(database, 2);
    await letGo();
    return [(await one).status, (await two).status];
  });
}

/** Something that is given, and taken away for good. */
interface Race {
  give: () => Promise<Answer>;
  takeAway: () => Promise<Answer>;
}

const give = (kind: 'role' | 'acl' | 'groups' | 'product', id: string, user: string) => () => put(user, { [kind]: [id] });

/** Users who stay, in turn. */
const guests: string[] = [];
const guest = (): string => guests[(made += 1) % guests.length] ?? '';

const races: Record<string, { prepare: () => Promise<Race>; given: number; gone: number }> = {
  'a role is given to a user': {
    prepare: async () => {
      const id = await make('role', { tag: 1 });
      return { give: give('role', id, guest()), takeAway: () => remove(id) };
    },
    given: 200,
    gone: 400,
  },
  'a product is given to a user': {
    prepare: async () => {
      const id = await make('product');
      return { give: give('product', id, guest()), takeAway: () => remove(id) };
    },
    given: 200,
    gone: 400,
  },
  'a group is given to a user': {
    prepare: async () => {
      const id = await make('groups', { product_id: await make('product') });
      return { give: give('groups', id, guest()), takeAway: () => remove(id) };
    },
    given: 200,
    gone: 400,
  },
  'a group of a product is given to a user': {
    prepare: async () => {
      const product = await make('product');
      const id = await make('groups', { product_id: product });
      return { give: give('groups', id, guest()), takeAway: () => remove(product) };
    },
    given: 200,
    gone: 400,
  },
  'an ACL is given to a user': {
    prepare: async () => {
      const id = await make('acl', { product_id: await make('product') });
      return { give: give('acl', id, guest()), takeAway: () => remove(id) };
    },
    given: 200,
    gone: 400,
  },
  'a user is given a product': {
    prepare: async () => {
      const [id, product] = [await newUser(), await make('product')];
      return { give: give('product', product, id), takeAway: () => remove(id) };
    },
    given: 200,
    gone: 404,
  },
  'a product is given a group': {
    prepare: async () => {
      const id = await make('product');
      return { give: () => post('groups', { name: fresh(), product_id: id }), takeAway: () => remove(id) };
    },
    given: 201,
    gone: 400,
  },
  'a product is given an ACL': {
    prepare: async () => {
      const id = await make('product');
      return { give: () => post('acl', { name: fresh(), product_id: id }), takeAway: () => remove(id) };
    },
    given: 201,
    gone: 400,
  },
  'a group of a product is given an app': {
    prepare: async () => {
      const product = await make('product', { apps: [shared] });
      const id = await make('groups', { product_id: product });
      return { give: () => put(id, { apps: [shared] }), takeAway: () => remove(product) };
    },
    given: 200,
    gone: 404,
  },
  'an app of a product is given to a group': {
    prepare: async () => {
      const product = await make('product', { apps: [shared] });
      const id = await make('groups', { product_id: product });
      return { give: () => put(id, { apps: [shared] }), takeAway: () => put(product, { apps: [] }) };
    },
    given: 200,
    gone: 400,
  },
  'a user makes a product': {
    prepare: async () => {
      const username = fresh();
      const api = await keelson.register(username);
      const { json } = await root.get<{ users: { user: ShownUser[] } }>(`${base}/user`);
      const id = json.users.user.find((user) => user.username === username)?.id ?? '';
      expect((await put(id, { role: [builtIn] })).status).toBe(200);
      return { give: () => api.post(`${base}/product`, { name: fresh() }), takeAway: () => remove(id) };
    },
    given: 201,
    gone: 401,
  },
};

/** An app that stays, and the role of product administrators. */
let shared: string;
let builtIn: string;

beforeAll(async () => {
  shared = await newApp();
  for (let round = 0; round < ROUNDS; round++) guests.push(await newUser());
  builtIn = (await list<{ id: string; tag: number }>('role')).find(({ tag }) => tag === 2)?.id ?? '';
}, 60_000);

describe.each(Object.entries(races))('%s', (_, { prepare, given, gone }) => {
  it('before it is taken away', async () => {
    const { give: first, takeAway } = await prepare();
    expect(await inOrder(first, takeAway)).toEqual([given, 200]);
  });

  it('when it has been taken away since', async () => {
    const { give: second, takeAway } = await prepare();
    expect(await inOrder(takeAway, second)).toEqual([200, gone]);
  });

  it('at the same time', async () => {
    const all = await Promise.all(Array.from({ length: ROUNDS }, prepare));
    const answers = await Promise.all(
      all.map(async ({ give: one, takeAway }, round) => {
        const calls = round % 2 === 0 ? [one(), takeAway()] : [takeAway(), one()].reverse();
        return (await Promise.all(calls)).map(({ status }) => status);
      }),
    );
    for (const statuses of answers)
      expect([
        [given, 200],
        [gone, 200],
      ]).toContainEqual(statuses);
  });
});

it('an app is put into a product and a group while it is destroyed', async () => {
  const rounds = Array.from({ length: ROUNDS }, async (__, round) => {
    const app = await newApp();
    const [empty, full] = [await make('product'), await make('product', { apps: [app, shared] })];
    const group = await make('groups', { product_id: full });
    const giving = [
      () => put(empty, { apps: [shared, app] }),
      () => post('product', { name: fresh(), apps: [app] }),
      () => put(group, { apps: [app, shared] }),
      () => post('groups', { name: fresh(), product_id: full, apps: [app] }),
      () => put(full, { apps: [] }),
    ];
    const destroyed = round % 2 === 0 ? root.delete(`/v2/apps/${app}`) : null;
    const answers = giving.map((one) => one());
    const late = destroyed ?? root.delete(`/v2/apps/${app}`);
    // until the rows go, the app is there
    while ((await root.get(`/v2/apps/${app}`)).status === 200)
      answers.push(put(full, { apps: [app, shared] }), put(group, { apps: [app] }));
    expect((await late).status).toBe(204);
    return (await Promise.all(answers)).map(({ status, text }) => (status < 500 ? status : text));
  });
  const statuses = new Set((await Promise.all(rounds)).flat());
  expect([...statuses].filter((status) => ![200, 201, 400, 409].includes(Number(status)))).toEqual([]);
}, 120_000);

it.each(['a product', 'a group', 'another group'])(
  'an app is put into %s as its rows go',
  async (where) => {
    const app = await newApp();
    const product = await make('product', { apps: [app] });
    const [full, empty] = [await make('groups', { product_id: product, apps: [app] }), await make('groups', { product_id: product })];
    const [{ uuid }] = await database.query<[{ uuid: string }]>('SELECT uuid FROM apps WHERE id = $1', [app]);
    const { status, json } = await holding(
      database,
      (tx) => tx.query('SELECT FROM group_apps WHERE app_uuid = $1 FOR UPDATE', [uuid]),
      async (letGo) => {
        const destroyed = root.delete(`/v2/apps/${app}`);
        // its row and the product's are deleted, but not committed
        await waiting(database, 1);
        const answer = where === 'a product' ? put(product, { apps: [app] }) : put(where === 'a group' ? empty : full, { apps: [app] });
        await waiting(database, 2);
        await letGo();
        expect((await destroyed).status).toBe(204);
        return answer;
      },
    );
    const reason = where === 'a product' ? 'does not exist' : `is no app of ${product}`;
    expect([status, json.message]).toEqual([400, `apps: ${app} ${reason}`]);
  },
  60_000,
);

it('everything is given to everybody and deleted at once', async () => {
  const app = await newApp();
  const users = await Promise.all(Array.from({ length: 4 }, newUser));
  const products = await Promise.all(Array.from({ length: 4 }, () => make('product', { apps: [shared, app] })));
  const groups = await Promise.all(products.map((product_id) => make('groups', { product_id, apps: [app] })));
  const acls = await Promise.all(products.map((product_id) => make('acl', { product_id })));
  const roles = await Promise.all(Array.from({ length: 4 }, () => make('role', { tag: 1 })));
  const everything = { role: roles, product: products, groups, acl: acls };
  const calls = [
    ...users.flatMap((user) => [
      () => put(user, everything),
      () => put(user, { groups: [...groups].reverse(), product: [], acl: acls.slice(1) }),
      () => put(user, { role: [], groups: groups.slice(2) }),
    ]),
    ...groups.flatMap((group) => [() => put(group, { apps: [app, shared] }), () => put(group, { apps: [shared] })]),
    ...products.flatMap((product) => [() => put(product, { apps: [app] }), () => put(product, { apps: [shared, app] })]),
    ...[users[0], products[1], groups[2], acls[3], roles[0], products[0]].map(
      (id = '') =>
        () =>
          remove(id),
    ),
    () => root.delete(`/v2/apps/${app}`),
  ];
  // the same mix each time, in which nothing stands beside its like
  const mixed = calls.map((call, index) => ({ call, place: (index * 17) % calls.length })).sort((a, b) => a.place - b.place);
  const answers = await Promise.all(mixed.map(({ call }) => call()));
  expect(answers.filter(({ status }) => ![200, 204, 400, 404, 409].includes(status)).map(({ status, text }) => [status, text])).toEqual([]);
}, 60_000);
