import { DataSource } from 'typeorm';
import { lockAdministration } from '../src/users/administration-lock.ts';
import { holding, waiting } from './hold.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';

const base = '/saltshaker/api/v1.0';

let keelson: Keelson;
let database: DataSource;
let root: Api;

beforeAll(async () => {
  keelson = await startKeelson();
  database = keelson.app.get(DataSource);
});
afterAll(() => keelson.stop());

it('the only user may give up being the administrator, and who registers next is one', async () => {
  const first = await keelson.register('first');
  expect((await first.delete('/v2/admin/perms/first')).status).toBe(204);
  root = await keelson.register('root');
  expect((await root.get('/v2/auth/whoami')).json).toMatchObject({ is_superuser: true });
  expect((await root.delete('/v2/admin/perms/root')).status).toBe(409);
});

const idOf = async (username: string): Promise<string> => {
  const { json } = await root.get<{ users: { user: { id: string; username: string }[] } }>(`${base}/user`);
  return json.users.user.find((user) => user.username === username)?.id ?? '';
};
const roleOf = async (tag: number): Promise<string> => {
  const { json } = await root.get<{ data: { id: string; tag: number }[] }>(`${base}/role`);
  return json.data.find((role) => role.tag === tag)?.id ?? '';
};

/** Two requests that the guards let in both; the second one is carried out after the first. */
async function inOrder(first: () => Promise<Answer>, second: () => Promise<Answer>): Promise<[Answer, Answer]> {
  return holding(database, lockAdministration, async (letGo) => {
    const one = first();
    await waiting(database, 1);
    const two = second();
    await waiting(database, 2);
    await letGo();
    return [await one, await two];
  });
}

describe('who loses a right while he waits to use it', () => {
  it('can’t make himself an administrator again', async () => {
    const mallory = await keelson.register('mallory');
    expect((await root.post('/v2/admin/perms', { username: 'mallory' })).status).toBe(201);
    const [id, superuser] = [await idOf('mallory'), await roleOf(0)];
    const [revoked, promoted] = await inOrder(
      () => root.delete('/v2/admin/perms/mallory'),
      () => mallory.request('PUT', `${base}/user/${id}`, { role: [superuser] }),
    );
    expect([revoked.status, promoted.status, promoted.json]).toEqual([
      204,
      409,
      { status: false, message: 'Your roles have changed meanwhile: try again' },
    ]);
    expect((await mallory.get('/v2/auth/whoami')).json).toMatchObject({ is_superuser: false });
    expect((await mallory.request('PUT', `${base}/user/${id}`, { role: [superuser] })).status).toBe(403);
  });

  it('can’t set the passwords of others', async () => {
    const oscar = await keelson.register('oscar');
    await keelson.register('bob');
    const [id, bob, roles] = [await idOf('oscar'), await idOf('bob'), [await roleOf(1), await roleOf(3)]];
    expect((await root.request('PUT', `${base}/user/${id}`, { role: roles })).status).toBe(200);
    const [taken, reset] = await inOrder(
      () => root.request('PUT', `${base}/user/${id}`, { role: roles.slice(0, 1) }),
      () => oscar.post(`${base}/user/reset/${bob}`),
    );
    expect([taken.status, reset.status]).toEqual([200, 409]);
    expect((await root.request('PUT', `${base}/user/${id}`, { role: roles })).status).toBe(200);
    const [disabled, again] = await inOrder(
      () => root.patch('/v2/users/oscar/disable'),
      () => oscar.post(`${base}/user/reset/${bob}`),
    );
    expect([disabled.status, again.status]).toEqual([204, 401]);
    expect((await keelson.login('bob')).token).toBeDefined();
  });
});

it('a new token is one’s own, whoever has the name by then', async () => {
  const alice = await keelson.register('alice');
  await keelson.register('carol');
  const [aliceId, carolId] = [await idOf('alice'), await idOf('carol')];
  const { json } = await holding(
    database,
    (tx) => tx.query(`SELECT FROM users WHERE username = 'alice' FOR UPDATE`),
    async (letGo) => {
      const answer = alice.post<{ token: string }>('/v2/auth/tokens');
      await waiting(database, 1);
      const renamed = root.request('PUT', `${base}/user/${aliceId}`, { username: 'alicia' });
      await waiting(database, 2);
      await letGo();
      expect((await renamed).status).toBe(200);
      expect((await root.request('PUT', `${base}/user/${carolId}`, { username: 'alice' })).status).toBe(200);
      return answer;
    },
  );
  expect((await keelson.api.as(json.token).get('/v2/auth/whoami')).json).toMatchObject({ username: 'alicia' });
});
