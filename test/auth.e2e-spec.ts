import { JwtService } from '@nestjs/jwt';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { issue } from './certificates.ts';
import { type Answer, type Api, type Keelson, startKeelson, withSetupToken } from './keelson.ts';
import { waiting } from './hold.ts';
import { newPublicKey } from './ssh-key.ts';

const required = ['This field is required.'];
const blank = ['This field may not be blank.'];
const forbidden = { detail: 'You do not have permission to perform this action.' };
const previousSecret = 'the secret before the present one, long enough';

let keelson: Keelson;
let database: DataSource;
/** The administrator: the first who registered. */
let root: Api;
let named = 0;
const newName = (): string => `user.${String((named += 1))}@here`;

const whoami = (api: Api): Promise<Answer<{ id: number; username: string; last_login: string }>> => api.get('/v2/auth/whoami/');

beforeAll(async () => {
  keelson = await startKeelson({ DRYCC_SECRET_KEY_PREVIOUS: previousSecret });
  database = keelson.app.get(DataSource);
  root = await keelson.register('root');
});

afterAll(() => keelson.stop());

describe('registering', () => {
  it('shows the user, who is no administrator but for the first, whatever he says', async () => {
    const { status, json, headers } = await keelson.api.post('/v2/auth/register/', {
      username: 'Ada.L@x+y-_1',
      password: 'opensesame',
      email: 'ada@example.com',
      first_name: 'Ada',
      last_name: '',
      is_superuser: true,
      is_staff: true,
      is_active: false,
      id: 999,
    });
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
    expect([status, json]).toEqual([
      201,
      {
        id: expect.any(Number) as number,
        username: 'Ada.L@x+y-_1',
        email: 'ada@example.com',
        first_name: 'Ada',
        last_name: '',
        is_superuser: false,
        is_staff: false,
        is_active: true,
        last_login: time,
        date_joined: time,
        groups: [],
        user_permissions: [],
      },
    ]);
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect((await whoami(root)).json).toMatchObject({ username: 'root', is_superuser: true, is_staff: true });
  });

  it('needs a name and a password, and nothing else', async () => {
    const { status, json } = await keelson.api.post('/v2/auth/register', { username: newName(), password: 'x' });
    expect([status, json]).toEqual([201, expect.objectContaining({ email: '', first_name: '', last_name: '' })]);
  });

  it.each<[object, object]>([
    [{}, { username: required, password: required }],
    [
      { username: '', password: '', email: '' },
      { username: blank, password: blank },
    ],
    [
      { username: 'a b', password: 'x' },
      { username: ['Enter a valid username. This value may contain only letters, numbers and @/./+/-/_ characters.'] },
    ],
    [
      { username: 'x'.repeat(151), password: 'x'.repeat(129), first_name: 'x'.repeat(31), email: 'nowhere' },
      {
        username: ['Ensure this field has no more than 150 characters.'],
        password: ['Ensure this field has no more than 128 characters.'],
        first_name: ['Ensure this field has no more than 30 characters.'],
        email: ['Enter a valid email address.'],
      },
    ],
    [
      { username: ['a'], password: { a: 1 } },
      { username: ['Not a valid string.'], password: ['Not a valid string.'] },
    ],
    [{ username: 'root', password: 'x' }, { username: ['A user with that username already exists.'] }],
  ])('%j is refused', async (body, faults) => {
    const { status, json } = await keelson.api.post('/v2/auth/register', body);
    expect([status, json]).toEqual([400, faults]);
  });

  it('names differ by case', async () => {
    expect((await keelson.api.post('/v2/auth/register', { username: 'ROOT', password: 'x' })).status).toBe(201);
  });

  it('takes a bad token for none', async () => {
    for (const authorization of ['token nonsense', 'token', 'token a b']) {
      const { status } = await keelson.api.post(
        '/v2/auth/register',
        { username: newName(), password: 'x' },
        { headers: { authorization } },
      );
      expect(status).toBe(201);
    }
  });

  it('at the same time under one name succeeds once', async () => {
    const username = newName();
    const answers = await Promise.all(Array.from({ length: 8 }, () => keelson.api.post('/v2/auth/register', { username, password: 'x' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 400)]);
  });

  it('keeps only a slow hash of the password', async () => {
    const rows = await database.query<{ password_hash: string }[]>('SELECT password_hash FROM users');
    for (const { password_hash } of rows) expect(password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(new Set(rows.map(({ password_hash }) => password_hash)).size).toBe(rows.length);
  });
});

describe('registration modes', () => {
  it('of many who register at once for the first time exactly one is administrator', async () => {
    const fresh = await startKeelson();
    try {
      const names = Array.from({ length: 12 }, (_, i) => `user${String(i)}`);
      const answers = await Promise.all(
        names.map((username) => fresh.api.post('/v2/auth/register', { username, password: 'x' }, withSetupToken)),
      );
      expect(answers.map(({ status }) => status)).toEqual(names.map(() => 201));
      expect(answers.filter(({ json }) => json.is_superuser)).toHaveLength(1);
    } finally {
      await fresh.stop();
    }
  });

  it('admin_only: open while there is no administrator, then for administrators', async () => {
    const fresh = await startKeelson({ REGISTRATION_MODE: 'admin_only' });
    try {
      const admin = await fresh.register('root');
      const anonymous = await fresh.api.post('/v2/auth/register', {});
      expect([anonymous.status, anonymous.json]).toEqual([403, forbidden]);
      expect((await admin.post('/v2/auth/register', { username: 'ada', password: 'opensesame' })).json).toMatchObject({
        is_superuser: false,
      });
      const ada = await fresh.login('ada');
      expect((await ada.post('/v2/auth/register', { username: 'bob', password: 'x' })).status).toBe(403);
      const other = '/saltshaker/api/v1.0/user/register';
      for (const [api, status] of [
        [fresh.api, 403],
        [ada, 403],
        [admin, 200],
      ] as const) {
        expect((await api.post(other, { username: 'bob', password: 'x' })).status).toBe(status);
      }
    } finally {
      await fresh.stop();
    }
  });

  it('disabled: for nobody', async () => {
    const fresh = await startKeelson({ REGISTRATION_MODE: 'disabled' });
    try {
      const { status, json } = await fresh.api.post('/v2/auth/register', { username: 'ada', password: 'x' });
      expect([status, json]).toEqual([403, { detail: 'Registration is disabled' }]);
      const other = await fresh.api.post('/saltshaker/api/v1.0/user/register', { username: 'ada', password: 'x' });
      expect([other.status, other.json]).toEqual([403, { status: false, message: 'Registration is disabled' }]);
    } finally {
      await fresh.stop();
    }
  });
});

describe('logging in', () => {
  const failed = { non_field_errors: ['Unable to log in with provided credentials.'] };

  it('gives a new token every time, and moves last_login', async () => {
    const name = newName();
    const first = await keelson.register(name);
    const before = (await whoami(first)).json.last_login;
    const second = await keelson.login(name);
    expect(second.token).not.toBe(first.token);
    expect((await whoami(second)).json.last_login > before).toBe(true);
    expect((await whoami(first)).status).toBe(200);
  });

  it.each<[object, object]>([
    [{}, { username: required, password: required }],
    [
      { username: '', password: null },
      { username: blank, password: ['This field may not be null.'] },
    ],
    [{ username: 'root', password: 'wrong' }, failed],
    [{ username: 'nobody', password: 'opensesame' }, failed],
    [{ username: "root' --", password: 'opensesame' }, failed],
    [{ username: 'Root', password: 'opensesame' }, failed],
  ])('%j is refused', async (body, faults) => {
    const { status, json } = await keelson.api.post('/v2/auth/login/', body);
    expect([status, json]).toEqual([400, faults]);
  });

  it('works form-encoded', async () => {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expect((await keelson.api.post('/v2/auth/login', undefined, { raw: 'username=root&password=opensesame', headers })).status).toBe(200);
  });

  it('is refused to who is not active, like a wrong password', async () => {
    const name = newName();
    const user = await keelson.register(name);
    await database.query('UPDATE users SET is_active = false WHERE username = $1', [name]);
    const { status, json } = await keelson.api.post('/v2/auth/login', { username: name, password: 'opensesame' });
    expect([status, json]).toEqual([400, failed]);
    const answer = await whoami(user);
    expect([answer.status, answer.json]).toEqual([401, { detail: 'User inactive or deleted.' }]);
  });
});

describe('tokens', () => {
  const none = 'Authentication credentials were not provided.';
  const invalid = 'Invalid token.';
  const ask = async (authorization?: string): Promise<[number, unknown]> => {
    const { status, json } = await keelson.api.get('/v2/auth/whoami', authorization === undefined ? {} : { headers: { authorization } });
    return [status, json.detail];
  };
  const sign = (claims: object, secret = keelson.settings.secretKey, options: object = {}): string =>
    new JwtService().sign(claims, { secret, algorithm: 'HS256', ...options });

  it.each([
    [undefined, none],
    ['', none],
    ['Basic cm9vdDpvcGVuc2VzYW1l', none],
    ['Tokens abc', none],
    ['token', 'Invalid token header. No credentials provided.'],
    ['token ', 'Invalid token header. No credentials provided.'],
    ['token a b', 'Invalid token header. Token string should not contain spaces.'],
    ['token  abc', 'Invalid token header. Token string should not contain spaces.'],
    ['token abc', invalid],
    ['Bearer a.b.c', invalid],
  ])('%p is refused with its reason', async (authorization, detail) => {
    expect(await ask(authorization)).toEqual([401, detail]);
  });

  it.each(['token', 'Token', 'TOKEN', 'Bearer', 'bearer'])('%s is a good keyword', async (keyword) => {
    expect((await ask(`${keyword} ${root.token ?? ''}`))[0]).toBe(200);
  });

  it('forged, expired, unsigned and otherwise signed ones are refused', async () => {
    const { id } = (await whoami(root)).json;
    const claims = { sub: String(id), ver: 1 };
    expect((await ask(`token ${sign(claims)}`))[0]).toBe(200);
    const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`;
    const bad = [
      sign(claims, 'another secret of more than enough length'),
      sign(claims, undefined, { expiresIn: -1 }),
      sign(claims, undefined, { algorithm: 'HS512' }),
      sign({ ...claims, ver: 2 }),
      sign({ sub: String(id) }),
      sign({ sub: '2000000000', ver: 1 }),
      unsigned,
      `${root.token ?? ''}x`,
    ];
    for (const token of bad) expect(await ask(`token ${token}`)).toEqual([401, invalid]);
  });

  it('those signed with the previous secret stay good', async () => {
    const { id } = (await whoami(root)).json;
    expect((await ask(`token ${sign({ sub: String(id), ver: 1 }, previousSecret)}`))[0]).toBe(200);
  });

  it('of somebody whose number another user has, as after a restore, are refused', async () => {
    const name = newName();
    const { token = '' } = await keelson.register(name);
    expect((await ask(`token ${token}`))[0]).toBe(200);
    await database.query('UPDATE users SET uuid = $2 WHERE username = $1', [name, randomUUID()]);
    expect(await ask(`token ${token}`)).toEqual([401, invalid]);
    expect((await ask(`token ${(await keelson.login(name)).token ?? ''}`))[0]).toBe(200);
  });

  it('end at TOKEN_TTL', () => {
    const payload = JSON.parse(Buffer.from((root.token ?? '').split('.')[1] ?? '', 'base64url').toString()) as { iat: number; exp: number };
    expect(payload.exp - payload.iat).toBe(30 * 86400);
  });

  it('regenerating ends the old ones and gives a new one', async () => {
    const name = newName();
    const old = await keelson.register(name);
    const { json } = await old.post<{ token: string }>('/v2/auth/tokens/');
    expect((await whoami(old)).json).toEqual({ detail: invalid });
    expect((await whoami(old.as(json.token))).json.username).toBe(name);
    const own = await old.as(json.token).post<{ token: string }>('/v2/auth/tokens', { username: name });
    expect((await whoami(old.as(own.json.token))).status).toBe(200);
  });

  it('administrators regenerate those of others, nobody else', async () => {
    const name = newName();
    const user = await keelson.register(name);
    expect((await user.post('/v2/auth/tokens', { username: 'root' })).json).toEqual(forbidden);
    expect((await user.post('/v2/auth/tokens', { username: 'nobody' })).status).toBe(403);
    expect((await user.post('/v2/auth/tokens', { all: true })).status).toBe(403);
    const unknown = await root.post('/v2/auth/tokens', { username: 'nobody' });
    expect([unknown.status, unknown.json]).toEqual([404, { detail: 'No User matches the given query.' }]);
    const { json } = await root.post<{ token: string }>('/v2/auth/tokens', { username: name });
    expect((await whoami(user)).status).toBe(401);
    expect((await whoami(user.as(json.token))).json.username).toBe(name);
  });

  it.each([true, 'true', 1])('all: %p regenerates everybody’s, also with a username', async (all) => {
    const name = newName();
    const user = await keelson.register(name);
    const { json } = await root.post<{ token: string }>('/v2/auth/tokens', { all, username: name });
    expect([(await whoami(user)).status, (await whoami(root)).status]).toEqual([401, 401]);
    root = root.as(json.token);
    expect((await whoami(root)).json.username).toBe('root');
  });

  it('all: false, or nonsense', async () => {
    const user = await keelson.register(newName());
    expect((await user.post('/v2/auth/tokens', { all: false, username: null })).status).toBe(200);
    const again = await keelson.register(newName());
    expect((await again.post('/v2/auth/tokens', { all: 'perhaps' })).json).toEqual({ all: ['"perhaps" is not a valid boolean.'] });
  });
});

describe('changing a password', () => {
  const change = async (api: Api, body: object): Promise<[number, unknown]> => {
    const { status, json } = await api.post('/v2/auth/passwd/', body);
    return [status, json];
  };
  const done = [200, { status: 'password set' }];

  it('needs the current one, and leaves the tokens good', async () => {
    const name = newName();
    const user = await keelson.register(name);
    expect(await change(user, {})).toEqual([400, { detail: 'new_password is a required field' }]);
    expect(await change(user, { new_password: '', password: 'opensesame' })).toEqual([400, { detail: 'new_password is a required field' }]);
    expect(await change(user, { new_password: 'closesesame' })).toEqual([400, { detail: 'password is a required field' }]);
    expect(await change(user, { new_password: 'closesesame', password: 'wrong' })).toEqual([
      401,
      { detail: 'Current password does not match' },
    ]);
    expect(await change(user, { new_password: 5, password: [] })).toEqual([
      400,
      { new_password: ['Not a valid string.'], password: ['Not a valid string.'] },
    ]);
    expect(await change(user, { new_password: 'closesesame', password: 'opensesame', username: name })).toEqual(done);
    expect((await whoami(user)).status).toBe(200);
    await expect(keelson.login(name)).rejects.toThrow('cannot log in');
    await keelson.login(name, 'closesesame');
  });

  it('of somebody else is for administrators, who need no current one', async () => {
    const name = newName();
    const user = await keelson.register(name);
    expect(await change(user, { new_password: 'x', username: 'root' })).toEqual([403, forbidden]);
    expect(await change(user, { new_password: 'x', username: 'nobody' })).toEqual([403, forbidden]);
    expect(await change(root, { new_password: 'x', username: 'nobody' })).toEqual([404, { detail: 'No User matches the given query.' }]);
    expect(await change(root, { new_password: 'x', username: name })).toEqual(done);
    await keelson.login(name, 'x');
    expect(await change(root, { new_password: 'opensesame' })).toEqual([400, { detail: 'password is a required field' }]);
    expect(await change(root, { new_password: 'opensesame', username: 'root' })).toEqual(done);
  });
});

describe('cancelling', () => {
  const cancel = async (api: Api, body?: object): Promise<[number, unknown]> => {
    const { status, json } = await api.delete('/v2/auth/cancel/', body);
    return [status, json];
  };
  const idOf = async (api: Api): Promise<number> => (await whoami(api)).json.id;
  const makeApp = async (owner: number): Promise<string> => {
    const uuid = randomUUID();
    await database.query('INSERT INTO apps (uuid, id, owner_id) VALUES ($1, $2, $3)', [uuid, `app-${uuid}`, owner]);
    return uuid;
  };

  it('oneself ends the tokens and frees the name', async () => {
    const name = newName();
    const user = await keelson.register(name);
    expect(await cancel(user)).toEqual([204, undefined]);
    expect(await cancel(user)).toEqual([401, { detail: 'Invalid token.' }]);
    const again = await keelson.register(name);
    expect(await cancel(again, { username: name })).toEqual([204, undefined]);
  });

  it('others is for administrators', async () => {
    const name = newName();
    const user = await keelson.register(name);
    expect(await cancel(user, { username: 'root' })).toEqual([403, forbidden]);
    expect(await cancel(root, { username: 'nobody' })).toEqual([404, { detail: 'No User matches the given query.' }]);
    expect(await cancel(root, { username: [] })).toEqual([400, { username: ['Not a valid string.'] }]);
    expect(await cancel(root, { username: name })).toEqual([204, undefined]);
    expect((await whoami(user)).status).toBe(401);
  });

  it('is refused to the owner of an app', async () => {
    const name = newName();
    const user = await keelson.register(name);
    await makeApp(await idOf(user));
    expect(await cancel(user)).toEqual([409, { detail: `${name} still has applications assigned. Delete or transfer ownership` }]);
  });

  it('is refused to the owner of a certificate', async () => {
    const name = newName();
    const user = await keelson.register(name);
    expect((await user.post('/v2/certs', { name: 'www', ...(await issue()) })).status).toBe(201);
    expect(await cancel(root, { username: name })).toEqual([409, { detail: `${name} still has certificates. Delete them first` }]);
    expect((await user.delete('/v2/certs/www')).status).toBe(204);
    expect(await cancel(user)).toEqual([204, undefined]);
  });

  it('takes the keys with the user, and frees them', async () => {
    const key = { id: 'laptop', public: newPublicKey() };
    for (let times = 0; times < 2; times++) {
      const user = await keelson.register(newName());
      expect((await user.post('/v2/keys', key)).status).toBe(201);
      expect(await cancel(user)).toEqual([204, undefined]);
    }
  });

  it('while requests of the same user are under way lets these succeed, or finds nobody for them', async () => {
    for (let round = 0; round < 5; round++) {
      const user = await keelson.register(newName());
      const [left, ...others] = await Promise.all([
        user.delete('/v2/auth/cancel'),
        user.post('/v2/keys', { id: `key ${String(round)}`, public: newPublicKey() }),
        user.post('/v2/certs', { name: `cert-${String(round)}`, ...(await issue()) }),
      ]);
      expect([204, 409]).toContain(left.status);
      for (const { status, text } of others) expect([text, [201, 401].includes(status)]).toEqual([text, true]);
    }
  });

  it('waits for a change of an app that one was at work in', async () => {
    const [owner, guest] = [await keelson.register(newName()), await keelson.register(newName())];
    const guestId = await idOf(guest);
    const app = await makeApp(await idOf(owner));
    const row = [randomUUID(), app, guestId];
    await database.query('INSERT INTO app_settings (uuid, app_uuid, owner_id) VALUES ($1, $2, $3)', row);
    await database.query('INSERT INTO domains (uuid, app_uuid, owner_id, domain) VALUES ($1, $2, $3, $4)', [...row, 'guest.example.com']);
    let cancelled: Promise<unknown> = Promise.resolve();
    // what the engine does once the cluster shows a change
    await database.transaction(async (tx) => {
      await tx.query('SELECT FROM apps WHERE uuid = $1 FOR UPDATE', [app]);
      await tx.query('UPDATE app_settings SET settled = true WHERE app_uuid = $1', [app]);
      cancelled = cancel(guest);
      await waiting(database, 1);
      await tx.query('UPDATE domains SET settled = true WHERE app_uuid = $1', [app]);
    });
    expect(await cancelled).toEqual([204, undefined]);
  });

  it('is refused to the last administrator while there are others, and allowed to the last user', async () => {
    expect(await cancel(root)).toEqual([409, { detail: 'root is the last administrator. Make somebody else one first' }]);
    const fresh = await startKeelson();
    try {
      expect(await cancel(await fresh.register('alone'))).toEqual([204, undefined]);
      expect((await fresh.register('next')).token).toBeDefined();
    } finally {
      await fresh.stop();
    }
  });

  it('two administrators cannot both leave at once', async () => {
    const fresh = await startKeelson();
    try {
      const admins = [await fresh.register('one'), await fresh.register('two')];
      await fresh.register('three');
      expect((await (admins[0] as Api).post('/v2/admin/perms', { username: 'two' })).status).toBe(201);
      const answers = await Promise.all(admins.map((api) => cancel(api)));
      expect(answers.map(([status]) => status).sort()).toEqual([204, 409]);
    } finally {
      await fresh.stop();
    }
  });

  it('leaves what one made in the apps of others to their owners', async () => {
    const [owner, guest] = [await keelson.register(newName()), await keelson.register(newName())];
    const [ownerId, guestId] = [await idOf(owner), await idOf(guest)];
    const app = await makeApp(ownerId);
    await database.query('INSERT INTO collaborations (app_uuid, user_id) VALUES ($1, $2)', [app, guestId]);
    const config = randomUUID();
    const rows: Record<string, Record<string, unknown>> = {
      configs: { uuid: config, values: '', registry: '' },
      builds: { image: 'drycc/example-go' },
      releases: { version: 1, state: 'succeeded', summary: '', config_uuid: config, change: '' },
      domains: { domain: `${app}.example.com` },
      app_settings: {},
      tls: {},
      services: { procfile_type: 'web', path_pattern: '/', generation: 1 },
      runs: { release: 1, pod: 'run', command: 'ls', state: 'finished' },
    };
    const owned = await database.query<{ name: string }[]>(
      `SELECT table_name AS name FROM information_schema.columns WHERE column_name = 'owner_id' AND table_schema = 'public'`,
    );
    // apps and certificates keep their owner from leaving; keys and kept answers go with theirs
    expect(owned.map(({ name }) => name).sort()).toEqual(['apps', 'certificates', 'idempotency_keys', 'keys', ...Object.keys(rows)].sort());
    for (const [table, columns] of Object.entries(rows)) {
      const row = { uuid: randomUUID(), app_uuid: app, owner_id: guestId, ...columns };
      const names = Object.keys(row).map((name) => `"${name}"`);
      const places = names.map((_, i) => `$${String(i + 1)}`);
      await database.query(`INSERT INTO ${table} (${names.join()}) VALUES (${places.join()})`, Object.values(row));
    }

    expect(await cancel(guest)).toEqual([204, undefined]);
    for (const table of Object.keys(rows)) {
      expect([table, await database.query(`SELECT owner_id FROM ${table} WHERE app_uuid = $1`, [app])]).toEqual([
        table,
        [{ owner_id: ownerId }],
      ]);
    }
    expect(await database.query('SELECT * FROM collaborations WHERE app_uuid = $1', [app])).toEqual([]);
  });
});

it('a request costs one statement to tell who it is from', async () => {
  keelson.statements.length = 0;
  await whoami(root);
  expect(keelson.statements).toEqual([expect.stringMatching(/^SELECT .* FROM users "user"/) as string]);
});
