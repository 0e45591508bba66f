import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { issue } from './certificates.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { newPublicKey } from './ssh-key.ts';

const base = '/saltshaker/api/v1.0';
const done = { status: true, message: '' };
/** Of the built-in roles. */
const Tag = { superuser: 0, common: 1, product: 2, user: 3, acl: 4 } as const;

interface Account {
  id: string;
  acl: string[];
  role: string[];
  groups: string[];
  product: string[];
  username: string;
}
interface Role {
  id: string;
  tag: number;
  built_in?: boolean;
}

let keelson: Keelson;
let database: DataSource;
/** The first user: a superuser. */
let root: Api;
/** Ids of the built-in roles, by tag. */
let roles: string[];
let named = 0;
const newName = (): string => `user.${String((named += 1))}`;

beforeAll(async () => {
  keelson = await startKeelson({ TOKEN_TTL: '7200' });
  database = keelson.app.get(DataSource);
  root = await keelson.register('root');
  const { json } = await root.get<{ data: Role[] }>(`${base}/role`);
  roles = [...json.data].sort((a, b) => a.tag - b.tag).map(({ id }) => id);
  expect(roles).toHaveLength(5);
});

afterAll(() => keelson.stop());

const refusal = (status: number, message: unknown = expect.any(String)): unknown => [status, { status: false, message }];
const outcome = ({ status, json }: Answer): unknown => [status, json];
const containing = (...parts: string[]): unknown => expect.stringMatching(new RegExp(parts.map((part) => `(?=[^]*${part})`).join('')));

/** A new user, with roles beside that of all. */
async function person(...tags: number[]): Promise<{ api: Api; id: string; username: string }> {
  const username = newName();
  const api = await keelson.register(username);
  const id = await idOf(username);
  if (tags.length > 0) await put(root, id, { role: [Tag.common, ...tags].map((tag) => roles[tag]) });
  return { api, id, username };
}

async function accounts(): Promise<Account[]> {
  return (await root.get<{ users: { user: Account[] } }>(`${base}/user`)).json.users.user;
}

async function idOf(username: string): Promise<string> {
  return (await accounts()).find((account) => account.username === username)?.id ?? `nobody is ${username}`;
}

async function account(id: string): Promise<Account> {
  return (await root.get<{ user: Account }>(`${base}/user/${id}`)).json.user;
}

/** Changes a user, successfully. */
async function put(api: Api, id: string, body: object): Promise<void> {
  expect(outcome(await api.put(`${base}/user/${id}`, body))).toEqual([200, done]);
}

/** A new role, product, group or ACL. @returns its id */
async function made(api: Api, kind: 'role' | 'product' | 'groups' | 'acl', body: object): Promise<string> {
  const { status, json, text } = await api.post<{ data: { id: string } }>(`${base}/${kind}`, { name: randomUUID(), ...body });
  if (status !== 201) throw new Error(text);
  return json.data.id;
}

async function loggedIn(username: string, password: string): Promise<number> {
  return (await keelson.api.post(`${base}/login`, { username, password })).status;
}

describe('one identity in two views', () => {
  it('shows a user of /v2 with exactly six fields, and the first one as superuser', async () => {
    const { id, username } = await person();
    expect(id).toMatch(/^u-[0-9a-f]{12}1[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
    const { status, json } = await root.get(`${base}/user/${id}`);
    expect([status, json]).toEqual([200, { user: { id, acl: [], role: [roles[Tag.common]], groups: [], product: [], username } }]);
    expect((await account(await idOf('root'))).role.sort()).toEqual([roles[Tag.superuser], roles[Tag.common]].sort());
  });

  it('lists all users by name, whatever the language of the database', async () => {
    for (const username of ['Zoe', 'abe', '_under', 'Abe']) {
      expect((await root.post(`${base}/user`, { username, password: 'x' })).status).toBe(200);
    }
    const names = (await accounts()).map(({ username }) => username);
    expect(names).toEqual([...names].sort());
    expect(names).toEqual(expect.arrayContaining(['Zoe', 'abe', '_under', 'Abe']));
  });

  it('makes an administrator of /v2 of who gets a role of tag 0, and the other way round', async () => {
    const { api, id, username } = await person(Tag.superuser);
    expect((await api.get('/v2/auth/whoami')).json.is_superuser).toBe(true);
    expect((await root.delete(`/v2/admin/perms/${username}`)).status).toBe(204);
    expect((await account(id)).role).toEqual([roles[Tag.common]]);
    expect((await root.post('/v2/admin/perms', { username })).status).toBe(201);
    expect((await account(id)).role).toContain(roles[Tag.superuser]);
    const own = await made(root, 'role', { tag: 0 });
    await put(root, id, { role: [own] });
    expect((await api.get('/v2/auth/whoami')).json.is_superuser).toBe(true);
    await put(root, id, { role: [] });
    expect((await api.get('/v2/auth/whoami')).json.is_superuser).toBe(false);
  });
});

describe('adding a user', () => {
  it('makes somebody who can log in at both APIs, and has the role of all', async () => {
    const username = newName();
    const body = { username, password: 'salt', mail: 'salt@example.com' };
    const { status, json } = await root.post<{ data: { id: string } }>(`${base}/user`, body);
    expect([status, json]).toEqual([200, { ...done, data: { id: await idOf(username) } }]);
    expect((await account(json.data.id)).role).toEqual([roles[Tag.common]]);
    expect(await loggedIn(username, 'salt')).toBe(200);
    const { json: user } = await (await keelson.login(username, 'salt')).get('/v2/auth/whoami');
    expect(user).toMatchObject({ username, email: 'salt@example.com', is_superuser: false, is_active: true });
  });

  it('sets both of his times to now', async () => {
    const username = newName();
    await root.post(`${base}/user`, { username, password: 'salt' });
    const [user] = await database.query<{ last_login: Date; date_joined: Date }[]>('SELECT * FROM users WHERE username = $1', [username]);
    expect(user?.last_login).toEqual(user?.date_joined);
  });

  it('is refused with a name that is taken', async () => {
    const { username } = await person();
    const taken = refusal(409, 'The user name already exists');
    expect(outcome(await root.post(`${base}/user`, { username, password: 'salt' }))).toEqual(taken);
    expect(outcome(await keelson.api.post(`${base}/user/register`, { username, password: 'salt' }))).toEqual(taken);
    const twice = newName();
    const answers = await Promise.all([1, 2].map(() => root.post(`${base}/user`, { username: twice, password: 'salt' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it('is for user administrators', async () => {
    const body = { username: newName(), password: 'salt' };
    for (const tags of [[], [Tag.product], [Tag.acl]]) {
      expect(outcome(await (await person(...tags)).api.post(`${base}/user`, body))).toEqual(refusal(403));
    }
    expect(outcome(await keelson.api.post(`${base}/user`, body))).toEqual(refusal(401));
    expect((await (await person(Tag.user)).api.post(`${base}/user`, body)).status).toBe(200);
  });

  it('names every field at fault', async () => {
    const answer = await root.post(`${base}/user`, { username: 'a b', password: '', mail: 'nowhere' });
    expect(outcome(answer)).toEqual(
      refusal(400, containing('username: Enter a valid username', 'password: This field may not be blank', 'mail: Enter a valid email')),
    );
    expect(outcome(await root.post(`${base}/user`))).toEqual(
      refusal(400, 'username: This field is required.; password: This field is required.'),
    );
  });

  it('by registering is open to all, and takes the same words', async () => {
    const username = newName();
    const { status, json } = await keelson.api.post(`${base}/user/register`, { username, password: 'salt' });
    expect([status, json]).toEqual([200, { ...done, data: { id: await idOf(username) } }]);
    expect(outcome(await keelson.api.post(`${base}/user/register`, { username: '' }))).toEqual(
      refusal(400, 'username: This field may not be blank.; password: This field is required.'),
    );
  });
});

describe('logging in', () => {
  it('gives a token that is good at both APIs, and tells how long', async () => {
    const { id, username } = await person();
    const body = { username, password: 'opensesame' };
    const { status, json } = await keelson.api.post<{ data: { token: { value: string } } }>(`${base}/login`, body);
    const value: unknown = expect.any(String);
    expect([status, json]).toEqual([200, { ...done, data: { token: { key: 'token', value, expires: 7200 }, user: { uid: id } } }]);
    const api = keelson.api.as(json.data.token.value);
    expect((await api.get('/v2/auth/whoami')).json.username).toBe(username);
    expect((await api.get(`${base}/user/${id}`)).status).toBe(200);
  });

  it('is refused with the same words for a wrong name, a wrong password and a disabled user', async () => {
    const { username } = await person();
    const disabled = await person();
    expect((await root.patch(`/v2/users/${disabled.username}/disable`)).status).toBe(204);
    const tries = [
      { username: 'nobody', password: 'opensesame' },
      { username, password: 'wrong' },
      { username: disabled.username, password: 'opensesame' },
    ];
    for (const body of tries) {
      expect(outcome(await keelson.api.post(`${base}/login`, body))).toEqual(refusal(401, 'Unable to log in with provided credentials.'));
    }
    expect(outcome(await keelson.api.post(`${base}/login`, { username }))).toEqual(refusal(400, 'password: This field is required.'));
  });
});

describe('changing a user', () => {
  it('changes what is given, and leaves the rest', async () => {
    const { id, username } = await person(Tag.acl);
    const before = await account(id);
    const renamed = newName();
    await put(root, id, { username: renamed });
    expect(await account(id)).toEqual({ ...before, username: renamed });
    expect([await loggedIn(username, 'opensesame'), await loggedIn(renamed, 'opensesame')]).toEqual([401, 200]);
    await put(root, id, { password: 'closesesame', mail: 'new@example.com' });
    expect([await loggedIn(renamed, 'opensesame'), await loggedIn(renamed, 'closesesame')]).toEqual([401, 200]);
    const { json } = await (await keelson.login(renamed, 'closesesame')).get('/v2/auth/whoami');
    expect(json.email).toBe('new@example.com');
    await put(root, id, {});
    expect(await account(id)).toEqual({ ...before, username: renamed });
  });

  it('keeps every id once', async () => {
    const { id } = await person();
    const product = await made(root, 'product', {});
    const [acl, groups] = [await made(root, 'acl', { product_id: product }), await made(root, 'groups', { product_id: product })];
    const role = [roles[Tag.common], roles[Tag.acl], roles[Tag.acl]];
    await put(root, id, { role, acl: [acl, acl], groups: [groups, groups, groups], product: [product, product] });
    const all = { acl: [acl], groups: [groups], product: [product], role: [roles[Tag.common], roles[Tag.acl]].sort() };
    expect(await account(id)).toMatchObject(all);
    await put(root, id, { acl: [], groups: [] });
    expect(await account(id)).toMatchObject({ ...all, acl: [], groups: [] });
  });

  it('names all ids that there are not, of all kinds at once, and changes nothing', async () => {
    const { id } = await person();
    const before = await account(id);
    const product = await made(root, 'product', {});
    const gone = (letter: string): string => `${letter}-3d48618a283111e8a7e3000c298454d8`;
    const answer = await root.put(`${base}/user/${id}`, {
      username: newName(),
      role: [roles[Tag.acl], gone('r'), 'superuser'],
      acl: [gone('a')],
      groups: [gone('g'), product],
      product: [product, gone('p')],
    });
    const missing = [gone('r'), 'superuser', gone('a'), gone('g'), product, gone('p')];
    expect(outcome(answer)).toEqual(refusal(400, containing(...missing.map((each) => `${each} does not exist`))));
    expect(answer.text).not.toContain(roles[Tag.acl]);
    expect(answer.text).toContain(`groups: ${product}`);
    expect(answer.text).not.toContain(`product: ${product}`);
    expect(await account(id)).toEqual(before);
  });

  it('is refused with a name that is taken, or none', async () => {
    const [{ id }, { username }] = [await person(), await person()];
    expect(outcome(await root.put(`${base}/user/${id}`, { username }))).toEqual(refusal(409, 'The user name already exists'));
    expect(outcome(await root.put(`${base}/user/${id}`, { username: 'a b', role: 'x', mail: 3, product: [1] }))).toEqual(
      refusal(400, containing('username: ', 'role: ', 'mail: ', 'product: ')),
    );
  });

  it('finds nobody of an id that is none', async () => {
    for (const id of ['u-3d48618a283111e8a7e3000c298454d8', 'root', '1', 'r-', roles[0] ?? '', 'ü%20%2e', 'x'.repeat(900)]) {
      const message = `${decodeURIComponent(id)} does not exist`;
      expect(outcome(await root.get(`${base}/user/${id}`))).toEqual(refusal(404, message));
      expect(outcome(await root.put(`${base}/user/${id}`, {}))).toEqual(refusal(404, message));
      expect(outcome(await root.delete(`${base}/user/${id}`))).toEqual(refusal(404, message));
      expect(outcome(await root.post(`${base}/user/reset/${id}`))).toEqual(refusal(404, message));
    }
  });

  it('costs the same few statements, however many ids are given', async () => {
    const { id } = await person();
    // the least of several tries: what goes on in the background can only add to it
    const cost = async (count: number): Promise<number> => {
      const costs: number[] = [];
      for (let attempt = 0; attempt < 3; attempt++) {
        const product = await Promise.all(Array.from({ length: count }, () => made(root, 'product', {})));
        keelson.statements.length = 0;
        await put(root, id, { product });
        costs.push(keelson.statements.length);
      }
      return Math.min(...costs);
    };
    await cost(1);
    const few = await cost(2);
    expect(few).toBeLessThanOrEqual(20);
    expect(await cost(12)).toBe(few);
  });
});

describe('what everybody may', () => {
  it('common users see and change their own account alone', async () => {
    const [{ api, id }, other] = [await person(), await person()];
    expect((await api.get(`${base}/user/${id}`)).status).toBe(200);
    const username = newName();
    await put(api, id, { username, mail: 'me@example.com' });
    const mine = await account(id);
    expect(mine.username).toBe(username);
    // what he has may be sent along
    await put(api, id, { ...mine, mail: 'me@example.com' });
    for (const { status } of [
      await api.get(`${base}/user`),
      await api.get(`${base}/user/${other.id}`),
      await api.put(`${base}/user/${other.id}`, { username: newName() }),
      await api.delete(`${base}/user/${other.id}`),
      await api.post(`${base}/user/reset/${id}`),
      await api.post(`${base}/user/reset/owner/${other.id}`, { old_password: 'opensesame', new_password: 'x' }),
    ]) {
      expect(status).toBe(403);
    }
    expect(outcome(await api.put(`${base}/user/${id}`, { password: 'closesesame' }))).toEqual(refusal(403, containing('user/reset/owner')));
    expect(await loggedIn(username, 'opensesame')).toBe(200);
  });

  it('nobody gets anything of the four kinds by himself', async () => {
    const { api, id } = await person();
    const product = await made(root, 'product', {});
    const [acl, groups] = [await made(root, 'acl', { product_id: product }), await made(root, 'groups', { product_id: product })];
    const before = await account(id);
    for (const body of [{ role: roles }, { product: [product] }, { groups: [groups] }, { acl: [acl] }, { role: [] }]) {
      expect(outcome(await api.put(`${base}/user/${id}`, body))).toEqual(refusal(403));
    }
    await put(root, id, { acl: [acl], product: [product] });
    expect(outcome(await api.put(`${base}/user/${id}`, { acl: [] }))).toEqual(refusal(403));
    expect(await account(id)).toEqual({ ...before, acl: [acl], product: [product] });
  });

  it('the own password changes for who knows it', async () => {
    const { api, id, username } = await person();
    const path = `${base}/user/reset/owner/${id}`;
    expect(outcome(await api.post(path, { old_password: 'wrong', new_password: 'closesesame' }))).toEqual(
      refusal(401, 'Current password does not match'),
    );
    expect(outcome(await api.post(path, {}))).toEqual(
      refusal(400, 'old_password: This field is required.; new_password: This field is required.'),
    );
    expect(outcome(await root.post(path, { old_password: 'opensesame', new_password: 'closesesame' }))).toEqual(refusal(403));
    expect(outcome(await api.post(path, { old_password: 'opensesame', new_password: 'closesesame' }))).toEqual([200, done]);
    expect([await loggedIn(username, 'opensesame'), await loggedIn(username, 'closesesame')]).toEqual([401, 200]);
  });
});

describe('administration that was handed on', () => {
  it('a user administrator changes users, and gives the roles whose standing he has', async () => {
    const { api, id: own } = await person(Tag.user);
    const { id, username } = await person();
    expect((await api.get(`${base}/user`)).status).toBe(200);
    await put(api, id, { role: [roles[Tag.common], roles[Tag.user]], password: 'closesesame' });
    await put(api, id, { role: [roles[Tag.user]] });
    await put(api, id, { role: [roles[Tag.common]] });
    expect(await loggedIn(username, 'closesesame')).toBe(200);
    for (const tag of [Tag.superuser, Tag.product, Tag.acl]) {
      for (const target of [id, own]) {
        const answer = await api.put(`${base}/user/${target}`, { role: [roles[Tag.common], roles[Tag.user], roles[tag]] });
        expect(outcome(answer)).toEqual(refusal(403, containing(roles[tag] ?? '')));
      }
    }
    expect((await account(id)).role).toEqual([roles[Tag.common]]);
    const product = await made(root, 'product', {});
    expect(outcome(await api.put(`${base}/user/${id}`, { product: [product] }))).toEqual(refusal(403));
  });

  it('who administers users and has another standing too may give both', async () => {
    const { api } = await person(Tag.user, Tag.acl);
    const { id } = await person();
    const role = [roles[Tag.common], roles[Tag.acl], await made(root, 'role', { tag: Tag.acl })].sort();
    await put(api, id, { role });
    expect((await account(id)).role.sort()).toEqual(role);
  });

  it('a superuser is out of reach of user administrators', async () => {
    const { api } = await person(Tag.user);
    const { id, username } = await person(Tag.superuser);
    const tries = [
      () => api.put(`${base}/user/${id}`, { username: newName() }),
      () => api.put(`${base}/user/${id}`, { role: [roles[Tag.common]] }),
      () => api.put(`${base}/user/${id}`, { password: 'closesesame' }),
      () => api.post(`${base}/user/reset/${id}`),
      () => api.delete(`${base}/user/${id}`),
    ];
    for (const attempt of tries) expect(outcome(await attempt())).toEqual(refusal(403, containing(username)));
    expect(await loggedIn(username, 'opensesame')).toBe(200);
  });

  it('a product administrator puts users in and out of his products, their groups and ACLs, and of no others', async () => {
    const { api, id: own } = await person(Tag.product);
    const { id } = await person();
    const mine = await made(api, 'product', {});
    expect((await account(own)).product).toEqual([mine]);
    const others = await made(root, 'product', {});
    const [acl, groups] = [await made(api, 'acl', { product_id: mine }), await made(api, 'groups', { product_id: mine })];
    const [othersAcl, othersGroup] = [await made(root, 'acl', { product_id: others }), await made(root, 'groups', { product_id: others })];
    await put(api, id, { product: [mine], acl: [acl], groups: [groups] });
    expect(await account(id)).toMatchObject({ product: [mine], acl: [acl], groups: [groups] });
    for (const body of [{ product: [mine, others] }, { acl: [acl, othersAcl] }, { groups: [othersGroup] }]) {
      expect(outcome(await api.put(`${base}/user/${id}`, body))).toEqual(refusal(403));
    }
    expect(outcome(await api.put(`${base}/user/${own}`, { product: [mine, others] }))).toEqual(refusal(403, containing(others)));
    // what somebody has of other products is not his to take
    await put(root, id, { product: [mine, others], acl: [acl, othersAcl] });
    expect(outcome(await api.put(`${base}/user/${id}`, { acl: [acl] }))).toEqual(refusal(403, containing(othersAcl)));
    await put(api, id, { product: [others], acl: [othersAcl], groups: [] });
    expect(await account(id)).toMatchObject({ product: [others], acl: [othersAcl], groups: [] });
    for (const body of [{ username: newName() }, { mail: 'a@example.com' }, { password: 'x' }, { role: [] }]) {
      expect(outcome(await api.put(`${base}/user/${id}`, body))).toEqual(refusal(403));
    }
    expect(outcome(await api.delete(`${base}/user/${id}`))).toEqual(refusal(403));
  });

  it('an ACL administrator gives the ACLs of all products, and nothing else', async () => {
    const { api } = await person(Tag.acl);
    const { id } = await person();
    const product = await made(root, 'product', {});
    const [acl, groups] = [await made(root, 'acl', { product_id: product }), await made(root, 'groups', { product_id: product })];
    await put(api, id, { acl: [acl] });
    expect((await account(id)).acl).toEqual([acl]);
    for (const body of [{ product: [product] }, { groups: [groups] }, { role: [roles[Tag.acl]] }, { username: newName() }]) {
      expect(outcome(await api.put(`${base}/user/${id}`, body))).toEqual(refusal(403));
    }
    await put(api, id, { acl: [] });
  });
});

describe('a password for somebody who has lost his', () => {
  it('is random, and shown once', async () => {
    const { api } = await person(Tag.user);
    const { id, username } = await person();
    const { status, json } = await api.post<{ data: { password: string } }>(`${base}/user/reset/${id}`);
    expect([status, json]).toEqual([200, { ...done, data: { password: expect.stringMatching(/^[\w-]{24}$/) as string } }]);
    expect([await loggedIn(username, 'opensesame'), await loggedIn(username, json.data.password)]).toEqual([401, 200]);
    const again = await root.post<{ data: { password: string } }>(`${base}/user/reset/${id}`);
    expect(again.json.data.password).not.toBe(json.data.password);
  });

  it('is not got by reading', async () => {
    const { id, username } = await person();
    const answer = await root.get(`${base}/user/reset/${id}`);
    expect([...[outcome(answer)], answer.headers.get('allow')]).toEqual([refusal(405, 'Method "GET" not allowed.'), 'POST']);
    expect(await loggedIn(username, 'opensesame')).toBe(200);
  });
});

describe('removing a user', () => {
  it('takes him away with his tokens', async () => {
    const { api } = await person(Tag.user);
    const gone = await person();
    await gone.api.post('/v2/keys', { id: randomUUID(), public: newPublicKey() });
    expect(outcome(await api.delete(`${base}/user/${gone.id}`))).toEqual([200, done]);
    expect(outcome(await root.get(`${base}/user/${gone.id}`))).toEqual(refusal(404, `${gone.id} does not exist`));
    expect(outcome(await root.delete(`${base}/user/${gone.id}`))).toEqual(refusal(404, `${gone.id} does not exist`));
    expect((await gone.api.get('/v2/auth/whoami')).status).toBe(401);
  });

  it('everybody may leave', async () => {
    const { api, id } = await person();
    expect(outcome(await api.delete(`${base}/user/${id}`))).toEqual([200, done]);
    expect(outcome(await api.get(`${base}/user/${id}`))).toEqual(refusal(401));
  });

  it('waits until he owns nothing', async () => {
    const { api, id, username } = await person();
    const name = `cert-${username.replace('.', '-')}`;
    expect((await api.post('/v2/certs', { name, ...(await issue()) })).status).toBe(201);
    expect(outcome(await root.delete(`${base}/user/${id}`))).toEqual(refusal(409, containing('certificates')));
    expect((await api.delete(`/v2/certs/${name}`)).status).toBe(204);
    const app = `app-${username.replace('.', '-')}`;
    expect((await api.post('/v2/apps', { id: app })).status).toBe(201);
    expect(outcome(await root.delete(`${base}/user/${id}`))).toEqual(
      refusal(409, `${username} still has applications assigned. Delete or transfer ownership`),
    );
    expect((await api.delete(`/v2/apps/${app}`)).status).toBe(204);
    expect(outcome(await root.delete(`${base}/user/${id}`))).toEqual([200, done]);
  });

  it('is refused for the last superuser, who keeps his role too', async () => {
    const id = await idOf('root');
    for (const { username } of (await root.get<{ results: { username: string }[] }>('/v2/admin/perms')).json.results) {
      if (username !== 'root') expect((await root.delete(`/v2/admin/perms/${username}`)).status).toBe(204);
    }
    expect(outcome(await root.delete(`${base}/user/${id}`))).toEqual(refusal(409, containing('last administrator')));
    expect(outcome(await root.put(`${base}/user/${id}`, { role: [roles[Tag.common]] }))).toEqual(
      refusal(409, containing('last administrator')),
    );
    expect((await account(id)).role).toContain(roles[Tag.superuser]);
  });
});

describe('at the same time', () => {
  it('what is deleted while it is given is in nobody, and never breaks', async () => {
    const { id } = await person();
    const product = await made(root, 'product', {});
    const kinds = [
      ['role', 'role', { tag: Tag.acl }],
      ['acl', 'acl', { product_id: product }],
      ['groups', 'groups', { product_id: product }],
      ['product', 'product', {}],
    ] as const;
    for (const [kind, field, body] of kinds) {
      for (let round = 0; round < 5; round++) {
        const thing = await made(root, kind, body);
        const [given, deleted] = await Promise.all([
          root.put(`${base}/user/${id}`, { [field]: [thing] }),
          root.delete(`${base}/${kind}/${thing}`),
        ]);
        expect([200, 400]).toContain(given.status);
        expect(deleted.status).toBe(200);
        expect((await account(id))[field]).not.toContain(thing);
      }
    }
  });

  it('a user who is removed while he is changed is changed, or not found', async () => {
    for (let round = 0; round < 5; round++) {
      const { id } = await person();
      const [changed, reset, removed] = await Promise.all([
        root.put(`${base}/user/${id}`, { role: [roles[Tag.acl]], mail: 'x@example.com' }),
        root.post(`${base}/user/reset/${id}`),
        root.delete(`${base}/user/${id}`),
      ]);
      expect(removed.status).toBe(200);
      expect([200, 404]).toContain(changed.status);
      expect([200, 404]).toContain(reset.status);
      expect((await root.get(`${base}/user/${id}`)).status).toBe(404);
    }
  });

  it('two superusers cannot take the role from each other', async () => {
    const [first, second] = await Promise.all([person(), person()]);
    for (const { id } of [first, second]) await put(root, id, { role: [roles[Tag.superuser]] });
    const rootId = await idOf('root');
    await put(first.api, rootId, { role: [roles[Tag.common]] });
    const answers = await Promise.all([
      first.api.put(`${base}/user/${second.id}`, { role: [] }),
      second.api.put(`${base}/user/${first.id}`, { role: [] }),
    ]);
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
    const winner = answers[0].status === 200 ? first : second;
    await put(winner.api, rootId, { role: [roles[Tag.superuser], roles[Tag.common]] });
    await put(root, winner.id, { role: [] });
  });
});

describe('the audit log', () => {
  interface Row {
    actor: string | null;
    action: string;
    object: string;
    before: object | null;
    after: object | null;
  }
  const rowsOf = (...objects: string[]): Promise<Row[]> =>
    database.query<Row[]>(
      `SELECT actor, action, object, before, after FROM audit_rows WHERE object = ANY ($1) AND outcome = 'committed' ORDER BY id`,
      [objects.map((name) => `user:${name}`)],
    );

  it('has every change with what was before and after it, without passwords', async () => {
    const { api, username: administrator } = await person(Tag.user);
    const [username, renamed] = [newName(), newName()];
    const { json } = await api.post<{ data: { id: string } }>(`${base}/user`, { username, password: 'secret-1' });
    const { id } = json.data;
    await put(api, id, { username: renamed, mail: 'a@example.com', password: 'secret-2', role: [roles[Tag.user]] });
    const { json: reset } = await api.post<{ data: { password: string } }>(`${base}/user/reset/${id}`);
    expect((await api.delete(`${base}/user/${id}`)).status).toBe(200);
    const rows = await rowsOf(username, renamed);
    expect(rows.map(({ actor, action, object }) => [actor, action, object])).toEqual([
      [administrator, 'user.add', `user:${username}`],
      [administrator, 'user.update', `user:${username}`],
      [administrator, 'user.reset-password', `user:${renamed}`],
      [administrator, 'user.remove', `user:${renamed}`],
    ]);
    expect(rows[1]).toMatchObject({
      before: { username, mail: '', password: '***', role: [roles[Tag.common]] },
      after: { username: renamed, mail: 'a@example.com', password: '***', role: [roles[Tag.user]] },
    });
    const text = JSON.stringify(await database.query('SELECT * FROM audit_rows'));
    for (const secret of ['secret-1', 'secret-2', reset.data.password, '$argon2']) expect(text).not.toContain(secret);
  });

  it('has none of what was refused', async () => {
    const { api, username } = await person();
    const { id, username: other } = await person();
    const before = await rowsOf(username, other);
    await api.put(`${base}/user/${id}`, { username: newName() });
    await root.put(`${base}/user/${id}`, { username: newName(), role: ['r-'] });
    await root.put(`${base}/user/${id}`, { username });
    expect(await rowsOf(username, other)).toEqual(before);
  });
});

describe('refusals', () => {
  it.each<[string, number, () => Promise<Answer>]>([
    ['no such route', 404, () => root.get(`${base}/nothing`)],
    ['no such route at the root', 404, () => root.get(base)],
    ['no such route for nobody', 404, () => keelson.api.get(`${base}/nothing/at/all`)],
    ['the wrong method', 405, () => root.patch(`${base}/user`, {})],
    ['no token', 401, () => keelson.api.get(`${base}/user`)],
    ['a bad token', 401, () => keelson.api.as('x').get(`${base}/user`)],
    ['no JSON', 400, () => root.post(`${base}/user`, undefined, { raw: '{"username": ' })],
    ['no object', 400, () => root.post(`${base}/user`, ['ada'])],
    ['a body of another type', 415, () => root.post(`${base}/user`, undefined, { raw: 'x', headers: { 'Content-Type': 'text/plain' } })],
    ['too much', 413, () => root.post(`${base}/user`, { username: 'x'.repeat(2 ** 21) })],
    ['what is no path', 400, () => root.get(`${base}/user/%zz`)],
    ['a part that is too long', 404, () => root.get(`${base}/user/${'x'.repeat(2000)}`)],
    ['NUL', 404, () => root.get(`${base}/user/%00`)],
    ['a slash inside', 404, () => root.get(`${base}/user/a%2Fb`)],
  ])('of %s have the shape of this API', async (_, status, attempt) => {
    expect(outcome(await attempt())).toEqual(refusal(status));
  });

  it('elsewhere keep the shape of /v2', async () => {
    for (const path of ['/v2/nothing', '/saltshaker/api/v1.00', '/saltshaker/api/v2.0/user', '/saltshaker']) {
      expect(outcome(await root.get(path))).toEqual([404, { detail: 'Not found.' }]);
    }
  });
});

it('takes slashes at the end and doubled ones, and a body without a type', async () => {
  const username = newName();
  const raw = JSON.stringify({ username, password: 'salt' });
  expect((await root.post(`${base}/user/`, undefined, { raw })).status).toBe(200);
  expect((await root.get(`/saltshaker//api/v1.0//user/${await idOf(username)}/`)).json).toMatchObject({ user: { username } });
  const bearer = await keelson.api.get(`${base}/user`, { headers: { Authorization: `Bearer ${root.token ?? ''}` } });
  expect([bearer.status, bearer.headers.get('drycc_api_version')]).toEqual([200, expect.any(String)]);
});
