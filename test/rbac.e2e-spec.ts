import { DataSource } from 'typeorm';
import { AuditRow } from '../src/audit/audit-row.entity.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { destroyApps, newAppId } from './live-app.ts';

const base = '/saltshaker/api/v1.0';
const done = { status: true, message: '' };
const refusal = (message: string): object => ({ status: false, message });
const notAllowed = refusal('You do not have permission to perform this action.');
const absent = '3d48618a283111e8a7e3000c298454d8';

interface Shown {
  id: string;
  name: string;
  description: string;
  tag: number;
  product_id: string;
  apps: string[];
  types: string[];
  allow: string[];
  deny: string[];
}

let keelson: Keelson;
/** A superuser; somebody with the roles product, user and acl each; somebody with none, who owns an app. */
let root: Api;
let paul: Api;
let una: Api;
let ann: Api;
let carl: Api;
let ids: Record<string, string>;
/** Of root and paul. */
let rootsApp: string;
let paulsApp: string;
let carlsApp: string;

const said = async (answer: Promise<Answer>): Promise<[number, unknown]> => {
  const { status, json } = await answer;
  return [status, json];
};

const list = async (api: Api, kind: string): Promise<Shown[]> => {
  const { status, json } = await api.get<{ data: Shown[] }>(`${base}/${kind}`);
  expect(status).toBe(200);
  return json.data;
};

const get = async (id: string, api = root): Promise<Shown> => {
  const { status, json } = await api.get<{ data: Shown }>(path(id));
  expect([id, status]).toEqual([id, 200]);
  return json.data;
};

const kinds: Record<string, string> = { r: 'role', p: 'product', g: 'groups', a: 'acl', u: 'user' };
const path = (id: string): string => `${base}/${kinds[id[0] ?? ''] ?? ''}/${id}`;

const make = async (api: Api, kind: string, body: object): Promise<string> => {
  const { status, json, text } = await api.post<{ data: { id: string } }>(`${base}/${kind}`, body);
  expect([status, text]).toEqual([201, expect.anything()]);
  expect(json).toEqual({ ...done, data: { id: json.data.id } });
  expect(json.data.id).toMatch(new RegExp(`^${kind.charAt(0)}-[0-9a-f]{12}1[0-9a-f]{3}[89ab][0-9a-f]{15}$`));
  return json.data.id;
};

const change = (api: Api, id: string, body: object): Promise<[number, unknown]> => said(api.put(path(id), body));
const remove = (api: Api, id: string): Promise<[number, unknown]> => said(api.delete(path(id)));

/** What the user has, by field. */
const userOf = async (username: string): Promise<Record<string, string[]>> =>
  (await root.get<{ user: Record<string, string[]> }>(`${base}/user/${ids[username] ?? ''}`)).json.user;

async function give(username: string, holdings: Record<string, string[]>): Promise<void> {
  const user = await userOf(username);
  const all = Object.fromEntries(Object.entries(holdings).map(([kind, given]) => [kind, [...(user[kind] ?? []), ...given]]));
  expect(await said(root.put(`${base}/user/${ids[username] ?? ''}`, all))).toEqual([200, done]);
}

let made = 0;
const fresh = (prefix: string): string => `${prefix} ${String((made += 1))}`;

beforeAll(async () => {
  keelson = await startKeelson();
  root = await keelson.register('root');
  [paul, una, ann, carl] = [
    await keelson.register('paul'),
    await keelson.register('una'),
    await keelson.register('ann'),
    await keelson.register('carl'),
  ];
  const { json } = await root.get<{ users: { user: { id: string; username: string }[] } }>(`${base}/user`);
  ids = Object.fromEntries(json.users.user.map(({ id, username }) => [username, id]));
  const byTag = new Map((await list(root, 'role')).map(({ tag, id }) => [tag, id]));
  for (const [username, tag] of [
    ['paul', 2],
    ['una', 3],
    ['ann', 4],
  ] as const)
    await give(username, { role: [byTag.get(tag) ?? ''] });
  [rootsApp, paulsApp, carlsApp] = [newAppId('roots'), newAppId('pauls'), newAppId('carls')];
  for (const [api, id] of [
    [root, rootsApp],
    [paul, paulsApp],
    [carl, carlsApp],
  ] as const) {
    expect((await api.post('/v2/apps', { id })).status).toBe(201);
  }
}, 120_000);

afterAll(async () => {
  await destroyApps(root);
  await keelson.stop();
}, 120_000);

describe('roles', () => {
  it('are five from the first migration, one a tag, which can neither be deleted nor get another tag', async () => {
    const roles = (await list(root, 'role')).filter(({ name }) => ['superuser', 'common_user', 'product', 'user', 'acl'].includes(name));
    expect(roles.map(({ name, tag }) => [name, tag])).toEqual([
      ['acl', 4],
      ['common_user', 1],
      ['product', 2],
      ['superuser', 0],
      ['user', 3],
    ]);
    expect(Object.keys(roles[0] ?? {}).sort()).toEqual(['description', 'id', 'name', 'tag']);
    for (const { id, name, tag, description } of roles) {
      expect(await remove(root, id)).toEqual([409, refusal(`The role ${name} is built in: it can't be deleted`)]);
      expect(await change(root, id, { tag: (tag + 1) % 5 })).toEqual([409, refusal(`The role ${name} is built in: its tag stays`)]);
      expect(await change(root, id, { tag, description })).toEqual([200, done]);
    }
  });

  it('are added, changed field by field and deleted by superusers', async () => {
    const name = fresh('role');
    const id = await make(root, 'role', { name, tag: 4, description: 'first' });
    expect(await get(id)).toEqual({ id, name, tag: 4, description: 'first' });
    expect(await change(root, id, { description: 'second' })).toEqual([200, done]);
    expect(await get(id)).toEqual({ id, name, tag: 4, description: 'second' });
    expect(await change(root, id, { tag: 1, name: `${name}b` })).toEqual([200, done]);
    expect(await change(root, id, {})).toEqual([200, done]);
    expect(await get(id)).toEqual({ id, name: `${name}b`, tag: 1, description: 'second' });
    await give('carl', { role: [id] });
    expect((await userOf('carl')).role).toContain(id);
    expect(await remove(root, id)).toEqual([200, done]);
    expect((await userOf('carl')).role).not.toContain(id);
    expect(await said(root.get(path(id)))).toEqual([404, refusal(`${id} does not exist`)]);
    expect(await remove(root, id)).toEqual([404, refusal(`${id} does not exist`)]);
    expect(await change(root, id, { name })).toEqual([404, refusal(`${id} does not exist`)]);
  });

  it('are read by whoever administers anything', async () => {
    const [{ id } = { id: '' }] = await list(root, 'role');
    for (const api of [paul, una, ann]) {
      expect(await list(api, 'role')).toEqual(await list(root, 'role'));
      expect((await get(id, api)).id).toBe(id);
      expect(await change(api, id, { description: 'mine' })).toEqual([403, notAllowed]);
      expect(await remove(api, id)).toEqual([403, notAllowed]);
    }
    expect(await said(carl.get(`${base}/role`))).toEqual([403, notAllowed]);
    expect(await said(keelson.api.get(`${base}/role`))).toEqual([401, refusal('Authentication credentials were not provided.')]);
  });

  it('are told from users by what is posted', async () => {
    const [username, name] = [`salt${String((made += 1))}`, fresh('role')];
    const user = await una.post<{ data: { id: string } }>(`${base}/role`, { username, password: 'salt' });
    expect([user.status, user.json]).toEqual([200, { ...done, data: { id: user.json.data.id } }]);
    expect((await root.get(path(user.json.data.id))).json).toMatchObject({ user: { username } });
    expect(await said(root.post(`${base}/role`, { username, password: 'salt', name, tag: 1 }))).toEqual([
      409,
      refusal('The user name already exists'),
    ]);
    // what may be called goes before what is in it
    expect(await said(una.post(`${base}/role`, { name: '', tag: 'x' }))).toEqual([403, refusal('Only superusers add roles.')]);
    expect(await said(paul.post(`${base}/role`, { username: '' }))).toEqual([403, notAllowed]);
    const neither = 'Give a username to add a user, or a name to add a role.';
    expect(await said(root.post(`${base}/role`, { tag: 1 }))).toEqual([400, refusal(`username: ${neither}; name: ${neither}`)]);
    expect((await list(root, 'role')).map((role) => role.name)).not.toContain(name);
  });

  it('keep somebody who is a superuser, whatever becomes of the role that makes him one', async () => {
    const id = await make(root, 'role', { name: fresh('chief'), tag: 0 });
    const { role: before = [] } = await userOf('root');
    const builtIn = (await list(root, 'role')).find(({ name }) => name === 'superuser')?.id ?? '';
    expect(await said(root.put(`${base}/user/${ids.root ?? ''}`, { role: [id] }))).toEqual([200, done]);
    const last = refusal(`The role ${(await get(id)).name} is what the last administrator is one by. Make somebody else one first`);
    expect(await change(root, id, { tag: 1 })).toEqual([409, last]);
    expect(await remove(root, id)).toEqual([409, last]);
    expect((await get(id)).tag).toBe(0);
    expect(await said(root.put(`${base}/user/${ids.root ?? ''}`, { role: before }))).toEqual([200, done]);
    expect(before).toContain(builtIn);
    expect(await change(root, id, { tag: 1 })).toEqual([200, done]);
    expect(await remove(root, id)).toEqual([200, done]);
  });

  it('give what their tag says as long as they have it', async () => {
    const id = await make(root, 'role', { name: fresh('role'), tag: 4 });
    await give('carl', { role: [id] });
    expect((await carl.get(`${base}/acl`)).status).toBe(200);
    expect(await change(root, id, { tag: 1 })).toEqual([200, done]);
    expect((await carl.get(`${base}/acl`)).status).toBe(403);
    await remove(root, id);
  });
});

describe('products', () => {
  it('are made by product administrators, who are in them then, and see these alone', async () => {
    const [roots, pauls] = [fresh('product'), fresh('product')];
    const theirs = await make(root, 'product', { name: roots });
    const his = await make(paul, 'product', { name: pauls, apps: [paulsApp, ` ${paulsApp} `] });
    expect(await get(his, paul)).toEqual({ id: his, name: pauls, description: '', apps: [paulsApp] });
    expect((await userOf('paul')).product).toContain(his);
    expect((await userOf('root')).product).toContain(theirs);
    expect((await list(paul, 'product')).map(({ id }) => id)).toEqual([his]);
    for (const api of [root, ann]) expect((await list(api, 'product')).map(({ id }) => id)).toEqual(expect.arrayContaining([his, theirs]));
    const notIn = refusal(`You may not do this to ${theirs}: you are not in the product`);
    expect(await said(paul.get(path(theirs)))).toEqual([403, notIn]);
    expect(await change(paul, theirs, { description: 'mine' })).toEqual([403, notIn]);
    expect(await remove(paul, theirs)).toEqual([403, notIn]);
    expect(await change(ann, theirs, { description: 'mine' })).toEqual([403, notAllowed]);
    for (const api of [una, carl]) expect(await said(api.get(`${base}/product`))).toEqual([403, notAllowed]);
    expect(await change(root, his, { description: 'of paul' })).toEqual([200, done]);
    expect(await remove(paul, his)).toEqual([200, done]);
    expect(await remove(root, theirs)).toEqual([200, done]);
    expect((await userOf('paul')).product).toEqual([]);
  });

  it('get apps from their owners and superusers only', async () => {
    const name = fresh('product');
    const foreign = (...apps: string[]): object =>
      refusal(`Only their owners and superusers put apps into a product: you do not own ${apps.join(', ')}`);
    const [status, answer] = await said(paul.post(`${base}/product`, { name, apps: [paulsApp, carlsApp, rootsApp] }));
    expect([status, [foreign(carlsApp, rootsApp), foreign(rootsApp, carlsApp)]]).toEqual([403, expect.arrayContaining([answer])]);
    expect((await list(root, 'product')).map((product) => product.name)).not.toContain(name);
    const id = await make(paul, 'product', { name });
    expect(await change(paul, id, { apps: [carlsApp] })).toEqual([403, foreign(carlsApp)]);
    expect(await change(root, id, { apps: [carlsApp] })).toEqual([200, done]);
    // what is in may stay, whoever owns it
    expect(await change(paul, id, { apps: [carlsApp, paulsApp], description: 'both' })).toEqual([200, done]);
    expect(await get(id)).toEqual({ id, name, description: 'both', apps: [carlsApp, paulsApp].sort() });
    expect(await change(paul, id, { name: `${name}b` })).toEqual([200, done]);
    expect((await get(id)).apps).toHaveLength(2);
    expect(await change(paul, id, { apps: ['nope-1', paulsApp, 'Nope 2'] })).toEqual([
      400,
      refusal('apps: nope-1 does not exist; apps: Nope 2 does not exist'),
    ]);
    expect(await change(paul, id, { apps: [] })).toEqual([200, done]);
    expect(await change(paul, id, { apps: [carlsApp] })).toEqual([403, foreign(carlsApp)]);
    await remove(root, id);
  });

  it('have names of their own, which can be asked for', async () => {
    const name = `${fresh('a/b')} ü?`;
    const check = (asked: string): Promise<[number, unknown]> => said(paul.get(`${base}/product/check/${encodeURIComponent(asked)}`));
    const taken = refusal('The product name already exists');
    expect(await check(name)).toEqual([200, done]);
    const id = await make(paul, 'product', { name });
    expect(await check(name)).toEqual([200, taken]);
    expect(await said(root.post(`${base}/product`, { name }))).toEqual([409, taken]);
    const other = await make(root, 'product', { name: fresh('product') });
    expect(await change(root, other, { name })).toEqual([409, taken]);
    for (const api of [una, ann, carl]) expect((await api.get(`${base}/product/check/x`)).status).toBe(403);
    const answers = await Promise.all(Array.from({ length: 6 }, () => root.post(`${base}/product`, { name: 'at once' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
    for (const each of [id, other]) await remove(root, each);
  });

  it('make who is in them collaborators on their apps, as long as these are in them', async () => {
    const id = await make(root, 'product', { name: fresh('product'), apps: [rootsApp] });
    await give('carl', { product: [id] });
    expect((await carl.get(`/v2/apps/${rootsApp}`)).status).toBe(200);
    expect(await change(root, id, { apps: [] })).toEqual([200, done]);
    expect((await carl.get(`/v2/apps/${rootsApp}`)).status).toBe(403);
    expect(await change(root, id, { apps: [rootsApp] })).toEqual([200, done]);
    expect((await carl.get(`/v2/apps/${rootsApp}`)).status).toBe(200);
    expect(await remove(root, id)).toEqual([200, done]);
    expect((await carl.get(`/v2/apps/${rootsApp}`)).status).toBe(403);
    expect((await userOf('carl')).product).toEqual([]);
  });

  it('lose an app that is destroyed, and so do their groups', async () => {
    const app = newAppId('gone');
    expect((await root.post('/v2/apps', { id: app })).status).toBe(201);
    const id = await make(root, 'product', { name: fresh('product'), apps: [app, rootsApp] });
    const group = await make(root, 'groups', { name: 'all', product_id: id, apps: [app, rootsApp] });
    expect((await root.delete(`/v2/apps/${app}`)).status).toBe(204);
    expect((await get(id)).apps).toEqual([rootsApp]);
    expect((await get(group)).apps).toEqual([rootsApp]);
    await remove(root, id);
  });
});

describe('groups', () => {
  let product: string;

  beforeEach(async () => {
    product = await make(paul, 'product', { name: fresh('product'), apps: [paulsApp] });
  });

  afterEach(async () => {
    await remove(root, product);
  });

  it('are some of the apps and process types of a product', async () => {
    expect(await change(root, product, { apps: [paulsApp, rootsApp] })).toEqual([200, done]);
    const id = await make(paul, 'groups', { name: 'night', product_id: product, apps: [rootsApp], types: ['worker', 'web', 'worker'] });
    const shown = { id, name: 'night', product_id: product, description: '', apps: [rootsApp], types: ['worker', 'web'] };
    expect(await get(id, paul)).toEqual(shown);
    expect(await change(paul, id, { types: [] })).toEqual([200, done]);
    expect(await change(paul, id, { apps: [paulsApp, rootsApp], product_id: product })).toEqual([200, done]);
    expect(await get(id, paul)).toEqual({ ...shown, types: [], apps: [paulsApp, rootsApp].sort() });
    // what leaves the product leaves the group
    expect(await change(paul, product, { apps: [paulsApp] })).toEqual([200, done]);
    expect(await get(id, paul)).toEqual({ ...shown, types: [], apps: [paulsApp] });
    await give('carl', { groups: [id] });
    expect((await userOf('carl')).groups).toEqual([id]);
    expect(await remove(paul, id)).toEqual([200, done]);
    expect((await userOf('carl')).groups).toEqual([]);
    expect(await remove(paul, id)).toEqual([404, refusal(`${id} does not exist`)]);
  });

  it('stay in their product, and have no app from elsewhere', async () => {
    const other = await make(paul, 'product', { name: fresh('product') });
    const noApp = (app: string): string => `apps: ${app} is no app of ${product}`;
    const body = { name: 'night', product_id: product, apps: [carlsApp, paulsApp, 'nope'] };
    expect(await said(paul.post(`${base}/groups`, body))).toEqual([400, refusal(`${noApp(carlsApp)}; ${noApp('nope')}`)]);
    const id = await make(paul, 'groups', { name: 'night', product_id: product });
    expect(await change(paul, id, { product_id: other, apps: ['nope'], name: 'day' })).toEqual([
      400,
      refusal(`product_id: What is in a product stays in it: this is another one.; ${noApp('nope')}`),
    ]);
    expect(await get(id)).toMatchObject({ name: 'night', product_id: product, apps: [] });
    await remove(root, other);
  });

  it('belong to a product that exists, and that one is in', async () => {
    const foreign = await make(root, 'product', { name: fresh('product') });
    const notIn = refusal(`You may not do this to ${foreign}: you are not in the product`);
    for (const id of [`p-${absent}`, `r-${absent}`, 'p-1', "p-' OR true --"]) {
      expect(await said(paul.post(`${base}/groups`, { name: 'x', product_id: id }))).toEqual([
        400,
        refusal(`product_id: ${id} does not exist`),
      ]);
      expect(await said(paul.get(`${base}/groups?product_id=${encodeURIComponent(id)}`))).toEqual([404, refusal(`${id} does not exist`)]);
    }
    expect(await said(paul.post(`${base}/groups`, { name: 'x', product_id: foreign }))).toEqual([403, notIn]);
    expect(await said(paul.get(`${base}/groups?product_id=${foreign}`))).toEqual([403, notIn]);
    const theirs = await make(root, 'groups', { name: 'x', product_id: foreign });
    const his = await make(paul, 'groups', { name: 'x', product_id: product });
    for (const refused of [paul.get(path(theirs)), paul.put(path(theirs), { name: 'y' }), paul.delete(path(theirs))]) {
      expect((await refused).status).toBe(403);
    }
    expect((await list(paul, 'groups')).map(({ id }) => id)).toEqual([his]);
    expect((await list(root, 'groups')).map(({ id }) => id).sort()).toEqual([his, theirs].sort());
    expect((await list(root, `groups?product_id=${foreign}`)).map(({ id }) => id)).toEqual([theirs]);
    expect((await list(root, 'groups?product_id=')).length).toBe(2);
    for (const api of [una, ann, carl]) expect(await said(api.get(`${base}/groups`))).toEqual([403, notAllowed]);
    expect(await remove(root, foreign)).toEqual([200, done]);
    expect((await root.get(path(theirs))).status).toBe(404);
  });

  it('have a name of their own in the product', async () => {
    const taken = refusal('The group name already exists');
    await make(paul, 'groups', { name: 'night', product_id: product });
    expect(await said(paul.post(`${base}/groups`, { name: 'night', product_id: product }))).toEqual([409, taken]);
    const id = await make(paul, 'groups', { name: 'day', product_id: product });
    expect(await change(paul, id, { name: 'night' })).toEqual([409, taken]);
    const other = await make(paul, 'product', { name: fresh('product') });
    await make(paul, 'groups', { name: 'night', product_id: other });
    await remove(root, other);
  });
});

describe('ACLs', () => {
  it('are administered by superusers and ACL administrators in all products, by product administrators in theirs', async () => {
    const product = await make(paul, 'product', { name: fresh('product') });
    const foreign = await make(root, 'product', { name: fresh('product') });
    const made = await make(ann, 'acl', { name: 'a', product_id: foreign, allow: [' ls  *', 'cat ?'], deny: ['rm *', 'rm *'] });
    const shown = { id: made, name: 'a', product_id: foreign, allow: ['ls  *', 'cat ?'], deny: ['rm *'], description: '' };
    expect(await get(made, ann)).toEqual(shown);
    const his = await make(paul, 'acl', { name: 'a', product_id: product });
    expect((await list(paul, 'acl')).map(({ id }) => id)).toEqual([his]);
    for (const api of [root, ann]) expect((await list(api, 'acl')).map(({ id }) => id).sort()).toEqual([his, made].sort());
    expect((await list(ann, `acl?product_id=${product}`)).map(({ id }) => id)).toEqual([his]);
    const notIn = (id: string): object => refusal(`You may not do this to ${id}: you are not in the product`);
    expect(await said(paul.get(path(made)))).toEqual([403, notIn(made)]);
    expect(await change(paul, made, { deny: [] })).toEqual([403, notIn(made)]);
    expect(await remove(paul, made)).toEqual([403, notIn(made)]);
    expect(await said(paul.post(`${base}/acl`, { name: 'b', product_id: foreign }))).toEqual([403, notIn(foreign)]);
    expect(await said(paul.get(`${base}/acl?product_id=${foreign}`))).toEqual([403, notIn(foreign)]);
    for (const api of [una, carl]) expect(await said(api.get(`${base}/acl`))).toEqual([403, notAllowed]);

    expect(await change(ann, made, { allow: [], description: 'open' })).toEqual([200, done]);
    expect(await get(made)).toEqual({ ...shown, allow: [], description: 'open' });
    const stays = refusal('product_id: What is in a product stays in it: this is another one.');
    expect(await change(ann, made, { product_id: product })).toEqual([400, stays]);
    const taken = refusal('The ACL name already exists');
    expect(await said(ann.post(`${base}/acl`, { name: 'a', product_id: foreign }))).toEqual([409, taken]);
    expect(await said(ann.post(`${base}/acl`, { name: 'a', product_id: `p-${absent}` }))).toEqual([
      400,
      refusal(`product_id: p-${absent} does not exist`),
    ]);
    await give('carl', { acl: [made] });
    expect(await remove(ann, made)).toEqual([200, done]);
    expect((await userOf('carl')).acl).toEqual([]);
    expect(await said(ann.get(path(made)))).toEqual([404, refusal(`${made} does not exist`)]);
    for (const id of [product, foreign]) await remove(root, id);
  });
});

it.each<[string, object, string]>([
  ['role', { name: ' ' }, 'name: This field may not be blank.; tag: This field is required.'],
  [
    'role',
    { name: null, tag: 5, description: 1 },
    'name: This field may not be null.; description: Not a valid string.; tag: Ensure this value is less than or equal to 4.',
  ],
  [
    'role',
    { name: 'x'.repeat(129), tag: 'x' },
    'name: Ensure this field has no more than 128 characters.; tag: A valid integer is required.',
  ],
  ['product', {}, 'name: This field is required.'],
  [
    'product',
    { name: 'a\0', apps: 'x', description: null },
    'description: This field may not be null.; apps: Expected a list of strings.; name: Control characters are not allowed.',
  ],
  ['product', { name: 'a', apps: ['', [1]] }, 'apps: Expected a list of strings.'],
  ['groups', {}, 'name: This field is required.; product_id: This field is required.'],
  [
    'groups',
    { name: 'a', product_id: 1, types: ['Web', 'ok'], apps: [''] },
    'product_id: Not a valid string.; apps: An item may not be blank.; types: Web: Process types can only contain lowercase alphanumeric characters',
  ],
  ['acl', {}, 'name: This field is required.; product_id: This field is required.'],
  [
    'acl',
    { name: 'a', product_id: 'p-1', allow: [' ', 'x'.repeat(201)], deny: Array.from({ length: 101 }, (_, index) => `${String(index)} *`) },
    'allow: An item may not be blank.; allow: An item may have at most 200 characters.; deny: Ensure this field has no more than 100 items.',
  ],
  [
    'acl',
    { name: 'a\nb', product_id: 'p-1', deny: ['rake "db migrate"'] },
    'name: Control characters are not allowed.; deny: Patterns match the words of a command without its quotes and backslashes: leave them out.',
  ],
])('%s: every fault of a body is named (%#)', async (kind, body, message) => {
  const { status, json } = await root.post<{ message: string }>(`${base}/${kind}`, body);
  expect([status, json.message.split('; ').sort()]).toEqual([400, message.split('; ').sort()]);
});

it.each(['role', 'product', 'groups', 'acl'])('there is no %s of an id that is none', async (kind) => {
  const letter = kind.charAt(0);
  for (const id of [`${letter}-${absent}`, `u-${absent}`, `${letter}-${absent.toUpperCase()}`, 'x', `${letter}-`, absent]) {
    for (const answer of [
      root.get(`${base}/${kind}/${id}`),
      root.put(`${base}/${kind}/${id}/`, {}),
      root.delete(`${base}/${kind}/${id}`),
    ]) {
      expect(await said(answer)).toEqual([404, refusal(`${id} does not exist`)]);
    }
  }
});

it('every change is in the audit log, with what was and what is', async () => {
  const rows = async (object: string): Promise<unknown[]> => {
    const found = await keelson.app
      .get(DataSource)
      .manager.find(AuditRow, { where: { object, outcome: 'committed' }, order: { id: 'ASC' } });
    return found.map(({ actor, action, before, after }) => ({ actor, action, before, after }));
  };
  const name = fresh('audited');
  const product = await make(paul, 'product', { name, apps: [paulsApp] });
  await change(paul, product, { apps: [] });
  const group = await make(paul, 'groups', { name, product_id: product });
  await change(paul, group, { types: ['web'] });
  await remove(paul, group);
  const acl = await make(paul, 'acl', { name, product_id: product, deny: ['rm *'] });
  await change(ann, acl, { name: `${name}b` });
  await remove(ann, acl);
  await remove(paul, product);
  const role = await make(root, 'role', { name, tag: 1 });
  await change(root, role, { tag: 2 });
  await remove(root, role);

  const aProduct = { id: product, name, description: '', apps: [paulsApp] };
  expect(await rows(`product:${name}`)).toEqual([
    { actor: 'paul', action: 'product.create', before: null, after: aProduct },
    { actor: 'paul', action: 'product.update', before: aProduct, after: { ...aProduct, apps: [] } },
    { actor: 'paul', action: 'product.delete', before: { ...aProduct, apps: [] }, after: null },
  ]);
  const aGroup = { id: group, name, product_id: product, description: '', apps: [], types: [] };
  expect(await rows(`group:${name}`)).toEqual([
    { actor: 'paul', action: 'group.create', before: null, after: aGroup },
    { actor: 'paul', action: 'group.update', before: aGroup, after: { ...aGroup, types: ['web'] } },
    { actor: 'paul', action: 'group.delete', before: { ...aGroup, types: ['web'] }, after: null },
  ]);
  const anAcl = { id: acl, name, product_id: product, allow: [], deny: ['rm *'], description: '' };
  expect(await rows(`acl:${name}`)).toEqual([
    { actor: 'paul', action: 'acl.create', before: null, after: anAcl },
    { actor: 'ann', action: 'acl.update', before: anAcl, after: { ...anAcl, name: `${name}b` } },
  ]);
  expect(await rows(`acl:${name}b`)).toEqual([{ actor: 'ann', action: 'acl.delete', before: { ...anAcl, name: `${name}b` }, after: null }]);
  const aRole = { id: role, name, description: '', tag: 1 };
  expect(await rows(`role:${name}`)).toEqual([
    { actor: 'root', action: 'role.create', before: null, after: aRole },
    { actor: 'root', action: 'role.update', before: aRole, after: { ...aRole, tag: 2 } },
    { actor: 'root', action: 'role.delete', before: { ...aRole, tag: 2 }, after: null },
  ]);
});

it('takes as many statements for many as for few', async () => {
  const product = await make(root, 'product', { name: fresh('product'), apps: [rootsApp] });
  const group = await make(root, 'groups', { name: 'all', product_id: product });
  /** The engine and the audit log run statements of their own: the least of a few tries is the request's. */
  const cost = async (call: () => Promise<Answer>): Promise<number> => {
    const costs: number[] = [];
    for (let attempt = 0; attempt < 4; attempt++) {
      const before = keelson.statements.length;
      expect((await call()).status).toBe(200);
      costs.push(keelson.statements.length - before);
    }
    return Math.min(...costs);
  };
  const costs = async (apps: string[]): Promise<number[]> => {
    const all: number[] = [];
    for (const kind of ['role', 'product', 'groups', 'acl', `groups?product_id=${product}`]) {
      all.push(await cost(() => root.get(`${base}/${kind}`)));
    }
    for (const id of [product, group]) all.push(await cost(() => root.put(path(id), { apps })));
    return all;
  };
  const few = await costs([rootsApp]);
  for (let index = 0; index < 5; index++) {
    await make(root, 'role', { name: fresh('role'), tag: 1 });
    const id = await make(root, 'product', { name: fresh('product'), apps: [rootsApp, paulsApp, carlsApp] });
    await make(root, 'groups', { name: 'x', product_id: id, apps: [rootsApp, paulsApp] });
    await make(root, 'groups', { name: fresh('x'), product_id: product });
    await make(root, 'acl', { name: 'x', product_id: id });
  }
  expect(await costs([rootsApp, paulsApp, carlsApp])).toEqual(few);
});
