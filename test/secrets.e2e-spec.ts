import { KubeConfig } from '@kubernetes/client-node';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { ClusterMetrics } from '../src/kubernetes/cluster-metrics.ts';
import { KubernetesCluster } from '../src/kubernetes/kubernetes-cluster.ts';
import { SECRET } from '../src/kubernetes/object-kind.ts';
import { Metrics } from '../src/metrics/metrics.ts';
import { keelsonCommand, type Ended } from './commands-of-keelson.ts';
import { createTestDatabase } from './database.ts';
import { type Api, type Keelson, startKeelson } from './keelson.ts';
import { startSandboxProcess, type SandboxProcess } from './sandbox-process.ts';
import { createDatabaseWithRoles } from './database-roles.ts';

const newKey = (): string => randomBytes(32).toString('base64');
const [k1, k2] = [newKey(), newKey()];
const base = { DRYCC_SECRET_KEY: randomBytes(32).toString('hex'), DRYCC_BUILDER_KEY: randomBytes(32).toString('hex') };

let database: { url: string; drop(): Promise<void> };
let sandbox: SandboxProcess;
let folder: string;
let keelson: Keelson;
let ada: Api;

const apps = ['one', 'two', 'three'].map((name) => `${name}-${randomBytes(3).toString('hex')}`);
const secretOf = (app: string): string => `it's a "secret" of ${app}`;

/** Started with these keys, on the database of this suite. */
const start = (keys: string, overrides: Record<string, string> = {}): Promise<Keelson> =>
  startKeelson({
    ...base,
    DATABASE_URL: database.url,
    ENCRYPTION_KEYS: keys,
    KUBECONFIG: sandbox.kubeconfig,
    // commands and servers of this suite have the same database: nobody else writes
    DRIFT_INTERVAL: '0',
    ...overrides,
  });

const verify = (keys: string, words = '', input?: string): Promise<Ended> =>
  keelsonCommand(`secrets verify${words}`, { DATABASE_URL: database.url, ENCRYPTION_KEYS: keys }, input);
const rotate = (keys: string): Promise<Ended> => keelsonCommand('secrets rotate', { DATABASE_URL: database.url, ENCRYPTION_KEYS: keys });

async function query<T extends pg.QueryResultRow>(sql: string, values: unknown[] = [], url = database.url): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/** All tables as `pg_dump` writes them: COPY in its text form. */
async function dump(): Promise<string> {
  const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
  const tables = await query<{ name: string; columns: string[] }>(
    `SELECT table_name AS name, array_agg(column_name::text ORDER BY ordinal_position) AS columns
       FROM information_schema.columns WHERE table_schema = 'public' GROUP BY 1 ORDER BY 1`,
  );
  const parts: string[] = ['-- PostgreSQL database dump\n'];
  for (const { name, columns } of tables) {
    const texts = columns.map((column) => `${pg.escapeIdentifier(column)}::text AS ${pg.escapeIdentifier(column)}`);
    const rows = await query<Record<string, string | null>>(`SELECT ${texts.join(', ')} FROM ${pg.escapeIdentifier(name)}`);
    const field = (text: string | null | undefined): string => text?.replace(/[\\\n\r\t]/g, (one) => escapes[one] ?? one) ?? '\\N';
    const lines = rows.map((row) => columns.map((column) => field(row[column])).join('\t'));
    parts.push(`COPY public.${name} (${columns.join(', ')}) FROM stdin;\n${lines.map((line) => `${line}\n`).join('')}\\.\n\n`);
  }
  return parts.join('');
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keelson-secrets-'));
  database = await createTestDatabase();
  sandbox = await startSandboxProcess();
  keelson = await start(`k1:${k1}`);
  ada = await keelson.register('ada');
  for (const app of apps) {
    expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
    expect((await ada.post(`/v2/apps/${app}/config`, { values: { TEXT: secretOf(app), PIN: 90210 } })).status).toBe(201);
  }
}, 300_000);

afterAll(async () => {
  await keelson.stop();
  await sandbox.stop();
  await database.drop();
  await rm(folder, { recursive: true });
});

describe('the entry', () => {
  it.each([['--help'], ['help'], ['secrets verify --help']])('%s names the commands', async (words) => {
    const { code, out } = await keelsonCommand(words, {});
    expect(code).toBe(0);
    for (const command of ['serve', 'migrate', 'secrets verify', 'secrets rotate', 'audit verify'])
      expect(out).toContain(`\n  ${command} `);
  });

  it.each([
    ['secrets', 'There is no command "secrets".'],
    ['toString', 'There is no command "toString".'],
    ['migrate now', 'There is no command "migrate now".'],
    ['migrate --force', "Unknown option '--force'"],
    ['secrets verify --what', "Unknown option '--what'"],
  ])('%s is refused in words', async (words, said) => {
    const { code, out } = await keelsonCommand(words, {});
    expect([code, out]).toEqual([2, expect.stringContaining(said)]);
  });
});

describe('the keys that a database knows', () => {
  it('are refused at a start by their ids when they are others, or missing', async () => {
    await expect(start(`k1:${k2}`)).rejects.toThrow('The key "k1" is not the one that this database knows by that id');
    await expect(start(`k2:${k2}`)).rejects.toThrow('The key "k1" is missing, and values are sealed with it');
    await expect(start(`k2:${k2},k1:${newKey()}`)).rejects.toThrow('The key "k1" is not the one');
    expect(await query('SELECT id FROM encryption_keys')).toEqual([{ id: 'k1' }]);
  });

  it('are no less refused where the database is older than its knowledge of them', async () => {
    const kept = await query<{ id: string; check_value: string }>('DELETE FROM encryption_keys RETURNING id, check_value');
    await expect(start(`k1:${k2}`)).rejects.toThrow(/The key "k1" does not open what is sealed with a key of that id/);
    await expect(start(`k2:${k2}`)).rejects.toThrow('The key "k1" is missing');
    const again = await start(`k1:${k1}`);
    await again.stop();
    expect(await query('SELECT id, check_value FROM encryption_keys')).toEqual(kept);
  });

  it('have nothing to do with MIGRATE_ON_START, which keeps a start off a database that lacks migrations', async () => {
    const bare = await createDatabaseWithRoles();
    try {
      await expect(start(`k1:${k1}`, { DATABASE_URL: bare.ownerUrl, MIGRATE_ON_START: 'false' })).rejects.toThrow(
        /The database lacks \d+ of the migrations of this version, the first of them Initial\d+\. Run: keelson migrate/,
      );
    } finally {
      await bare.drop();
    }
    const migrated = await start(`k1:${k1}`, { MIGRATE_ON_START: 'false' });
    await migrated.stop();
  });
});

describe('verifying', () => {
  it('counts what opens, by key', async () => {
    const { code, out } = await verify(`k2:${k2},k1:${k1}`);
    expect(out).toMatch(/^\d+ values with the key "k1"\.\nEverything that is encrypted opens in its place\.\n$/);
    expect(code).toBe(0);
  });

  it('finds swapped ciphertexts, and says where they belong', async () => {
    const swap = `UPDATE configs SET values = CASE configs.uuid WHEN a.uuid THEN b.values ELSE a.values END
      FROM (SELECT uuid, values FROM configs ORDER BY uuid LIMIT 1) a, (SELECT uuid, values FROM configs ORDER BY uuid DESC LIMIT 1) b
      WHERE configs.uuid IN (a.uuid, b.uuid)`;
    const [first, last] = await query<{ uuid: string }>(
      '(SELECT uuid FROM configs ORDER BY uuid LIMIT 1) UNION ALL (SELECT max(uuid::text)::uuid FROM configs)',
    );
    await query(swap);
    const { code, out } = await verify(`k1:${k1}`);
    await query(swap);
    expect(code).toBe(1);
    expect(out.match(/^BROKEN: .*/gm)).toEqual([
      expect.stringMatching(
        new RegExp(
          `Cannot decrypt config\\.values:${first?.uuid ?? ''}.*table configs\\. What is there belongs to config\\.values:${last?.uuid ?? ''}`,
        ),
      ),
      expect.stringMatching(
        new RegExp(`Cannot decrypt config\\.values:${last?.uuid ?? ''}.*belongs to config\\.values:${first?.uuid ?? ''}`),
      ),
    ]);
    for (const app of apps) expect(out).not.toContain(secretOf(app));
    expect((await verify(`k1:${k1}`)).code).toBe(0);
  });

  it('finds a wrong key and one that is missing', async () => {
    const wrong = await verify(`k1:${k2}`);
    expect([wrong.code, wrong.out]).toEqual([1, expect.stringContaining('BROKEN: The key "k1" is not the one that this database knows')]);
    const missing = await verify(`k2:${k2}`);
    expect([missing.code, missing.out]).toEqual([1, expect.stringContaining('its key "k1" is unknown')]);
  });

  it.each([
    ['without a database', { DATABASE_URL: 'postgresql://127.0.0.1:1/none', ENCRYPTION_KEYS: `k1:${k1}` }],
    ['without keys', { DATABASE_URL: 'postgresql://127.0.0.1:1/none' }],
  ])('ends with 2 %s', async (_, env) => {
    expect((await keelsonCommand('secrets verify', env)).code).toBe(2);
  });

  it('finds no clear text in a dump, from a file or standard input', async () => {
    const text = await dump();
    for (const app of apps) expect(text).toContain(app);
    const file = join(folder, 'dump.sql');
    await writeFile(file, text);
    for (const ended of [await verify(`k1:${k1}`, ` --dump ${file}`), await verify(`k1:${k1}`, ' --dump -', text)]) {
      expect(ended).toEqual({ code: 0, out: expect.stringMatching(/\nSought [1-9]\d* texts in the dump\.\n/) as string });
    }
  });

  it('finds clear text in a dump, as a text and in JSON, and says whose it is', async () => {
    const [one = '', two = ''] = apps;
    await query('INSERT INTO audit_rows (action, object, outcome) VALUES ($1, $2, $1)', ['a', `x ${secretOf(one)} y`]);
    await query('INSERT INTO audit_rows (action, after, outcome) VALUES ($1, $2, $1)', ['a', JSON.stringify({ note: secretOf(two) })]);
    const { code, out } = await verify(`k1:${k1}`, ' --dump -', await dump());
    expect(code).toBe(1);
    const clear = out.match(/^CLEAR: .*/gm) ?? [];
    expect(clear).toHaveLength(2);
    for (const line of clear)
      expect(line).toMatch(/^CLEAR: config\.values:[0-9a-f-]{36}, TEXT is in line \d+ of the dump, table audit_rows\.$/);
    for (const app of apps) expect(out).not.toContain(secretOf(app));
  });

  it('says of a dump that it cannot search, or of none, that it cannot tell', async () => {
    const packed = await verify(`k1:${k1}`, ' --dump -', 'PGDMP and so on');
    expect([packed.code, packed.out]).toEqual([2, expect.stringContaining('The dump is compressed')]);
    expect((await verify(`k1:${k1}`, ' --dump -', '')).code).toBe(2);
    expect((await verify(`k1:${k1}`, ` --dump ${join(folder, 'nowhere')}`)).code).toBe(2);
  });
});

describe('rotating', () => {
  it('loses nothing while writers write, and the old key can be taken away afterwards', async () => {
    // as in operate.md: the new key is known everywhere before it is the first
    const rolled = await start(`k2:${k2},k1:${k1}`);
    const writers = [keelson.api.as(ada.token ?? ''), rolled.api.as(ada.token ?? '')];
    const written = new Map<string, string>();
    let ending = false;
    const write = async (app: string, writer: number): Promise<void> => {
      for (let i = 0; !ending || i < 5; i++) {
        const [name, value] = [`W${String(writer)}_${String(i)}`, `value ${String(writer)} ${String(i)} of ${app}`];
        const { status } = await (writers[i % 2] ?? ada).post(`/v2/apps/${app}/config`, { values: { [name]: value } });
        if (status === 201) written.set(`${app} ${name}`, value);
        if (i === 40) return;
      }
    };
    // the first process doesn't know the new key and reads what has it: it is restarted before, as the steps say
    await keelson.stop();
    keelson = await start(`k1:${k1},k2:${k2}`);
    writers[0] = keelson.api.as(ada.token ?? '');
    const writing = Promise.all(apps.map((app, index) => write(app, index)));
    const during = [await rotate(`k2:${k2},k1:${k1}`), await rotate(`k2:${k2},k1:${k1}`)];
    ending = true;
    await writing;
    for (const { code, out } of during)
      expect([[0, 1], out]).toEqual([expect.arrayContaining([code]), expect.stringContaining('encrypted anew with the key "k2"')]);
    expect(written.size).toBeGreaterThan(10);
    await keelson.stop();
    await rolled.stop();
    const { code, out } = await rotate(`k2:${k2},k1:${k1}`);
    expect([code, out]).toEqual([0, expect.stringContaining('Nothing needs "k1" any more')]);

    expect(await verify(`k2:${k2}`)).toEqual({
      code: 0,
      out: expect.stringMatching(/^\d+ values with the key "k2", the newest\.\n/) as string,
    });
    keelson = await start(`k2:${k2}`);
    ada = await keelson.login('ada');
    for (const app of apps) {
      const { json } = await ada.get<{ values: Record<string, string> }>(`/v2/apps/${app}/config`);
      expect(json.values.TEXT).toBe(secretOf(app));
      const wanted = [...written].filter(([name]) => name.startsWith(`${app} `)).map(([name, value]) => [name.split(' ')[1], value]);
      expect(json.values).toMatchObject(Object.fromEntries(wanted) as object);
    }
    expect(await query('SELECT id, retired IS NOT NULL AS retired FROM encryption_keys ORDER BY id')).toEqual([
      { id: 'k1', retired: true },
      { id: 'k2', retired: false },
    ]);
  }, 600_000);

  it('leaves what does not open, names it, and ends with 1', async () => {
    const [row] = await query<{ uuid: string; values: string }>('SELECT uuid, values FROM configs LIMIT 1');
    await query('UPDATE configs SET values = $2 WHERE uuid = $1', [row?.uuid, `v1.k0.${row?.values.split('.')[2] ?? ''}`]);
    const ended = await rotate(`k2:${k2}`);
    await query('UPDATE configs SET values = $2 WHERE uuid = $1', [row?.uuid, row?.values]);
    expect([ended.code, ended.out]).toEqual([1, expect.stringMatching(/^LEFT: Cannot decrypt config\.values:.* its key "k0" is unknown/)]);
    await query('UPDATE configs SET values = $2 WHERE uuid = $1', [row?.uuid, `v1.k1.${row?.values.split('.')[2] ?? ''}`]);
    const { code, out } = await rotate(`k2:${k2},k1:${k1}`);
    await query('UPDATE configs SET values = $2 WHERE uuid = $1', [row?.uuid, row?.values]);
    expect([code, out]).toEqual([1, expect.stringContaining(`LEFT: Cannot decrypt config.values:${row?.uuid ?? ''}`)]);
  });
});

describe('keelson migrate', () => {
  const name = 'keelson-keys';
  const cluster = (): KubernetesCluster => {
    const config = new KubeConfig();
    config.loadFromFile(sandbox.kubeconfig);
    return new KubernetesCluster(config, new ClusterMetrics(new Metrics()));
  };
  const migrate = (url: string, overrides: Record<string, string> = {}): Promise<Ended> =>
    keelsonCommand('migrate', {
      DATABASE_URL: url,
      KUBECONFIG: sandbox.kubeconfig,
      KEELSON_NAMESPACE: 'default',
      KEELSON_KEYS_SECRET: name,
      ...overrides,
    });
  const read = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      Object.entries(((await cluster().get(SECRET, 'default', name))?.data ?? {}) as Record<string, string>).map(([key, value]) => [
        key,
        Buffer.from(value, 'base64').toString(),
      ]),
    );
  const remove = async (): Promise<void> => {
    const secret = await cluster().get(SECRET, 'default', name);
    if (secret) await cluster().remove(SECRET, 'default', name, secret.metadata.uid ?? '');
  };

  it('migrates and makes the Secret, without any key; of many at once one makes it, and it stays', async () => {
    const fresh = await createDatabaseWithRoles();
    try {
      const all = await Promise.all(Array.from({ length: 3 }, () => migrate(fresh.ownerUrl)));
      expect(all.map(({ code }) => code)).toEqual([0, 0, 0]);
      expect(all.filter(({ out }) => out.includes('Migrated: '))).toHaveLength(1);
      expect(all.filter(({ out }) => out.includes('Made the Secret default/keelson-keys.'))).toHaveLength(1);
      const made = await read();
      expect(Object.keys(made).sort()).toEqual(['DRYCC_BUILDER_KEY', 'DRYCC_SECRET_KEY', 'ENCRYPTION_KEYS', 'SETUP_TOKEN']);
      expect(made.SETUP_TOKEN?.length).toBeGreaterThanOrEqual(16);
      for (const { out } of all) for (const value of Object.values(made)) expect(out).not.toContain(value);
      expect(await migrate(fresh.ownerUrl)).toEqual({
        code: 0,
        out: 'The database is up to date.\nThe Secret default/keelson-keys is there.\n',
      });
      expect(await read()).toEqual(made);
      const server = await startKeelson({ ...made, DATABASE_URL: fresh.ownerUrl, MIGRATE_ON_START: 'false' });
      await server.stop();

      // known keys that are lost are not made anew
      await remove();
      const { code, out } = await migrate(fresh.ownerUrl);
      expect([code, out]).toEqual([
        1,
        expect.stringContaining('The Secret default/keelson-keys is missing, and this database holds what is encrypted with the key "k1"'),
      ]);
      expect(await cluster().get(SECRET, 'default', name)).toBeNull();
    } finally {
      await remove();
      await fresh.drop();
    }
  }, 300_000);

  it('changes no Secret that lacks something, and says what', async () => {
    await cluster().create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: 'default' },
      data: { DRYCC_SECRET_KEY: Buffer.from('x').toString('base64') },
    });
    const { code, out } = await migrate(database.url);
    expect([code, out]).toEqual([1, expect.stringContaining('lacks DRYCC_BUILDER_KEY, ENCRYPTION_KEYS: it is not changed')]);
    expect(await read()).toEqual({ DRYCC_SECRET_KEY: 'x' });
    await remove();
  });

  it('asks for a cluster and a namespace', async () => {
    const without = await migrate(database.url, { KUBECONFIG: '', SANDBOX_WITH_DATABASE_URL: 'true' });
    expect([without.code, without.out]).toEqual([1, expect.stringContaining('KEELSON_KEYS_SECRET needs a cluster')]);
    const nowhere = await migrate(database.url, { KEELSON_NAMESPACE: '' });
    expect([nowhere.code, nowhere.out]).toEqual([1, expect.stringContaining('KEELSON_NAMESPACE must be set')]);
  });
});
