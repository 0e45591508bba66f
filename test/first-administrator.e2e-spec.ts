import { randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import { createTestDatabase } from './database.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';

/** A line of the log about the first administrator. */
interface Announced {
  level: string;
  msg: string;
}

const register = (api: Api, username: string, body: object = {}, headers: Record<string, string> = {}): Promise<Answer> =>
  api.post('/v2/auth/register', { username, password: 'opensesame', ...body }, { headers });

const running: Keelson[] = [];
const databases: { drop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const keelson of running.splice(0)) await keelson.stop();
  for (const database of databases.splice(0)) await database.drop();
});

/** Settings of several processes on one database. */
async function sharedSettings(): Promise<Record<string, string>> {
  const database = await createTestDatabase();
  databases.push(database);
  return { DATABASE_URL: database.url, ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}` };
}

/** A Keelson without a token in its settings, unless the overrides have one, and what it logged about the first administrator. */
async function start(overrides: Record<string, string> = {}): Promise<{ keelson: Keelson; announced: () => Announced[] }> {
  const lines: string[] = [];
  const keelson = await startKeelson({ SETUP_TOKEN: '', LOG_LEVEL: 'info', ...overrides }, { write: (line) => lines.push(line) });
  running.push(keelson);
  const announced = (): Announced[] =>
    lines.map((line) => JSON.parse(line) as Announced).filter(({ msg }) => msg.includes('There is no administrator yet'));
  return { keelson, announced };
}

const tokenIn = ([line]: Announced[]): string => / X-Setup-Token: ([0-9a-f]{48})$/.exec(line?.msg ?? '')?.[1] ?? 'none';
const users = async (keelson: Keelson): Promise<number> =>
  (await keelson.app.get(DataSource).query<[{ count: number }]>('SELECT count(*)::int AS count FROM users'))[0].count;

describe('without SETUP_TOKEN', () => {
  it('the log has a token once, and nobody is first without it', async () => {
    const { keelson, announced } = await start();
    expect(announced()).toEqual([expect.objectContaining({ level: 'warn' })]);
    const token = tokenIn(announced());
    expect(token).not.toBe('none');
    for (const attempt of [{}, { setup_token: '' }, { setup_token: null }, { setup_token: 'f'.repeat(48) }]) {
      const { status, json } = await register(keelson.api, 'eve', attempt);
      expect([status, json]).toEqual([
        403,
        { detail: expect.stringMatching(/set-up token.*X-Setup-Token; the log of its first start/) as string },
      ]);
    }
    const other = await keelson.api.post('/saltshaker/api/v1.0/user/register', { username: 'eve', password: 'x' });
    expect([other.status, other.json]).toEqual([403, { status: false, message: expect.stringContaining('set-up token') as string }]);
    expect(await users(keelson)).toBe(0);
    const stored = JSON.stringify(await keelson.app.get(DataSource).query('SELECT * FROM setup_tokens'));
    expect(stored).not.toContain(token);

    const first = await register(keelson.api, 'ada', { setup_token: token });
    expect([first.status, first.json]).toEqual([201, expect.objectContaining({ is_superuser: true })]);
    expect(await keelson.app.get(DataSource).query('SELECT * FROM setup_tokens')).toEqual([]);
    const second = await register(keelson.api, 'bob');
    expect([second.status, second.json]).toEqual([201, expect.objectContaining({ is_superuser: false })]);
    expect(announced()).toHaveLength(1);
  });

  it('a second process tells where the token is, and knows the same one', async () => {
    const shared = await sharedSettings();
    const one = await start(shared);
    const other = await start(shared);
    expect(other.announced()).toEqual([
      expect.objectContaining({ msg: expect.stringContaining('has logged the token. If that log is gone') as string }),
    ]);
    const { status, json } = await register(other.keelson.api, 'ada', {}, { 'X-Setup-Token': tokenIn(one.announced()) });
    expect([status, json]).toEqual([201, expect.objectContaining({ is_superuser: true })]);
  });

  it('of many who have it at once exactly one is administrator', async () => {
    const { keelson, announced } = await start();
    const token = tokenIn(announced());
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => register(keelson.api, `u${String(i)}`, { setup_token: token })));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    expect(answers.filter(({ json }) => json.is_superuser)).toHaveLength(1);
  });

  it('a token that is used up is good no more', async () => {
    const { keelson, announced } = await start();
    const token = tokenIn(announced());
    const ada = (await register(keelson.api, 'ada', { setup_token: token })).status === 201 ? await keelson.login('ada') : keelson.api;
    expect((await ada.delete('/v2/auth/cancel')).status).toBe(204);
    expect((await register(keelson.api, 'eve', { setup_token: token })).status).toBe(403);
  });
});

describe('with SETUP_TOKEN', () => {
  const SETUP_TOKEN = randomBytes(12).toString('hex');

  it('the log says where it is, never the token', async () => {
    const { keelson, announced } = await start({ SETUP_TOKEN, KEELSON_KEYS_SECRET: 'keelson-keys', KEELSON_NAMESPACE: 'platform' });
    expect(announced()).toEqual([
      expect.objectContaining({ msg: expect.stringContaining('SETUP_TOKEN in the Secret platform/keelson-keys') as string }),
    ]);
    expect(JSON.stringify(announced())).not.toContain(SETUP_TOKEN);
    const refused = await register(keelson.api, 'eve', { setup_token: `${SETUP_TOKEN}x` });
    expect([refused.status, refused.json.detail]).toEqual([403, expect.stringContaining('Secret or setting SETUP_TOKEN')]);
    const { json } = await register(keelson.api, 'ada', {}, { 'x-setup-token': SETUP_TOKEN });
    expect(json).toMatchObject({ is_superuser: true });
  });

  it('the user API takes it too', async () => {
    const { keelson } = await start({ SETUP_TOKEN });
    const body = { username: 'ada', password: 'opensesame', setup_token: SETUP_TOKEN };
    expect((await keelson.api.post('/saltshaker/api/v1.0/user/register', body)).status).toBe(200);
    expect((await (await keelson.login('ada')).get('/v2/auth/whoami')).json).toMatchObject({ is_superuser: true });
  });

  it('a registration mode that is closed stays so', async () => {
    const { keelson, announced } = await start({ SETUP_TOKEN, REGISTRATION_MODE: 'disabled' });
    expect(announced()[0]?.msg).toContain('registration is disabled. Set FIRST_ADMIN_USERNAME');
    expect((await register(keelson.api, 'eve', { setup_token: SETUP_TOKEN })).status).toBe(403);
  });
});

describe('with FIRST_ADMIN_USERNAME', () => {
  const FIRST = { FIRST_ADMIN_USERNAME: 'grace', FIRST_ADMIN_PASSWORD: 'opensesame' };

  it('the administrator is there at the start, and others register without a token', async () => {
    const { keelson, announced } = await start(FIRST);
    expect(announced()).toEqual([]);
    const grace = await keelson.login('grace');
    expect((await grace.get('/v2/auth/whoami')).json).toMatchObject({ username: 'grace', is_superuser: true });
    const { status, json } = await register(keelson.api, 'bob');
    expect([status, json]).toEqual([201, expect.objectContaining({ is_superuser: false })]);
    const { json: log } = await grace.get<{ results: object[] }>('/v2/admin/audit?action=user.add');
    expect(log.results).toEqual([expect.objectContaining({ object: 'user:grace', actor: null })]);
  });

  it('is added once, by one of several processes, and not beside others', async () => {
    const shared = await sharedSettings();
    const [one] = await Promise.all([start({ ...shared, ...FIRST }), start({ ...shared, ...FIRST })]);
    expect(await users(one.keelson)).toBe(1);
    await start({ ...shared, FIRST_ADMIN_USERNAME: 'henry', FIRST_ADMIN_PASSWORD: 'opensesame' });
    expect(await users(one.keelson)).toBe(1);
  });
});
