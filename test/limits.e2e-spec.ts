import { randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import { Sweeper } from '../src/database/sweeper.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';

/** Two Keelsons on one database; what is tried is counted by both together. */

const users = '/saltshaker/api/v1.0';
const password = 'opensesame';
const wrong = 'closesesame';
let log = '';
let one: Keelson;
let other: Keelson;
let root: Api;
let database: DataSource;
let addresses = 0;

beforeAll(async () => {
  const settings = {
    LOGIN_FAILURES_PER_ACCOUNT: '3',
    LOGIN_FAILURES_PER_ADDRESS: '8',
    REGISTRATIONS_PER_ADDRESS: '4',
    TRUST_PROXY: '1',
    LOG_LEVEL: 'warn',
    ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
  };
  one = await startKeelson(settings, { write: (line) => (log += line) });
  const { databaseUrl = '', secretKey } = one.settings;
  other = await startKeelson({ ...settings, DATABASE_URL: databaseUrl, DRYCC_SECRET_KEY: secretKey });
  root = await one.register('root');
  database = one.app.get(DataSource);
});

afterAll(async () => {
  await other.stop();
  await one.stop();
});

beforeEach(() => database.query('DELETE FROM attempts'));

const newAddress = (): string => `198.51.${String(100 + Math.floor(addresses / 250))}.${String((addresses++ % 250) + 1)}`;
const from = (address: string): { headers: Record<string, string> } => ({ headers: { 'X-Forwarded-For': address } });

function login(username: string, given: string, address: string, keelson = one): Promise<Answer> {
  return keelson.api.post('/v2/auth/login', { username, password: given }, from(address));
}

/** Somebody whom the administrator registered. */
async function user(username: string): Promise<string> {
  expect((await root.post('/v2/auth/register', { username, password })).status).toBe(201);
  return username;
}

const numbers = ({ headers }: Answer): (number | null)[] =>
  ['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset', 'Retry-After'].map((name) => {
    const value = headers.get(name);
    return value === null ? null : Number(value);
  });

describe('wrong passwords', () => {
  it('are refused after some, whichever replica is asked, and the right one with them', async () => {
    const ada = await user('ada');
    const address = newAddress();
    for (const [left, keelson] of [one, other, one].entries()) {
      const answer = await login(ada, wrong, address, keelson);
      expect([answer.status, answer.json]).toEqual([400, { non_field_errors: ['Unable to log in with provided credentials.'] }]);
      const [limit, remaining, reset = 0, retry] = numbers(answer);
      expect([limit, remaining, retry]).toEqual([3, 2 - left, null]);
      expect(reset).toBeGreaterThan(600);
    }
    for (const [given, keelson] of [[wrong, other] as const, [password, one] as const, [password, other] as const]) {
      const answer = await login(ada, given, address, keelson);
      const [limit, remaining, reset, retry = 0] = numbers(answer);
      expect([answer.status, limit, remaining]).toEqual([429, 3, 0]);
      expect(retry).toBe(reset);
      expect(retry).toBeGreaterThan(600);
      expect(answer.json).toEqual({ detail: `Too many attempts. Try again in ${String(retry)} s.` });
    }
    expect((await login(ada, password, newAddress())).status).toBe(200);
  });

  it('that come at the same time are not told to be wrong more often than that', async () => {
    const bob = await user('bob');
    const address = newAddress();
    const statuses = await Promise.all(
      Array.from({ length: 24 }, async (_, number) => (await login(bob, wrong, address, number % 2 ? one : other)).status),
    );
    expect(statuses.filter((status) => status === 400)).toHaveLength(3);
    expect(statuses.filter((status) => status === 429)).toHaveLength(21);
  });

  it('are forgotten with the right one', async () => {
    const cy = await user('cy');
    const address = newAddress();
    for (let round = 0; round < 2; round++) {
      for (const given of [wrong, wrong]) expect((await login(cy, given, address)).status).toBe(400);
      const answer = await login(cy, password, address, other);
      expect([answer.status, numbers(answer)[0]]).toEqual([200, 3]);
    }
  });

  it('of many accounts are refused by their address', async () => {
    const dan = await user('dan');
    const address = newAddress();
    for (let number = 0; number < 8; number++) expect((await login(`nobody-${String(number)}`, wrong, address)).status).toBe(400);
    const answer = await login(dan, password, address);
    expect([answer.status, numbers(answer)[0]]).toEqual([429, 8]);
    expect((await login(dan, password, newAddress())).status).toBe(200);
  });

  it('from everywhere do not keep somebody out where he has logged in before', async () => {
    const eve = await user('eve');
    const home = newAddress();
    expect((await login(eve, password, home)).status).toBe(200);
    for (let number = 0; number < 30; number++) expect((await login(eve, wrong, newAddress())).status).toBe(400);
    expect((await login(eve, wrong, newAddress())).status).toBe(429);
    expect((await login(eve, password, newAddress(), other)).status).toBe(429);
    expect((await login(eve, password, home, other)).status).toBe(200);
    // nor for ever anywhere
    await database.query(`UPDATE attempts SET ends = now() - interval '1 second' WHERE count > 0`);
    expect((await login(eve, password, newAddress())).status).toBe(200);
  });

  it('of a name that nobody has count and cost the same', async () => {
    const fay = await user('fay');
    const costs: Record<string, number[]> = {};
    for (const name of [fay, 'nobody-at-all']) {
      const address = newAddress();
      for (let number = 0; number < 5; number++) {
        one.statements.length = 0;
        const answer = await login(name, wrong, address);
        const [limit, remaining] = numbers(answer);
        (costs[name] ??= []).push(answer.status, limit ?? -1, remaining ?? -1, one.statements.length);
      }
    }
    expect(costs['nobody-at-all']).toEqual(costs[fay]);
  });

  it('cost the same few statements, however many there were', async () => {
    const gil = await user('gil');
    const cost = async (given: string, address: string): Promise<number> => {
      one.statements.length = 0;
      await login(gil, given, address);
      return one.statements.length;
    };
    const address = newAddress();
    const first = [await cost(password, address), await cost(wrong, address)];
    for (let number = 0; number < 20; number++) await login(gil, wrong, newAddress());
    const another = newAddress();
    expect([await cost(password, another), await cost(wrong, another)]).toEqual(first);
    // the counts before, the user, the counts after, what is cleared, the transaction of the login with what it was answered
    expect(first[0]).toBeLessThanOrEqual(9);
    expect(first[1]).toBeLessThanOrEqual(4);
  });

  it('are in the audit log; that they are refused is there once', async () => {
    const hal = await user('hal');
    const address = newAddress();
    for (let number = 0; number < 9; number++) await login(hal, wrong, address, number % 2 ? one : other);
    const rows = await database.query<{ object: string; after: unknown }[]>(
      `SELECT object, after FROM audit_rows WHERE action = 'user.login' AND outcome = 'refused' AND address = $1 ORDER BY id`,
      [address],
    );
    const refusal = { limit: 'account', count: 3, seconds: expect.any(Number) as number };
    expect(rows).toEqual([null, null, null, refusal].map((after) => ({ object: 'user:hal', after })));
    expect(log).not.toContain('hal');
  });

  it('given for the current one, when a password is changed, count with those of logins', async () => {
    const ida = await one.login(await user('ida'));
    const address = newAddress();
    const change = (given: string): Promise<Answer> =>
      ida.post('/v2/auth/passwd', { password: given, new_password: 'sesame-2' }, from(address));
    expect((await change(wrong)).status).toBe(401);
    expect((await login('ida', wrong, address, other)).status).toBe(400);
    expect((await change(wrong)).status).toBe(401);
    const refused = await change(password);
    expect([refused.status, numbers(refused)[0]]).toEqual([429, 3]);
    expect((await login('ida', password, address, other)).status).toBe(429);
    // who may set it without the current one is not limited
    expect((await root.post('/v2/auth/passwd', { username: 'ida', new_password: password }, from(address))).status).toBe(200);
  });

  it('that are refused are not kept as the answer to an Idempotency-Key', async () => {
    const ken = await one.login(await user('ken'));
    const { headers } = from(newAddress());
    const change = (): Promise<Answer> =>
      ken.post('/v2/auth/passwd', { password, new_password: 'sesame-2' }, { headers: { ...headers, 'Idempotency-Key': 'ken' } });
    for (let number = 0; number < 3; number++) expect((await login('ken', wrong, headers['X-Forwarded-For'] ?? '')).status).toBe(400);
    expect((await change()).status).toBe(429);
    await database.query('DELETE FROM attempts');
    expect((await change()).status).toBe(200);
    expect((await change()).headers.get('Idempotency-Replayed')).toBe('true');
  });

  it('are refused by the user API in its own words', async () => {
    const jo = await user('jo');
    const api = await one.login(jo);
    const address = newAddress();
    const given = { username: jo, password: wrong };
    for (let number = 0; number < 3; number++) {
      expect((await other.api.post(`${users}/login`, given, from(address))).status).toBe(401);
    }
    const { json } = await root.get<{ users: { user: { id: string; username: string }[] } }>(`${users}/user`);
    const id = json.users.user.find(({ username }) => username === jo)?.id ?? '';
    const owner = { old_password: password, new_password: 'sesame-2' };
    for (const answer of [
      await one.api.post(`${users}/login`, given, from(address)),
      await api.post(`${users}/user/reset/owner/${id}`, owner, from(address)),
    ]) {
      const [, , , retry] = numbers(answer);
      expect([answer.status, answer.json]).toEqual([
        429,
        { status: false, message: `Too many attempts. Try again in ${String(retry)} s.` },
      ]);
    }
  });
});

describe('registrations', () => {
  it('are refused after some from one address, whichever replica and API is asked, but not those by administrators', async () => {
    const address = newAddress();
    const register = (username: string, keelson: Keelson): Promise<Answer> =>
      keelson.api.post('/v2/auth/register', { username, password }, from(address));
    expect((await register('kim', one)).status).toBe(201);
    expect((await register('kim', other)).status).toBe(400);
    expect((await one.api.post(`${users}/user/register`, { username: 'lea', password }, from(address))).status).toBe(200);
    expect(numbers(await register('max', one)).slice(0, 2)).toEqual([4, 0]);
    const refused = await register('nia', other);
    expect([refused.status, ...numbers(refused).slice(0, 2)]).toEqual([429, 4, 0]);
    expect((await one.api.post(`${users}/user/register`, { username: 'nia', password }, from(address))).json).toMatchObject({
      status: false,
    });
    expect((await root.post('/v2/auth/register', { username: 'nia', password }, from(address))).status).toBe(201);
    const rows = await database.query<{ after: unknown }[]>(`SELECT after FROM audit_rows WHERE outcome = 'refused' AND address = $1`, [
      address,
    ]);
    expect(rows.map(({ after }) => after)).toEqual([expect.objectContaining({ limit: 'registrations', count: 4 })]);
  });
});

it('addresses of one IPv6 network count as one', async () => {
  const oli = await user('oli');
  for (const host of ['1', '2:3', 'ffff']) expect((await login(oli, wrong, `2001:db8:7:7::${host}`)).status).toBe(400);
  expect((await login(oli, password, '2001:db8:7:7::4')).status).toBe(429);
  expect((await login(oli, password, '2001:db8:7:8::4')).status).toBe(200);
});

it('counts tell neither names nor addresses, and go when their time is over', async () => {
  const address = newAddress();
  await login('a-password-for-a-name', wrong, address);
  const text = async (): Promise<string> =>
    (await database.query<{ text: string }[]>('SELECT a::text AS text FROM attempts a')).map((row) => row.text).join('\n');
  expect(await text()).not.toBe('');
  expect(await text()).not.toContain('a-password-for-a-name');
  expect(await text()).not.toContain(address);
  await one.app.get(Sweeper).sweep();
  expect(await text()).not.toBe('');
  await database.query(`UPDATE attempts SET ends = now() - interval '1 second'`);
  await one.app.get(Sweeper).sweep();
  expect(await text()).toBe('');
});

it('an address that a caller gives himself does not count, and the log says why all callers have the same', async () => {
  const near = await startKeelson({ LOGIN_FAILURES_PER_ACCOUNT: '2', LOG_LEVEL: 'warn' }, { write: (line) => (log += line) });
  try {
    await near.register('pat');
    log = '';
    const statuses = [];
    for (let number = 0; number < 3; number++) statuses.push((await login('pat', wrong, newAddress(), near)).status);
    expect(statuses).toEqual([400, 400, 429]);
    expect(log).toContain('TRUST_PROXY');
  } finally {
    await near.stop();
  }
});
