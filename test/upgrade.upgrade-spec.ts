import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { issue } from './certificates.ts';
import { keelsonCommand, type Ended } from './commands-of-keelson.ts';
import { createDatabaseWithRoles, type DatabaseWithRoles } from './database-roles.ts';
import { SLOW_IMAGE, WEB_2_IMAGE, WEB_IMAGE } from './images.ts';
import { eventually, freePort, KeelsonProcess } from './keelson-process.ts';
import { newAppId } from './live-app.ts';
import { buildPreviousRelease, migrationsIn, previousRelease, type PreviousRelease } from './previous-release.ts';
import { type SandboxProcess, startSandboxProcess } from './sandbox-process.ts';
import { newPublicKey } from './ssh-key.ts';

/**
 * An upgrade as it goes, and back: the previous release serves, the database is migrated under it, this release serves beside it, this one
 * ends, and the previous one goes on alone. Both have the role of a server, which owns no tables.
 */

/** A process of one of both releases. */
class Server {
  private readonly earlier: string[] = [];
  private current: KeelsonProcess | undefined;

  private constructor(
    readonly name: string,
    readonly base: string,
    private readonly program: string,
    private readonly env: Record<string, string>,
  ) {}

  static async of(name: string, program: string, env: Record<string, string>): Promise<Server> {
    const port = String(await freePort());
    return new Server(name, `http://127.0.0.1:${port}`, program, { ...env, PORT: port, HOST: '127.0.0.1', DATA_DIR: join(folder, name) });
  }

  /** Ready when it returns. @param env settings of this start alone */
  async start(env: Record<string, string> = {}): Promise<void> {
    this.current = KeelsonProcess.start(this.program, { ...this.env, ...env });
    await this.current.answers(`${this.base}/healthz`);
    await this.current.answers(`${this.base}/readiness`);
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.current?.signal(signal);
  }

  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    this.signal('SIGCONT');
    await this.current?.end(signal);
    if (this.current) this.earlier.push(this.current.log);
    this.current = undefined;
  }

  /** What all its processes have logged. */
  get log(): string {
    return [...this.earlier, this.current?.log ?? ''].join('\n');
  }

  async call<T = unknown>(method: string, path: string, body?: unknown, { as = '', headers = {} }: Call = {}): Promise<Answer<T>> {
    const response = await fetch(this.base + path, {
      method,
      headers: { ...(as && { Authorization: `token ${as}` }), 'Content-Type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = /json/.test(response.headers.get('content-type') ?? '') && text !== '' ? (JSON.parse(text) as T) : (undefined as T);
    return { status: response.status, headers: response.headers, text, json };
  }

  /** @throws what was answered in place of the status @returns the JSON of the answer */
  async expect<T = unknown>(status: number, method: string, path: string, body?: unknown, call?: Call): Promise<T> {
    const answer = await this.call<T>(method, path, body, call);
    if (answer.status !== status) {
      throw new Error(`${this.name}: ${method} ${path} was answered ${String(answer.status)}, not ${String(status)}: ${answer.text}`);
    }
    return answer.json;
  }

  async login(username: string, password = PASSWORD): Promise<string> {
    return (await this.expect<{ token: string }>(200, 'POST', '/v2/auth/login', { username, password })).token;
  }
}

interface Call {
  as?: string;
  headers?: Record<string, string>;
}
interface Answer<T> {
  status: number;
  headers: Headers;
  text: string;
  json: T;
}
interface List<T> {
  results: T[];
}
interface Release {
  version: number;
  failed: boolean;
}

const PASSWORD = 'opensesame';
const secrets = {
  DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
  DRYCC_BUILDER_KEY: randomBytes(32).toString('hex'),
  ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
};

let folder: string;
let previous: PreviousRelease;
let database: DatabaseWithRoles;
let sandbox: SandboxProcess;
/** Of the previous release. */
let older: Server;
/** Of this one. */
let newer: Server;
/** Owns the tables. */
let client: pg.Client;
/** The administrator's token. */
let root = '';
/** An app from before the upgrade. */
const veteran = newAppId('veteran');
/** Ends what was started, the newest first. */
const endings: (() => Promise<unknown>)[] = [];

const query = async <T extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> =>
  (await client.query<T>(sql, values)).rows;

const migrate = (): Promise<Ended> =>
  keelsonCommand('migrate', { DATABASE_URL: database.serverUrl, MIGRATION_DATABASE_URL: database.ownerUrl });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keelson-upgrade-'));
  endings.push(() => rm(folder, { recursive: true, force: true }));
  previous = await buildPreviousRelease();
  endings.push(() => previous.remove());
  database = await createDatabaseWithRoles();
  endings.push(() => database.drop());
  sandbox = await startSandboxProcess();
  endings.push(() => sandbox.stop());
  const env = {
    ...secrets,
    DATABASE_URL: database.serverUrl,
    KUBECONFIG: sandbox.kubeconfig,
    FIRST_ADMIN_USERNAME: 'root',
    FIRST_ADMIN_PASSWORD: PASSWORD,
    OPERATION_LEASE: '3',
    KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1',
    LOG_LEVEL: 'info',
  };
  older = await Server.of('the previous release', previous.program('keelson.js'), env);
  newer = await Server.of('this release', 'keelson.js', { ...env, MIGRATE_ON_START: 'false', LOGIN_FAILURES_PER_ACCOUNT: '3' });
  endings.push(() => Promise.all([older.end(), newer.end()]));
  await older.start({ MIGRATION_DATABASE_URL: database.ownerUrl });
  client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  endings.push(() => client.end());
  root = await older.login('root');
  await older.expect(201, 'POST', '/v2/apps', { id: veteran }, { as: root });
  await older.expect(201, 'POST', `/v2/apps/${veteran}/config`, { values: { SINCE: 'before' } }, { as: root });
  await older.expect(201, 'POST', `/v2/apps/${veteran}/builds`, { image: WEB_IMAGE }, { as: root });
}, 600_000);

afterAll(async () => {
  for (const end of endings.reverse()) await end();
}, 300_000);

/** What a user does, in turns: what `writer` writes `reader` reads, and the other way round. */
async function walk(writer: Server, reader: Server): Promise<void> {
  const username = newAppId('user');
  const id = newAppId('app');
  const app = `/v2/apps/${id}`;
  await writer.expect(201, 'POST', '/v2/auth/register', { username, password: PASSWORD });
  const as = await reader.login(username);

  await writer.expect(201, 'POST', '/v2/apps', { id }, { as });
  await reader.expect(201, 'POST', `${app}/config`, { values: { GREETING: 'hello', SECRET: 'swordfish' } }, { as });
  await writer.expect(201, 'POST', `${app}/builds`, { image: WEB_IMAGE }, { as });
  expect(await reader.expect(200, 'GET', `${app}/config`, undefined, { as })).toMatchObject({ values: { GREETING: 'hello' } });
  await reader.expect(204, 'POST', `${app}/scale`, { cmd: 2 }, { as });
  await eventually(async () => {
    const { results } = await writer.expect<List<{ state: string; type: string }>>(200, 'GET', `${app}/pods`, undefined, { as });
    expect(results.filter(({ state, type }) => state === 'up' && type === 'cmd')).toHaveLength(2);
  });
  expect(await reader.expect(200, 'POST', `${app}/run`, { command: 'echo "$GREETING"' }, { as })).toEqual({
    exit_code: 0,
    output: 'hello\n',
  });
  expect(await writer.expect<List<unknown>>(200, 'GET', `${app}/runs`, undefined, { as })).toMatchObject({
    results: [{ state: 'finished' }],
  });

  const domain = `www.${id}.example.com`;
  await writer.expect(201, 'POST', `${app}/domains`, { domain }, { as });
  const { results: domains } = await reader.expect<List<{ domain: string }>>(200, 'GET', `${app}/domains`, undefined, { as });
  expect(domains.map((one) => one.domain)).toContain(domain);
  await reader.expect(201, 'POST', '/v2/certs', { name: id, ...(await issue({ names: [domain] })) }, { as });
  await writer.expect(201, 'POST', `/v2/certs/${id}/domain`, { domain }, { as });
  await reader.expect(201, 'POST', `${app}/perms`, { username: 'root' }, { as });
  expect(await writer.expect(200, 'GET', `${app}/perms`, undefined, { as })).toMatchObject({ users: ['root'] });

  const again = { as, headers: { 'Idempotency-Key': id } };
  const key = { id: `key-${id}`, public: newPublicKey() };
  const first = await writer.expect(201, 'POST', '/v2/keys', key, again);
  const repeated = await reader.call('POST', '/v2/keys', key, again);
  expect([repeated.status, repeated.json, repeated.headers.get('idempotency-replayed')]).toEqual([201, first, 'true']);

  const before = await releasesOf(reader, id, as);
  await reader.expect(201, 'POST', `${app}/builds`, { image: WEB_2_IMAGE }, { as });
  await writer.expect(201, 'POST', `${app}/releases/rollback`, { version: before[0]?.version }, { as });
  const after = await releasesOf(reader, id, as);
  expect(after.map(({ version }) => version)).toEqual(Array.from({ length: before.length + 2 }, (_, index) => before.length + 2 - index));
  expect(after.filter(({ failed }) => failed)).toEqual([]);

  for (const server of [writer, reader]) {
    const { results } = await server.expect<List<{ action: string; outcome: string }>>(200, 'GET', `${app}/audit`, undefined, { as });
    const done = new Set(results.filter(({ outcome }) => outcome === 'committed').map(({ action }) => action));
    for (const action of ['app.create', 'config.set', 'build.create', 'release.rollback']) expect([...done]).toContain(action);
    expect(JSON.stringify(results)).not.toContain('swordfish');
    expect((await server.call('GET', `${app}/logs`, undefined, { as })).status).toBe(200);
    expect((await server.call('GET', '/v2/admin/audit', undefined, { as })).status).toBe(403);
  }
}

const releasesOf = async (server: Server, id: string, as: string): Promise<Release[]> =>
  (await server.expect<List<Release>>(200, 'GET', `/v2/apps/${id}/releases`, undefined, { as })).results;

describe('the previous release', () => {
  it('is the one that package.json names', () => {
    expect(previous.migrations.at(-1)).toBe(previousRelease.lastMigration);
  });

  it('serves while the database is migrated under it', async () => {
    let ending = false;
    let written = 0;
    const write = async (): Promise<void> => {
      while (!ending || written < 3) {
        await older.expect(201, 'POST', `/v2/apps/${veteran}/config`, { values: { WRITTEN: String(written++) } }, { as: root });
      }
    };
    const writing = write();
    const { code, out } = await migrate();
    ending = true;
    await writing;
    const ours = migrationsIn('dist');
    const anyNew = ours.length > previous.migrations.length;
    expect([code, out]).toEqual([0, anyNew ? expect.stringMatching(/^Migrated: /) : 'The database is up to date.\n']);
    const names = (await query<{ name: string }>('SELECT name FROM migrations ORDER BY id')).map(({ name }) => name);
    expect(names.slice(0, previous.migrations.length)).toEqual(previous.migrations);
    expect(names).toEqual(ours);
    // whom operations were taken by
    await query('CREATE TABLE owners (owner text, operation uuid)');
    await query(`CREATE FUNCTION note_owner() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS
      $$ BEGIN INSERT INTO owners VALUES (NEW.lease_owner, NEW.uuid); RETURN NEW; END $$`);
    await query(`CREATE TRIGGER note_owner AFTER UPDATE ON operations
      FOR EACH ROW WHEN (NEW.lease_owner <> coalesce(OLD.lease_owner, '')) EXECUTE FUNCTION note_owner()`);
  });

  it('does all that it did, on the new schema', () => walk(older, older), 600_000);
});

describe('both releases, on one database and cluster,', () => {
  beforeAll(() => newer.start(), 300_000);

  it('read and deploy what the other writes', async () => {
    await walk(older, newer);
    await walk(newer, older);
  }, 600_000);

  it('have the same administrator, tokens and apps', async () => {
    expect(newer.log).not.toContain('There is no administrator yet');
    for (const server of [older, newer]) {
      expect(await server.expect(200, 'GET', `/v2/apps/${veteran}/config`, undefined, { as: root })).toMatchObject({
        values: { SINCE: 'before' },
      });
    }
    const revoked = await newer.login('root');
    await newer.call('POST', '/v2/auth/tokens', {}, { as: revoked });
    expect((await older.call('GET', '/v2/apps', undefined, { as: revoked })).status).toBe(401);
    root = await older.login('root');
  });

  it.each([
    ['the previous release', 'this one', () => [older, newer]],
    ['this release', 'the previous one', () => [newer, older]],
  ] as [string, string, () => [Server, Server]][])('what %s leaves half done %s takes over', async (_, __, servers) => {
    const [victim, heir] = servers();
    const id = newAppId('taken');
    await victim.expect(201, 'POST', '/v2/apps', { id }, { as: root });
    await victim.expect(201, 'POST', `/v2/apps/${id}/config`, { values: { DELAY: '8' } }, { as: root });
    let operation = '';
    heir.signal('SIGSTOP');
    try {
      await victim.expect(202, 'POST', `/v2/apps/${id}/builds`, { image: SLOW_IMAGE }, { as: root, headers: { Prefer: 'respond-async' } });
      await eventually(async () => {
        const rows = await query<{ uuid: string; step: string }>(
          `SELECT uuid, step FROM operations WHERE app_id = $1 AND state = 'running'`,
          [id],
        );
        expect(rows.map(({ step }) => step)).toEqual(['waiting']);
        operation = rows[0]?.uuid ?? '';
      });
      victim.signal('SIGSTOP');
    } finally {
      heir.signal('SIGCONT');
    }
    try {
      await eventually(async () => {
        expect((await heir.expect<Release>(200, 'GET', `/v2/apps/${id}/releases/v3`, undefined, { as: root })).failed).toBe(false);
        expect(await query(`SELECT 1 FROM operations WHERE app_id = $1 AND state IN ('pending', 'running')`, [id])).toEqual([]);
      });
    } finally {
      victim.signal('SIGCONT');
    }
    expect(await query('SELECT DISTINCT owner FROM owners WHERE operation = $1', [operation])).toHaveLength(2);
    expect((await releasesOf(victim, id, root)).map(({ version, failed }) => [version, failed])).toEqual([3, 2, 1].map((v) => [v, false]));
  });

  it('each take up operations', async () => {
    await eventually(async () => {
      const id = newAppId('owner');
      await Promise.all(
        [older, newer].map((server, index) => server.expect(201, 'POST', '/v2/apps', { id: `${id}-${String(index)}` }, { as: root })),
      );
      // the previous release was alone at first, and this one is another owner
      expect(await query('SELECT DISTINCT owner FROM owners')).toHaveLength(2);
    });
  });

  it('encrypt with keys that this one knows, and others are refused', async () => {
    expect(await query('SELECT id, retired FROM encryption_keys')).toEqual([{ id: 'k1', retired: null }]);
    const env = { ...secrets, DATABASE_URL: database.serverUrl, KUBECONFIG: sandbox.kubeconfig, PORT: '0' };
    const { code, out } = await keelsonCommand('secrets verify', env);
    expect([code, out]).toEqual([0, expect.stringContaining('Everything that is encrypted opens in its place.')]);
    const wrong = await keelsonCommand('serve', { ...env, ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}` });
    expect([wrong.code, wrong.out]).toEqual([1, expect.stringContaining('The key "k1" is not the one that this database knows')]);
  });

  it('limit wrong passwords by this one, which keeps nobody out of the other', async () => {
    const username = newAppId('guessed');
    await older.expect(201, 'POST', '/v2/auth/register', { username, password: PASSWORD });
    const statuses: number[] = [];
    for (let n = 0; n < 4; n++) statuses.push((await newer.call('POST', '/v2/auth/login', { username, password: 'closesesame' })).status);
    expect(statuses.at(-1)).toBe(429);
    expect((await newer.call('POST', '/v2/auth/login', { username, password: PASSWORD })).status).toBe(429);
    const as = await older.login(username);
    await newer.expect(200, 'GET', '/v2/apps', undefined, { as });
    await query('DELETE FROM attempts');
  });

  it('do without what this one takes away when it is old', async () => {
    await query(
      `UPDATE operations SET created = created - interval '40 days', finished = finished - interval '40 days' WHERE finished IS NOT NULL`,
    );
    await query(
      `UPDATE runs SET created = created - interval '40 days', finished = finished - interval '40 days' WHERE finished IS NOT NULL`,
    );
    await newer.end();
    await newer.start();
    await eventually(async () => {
      const left = await query(
        `SELECT app_uuid FROM operations WHERE finished < now() - interval '39 days' GROUP BY app_uuid HAVING count(*) > 1`,
      );
      expect([left, await query(`SELECT 1 FROM runs WHERE finished < now() - interval '39 days' AND lease_expires IS NULL`)]).toEqual([
        [],
        [],
      ]);
    });
    for (const server of [older, newer]) {
      await server.expect(200, 'GET', `/v2/apps/${veteran}/operations`, undefined, { as: root });
      await server.expect(200, 'GET', `/v2/apps/${veteran}/runs`, undefined, { as: root });
      await server.expect(201, 'POST', `/v2/apps/${veteran}/builds`, { image: WEB_2_IMAGE }, { as: root });
    }
  });

  it('come to rest: this one finds nothing to set right in what the other has deployed', async () => {
    await eventually(async () => {
      expect(await newer.expect(200, 'GET', `/v2/apps/${veteran}/drift`, undefined, { as: root })).toMatchObject({
        checked: expect.any(String) as string,
        objects: [],
      });
    });
  });
});

describe('the previous release, when this one is taken back,', () => {
  beforeAll(async () => {
    await newer.end();
    await older.end();
    // as the role that owns no tables: it has nothing to migrate
    await older.start();
  }, 300_000);

  it('starts on the new schema and has everything', async () => {
    expect(await older.expect(200, 'GET', `/v2/apps/${veteran}/config`, undefined, { as: root })).toMatchObject({
      values: { SINCE: 'before' },
    });
    await walk(older, older);
  }, 600_000);

  it('may be killed and is there again', async () => {
    await older.end('SIGKILL');
    await older.start();
    await older.expect(201, 'POST', `/v2/apps/${veteran}/builds`, { image: WEB_IMAGE }, { as: root });
  });

  it('is upgraded again without anything to migrate', async () => {
    expect(await migrate()).toEqual({ code: 0, out: 'The database is up to date.\n' });
    await newer.start();
    await walk(older, newer);
  }, 600_000);

  it('and this one have left an audit log that is as it was written', async () => {
    const log = `${older.log}\n${newer.log}`;
    const { code, out } = await keelsonCommand('audit verify --log -', { ...secrets, DATABASE_URL: database.serverUrl }, log);
    expect(out).toMatch(/^Whole up to sequence \d+[^]*Compared with \d+ logged checkpoints/);
    expect(code).toBe(0);
  });

  it('has logged no error, nor has this one', () => {
    const errors = `${older.log}\n${newer.log}`.split('\n').filter((line) => /"level":"(error|fatal)"/.test(line));
    expect(errors).toEqual([]);
  });
});
