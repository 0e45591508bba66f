import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AuditResponse } from '../src/audit/audit.response.ts';
import { Sealer } from '../src/audit/sealer.ts';
import { NAMESPACE, SERVICE } from '../src/kubernetes/object-kind.ts';
import { issue } from './certificates.ts';
import { keelsonCommand, type Ended } from './commands-of-keelson.ts';
import { createTestDatabase } from './database.ts';
import { WEB_2_IMAGE, WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { LiveApp, newAppId } from './live-app.ts';
import { type SandboxProcess, startSandboxProcess } from './sandbox-process.ts';
import { newPublicKey } from './ssh-key.ts';
import { clusterOf } from './test-cluster.ts';

/**
 * A backup as docs/operate.md has it: pg_dump while Keelson serves, later changes that it doesn't have, the end of the database, and the
 * dump in a new one beside the cluster as it is by then. The database is a PostgreSQL with its own programs, the cluster a sandbox.
 */

const execute = promisify(execFile);

type Database = Awaited<ReturnType<typeof createTestDatabase>>;

const key = (): string => randomBytes(32).toString('base64');
const k1 = key();
const secrets = { DRYCC_SECRET_KEY: randomBytes(32).toString('hex'), DRYCC_BUILDER_KEY: randomBytes(32).toString('hex') };
/** Changed after the dump; left alone; made after it. */
const [changed, kept, made] = [newAppId('changed'), newAppId('kept'), newAppId('made')];
const SECRET_VALUE = `it's a "secret" \\ of ${changed}`;
const REGISTRY_PASSWORD = 'correct-horse-battery';

let folder: string;
let sandbox: SandboxProcess;
let lost: Database;
let restored: Database;
let keelson: Keelson;
let ada: Api;
let bob: Api;
let dump: string;
/** All that the API showed when the dump was made. */
let shown: Record<string, unknown>;
let audit: AuditResponse[];
let privateKey: string;
let log: string[] = [];

const start = (database: Database, keys = `k1:${k1}`): Promise<Keelson> => {
  log = [];
  return startKeelson(
    {
      ...secrets,
      DATABASE_URL: database.url,
      ENCRYPTION_KEYS: keys,
      KUBECONFIG: sandbox.kubeconfig,
      DRIFT_INTERVAL: '2',
      LOG_LEVEL: 'warn',
      KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1',
    },
    { write: (line) => log.push(line) },
  );
};

const command = (words: string, { url }: Database): Promise<Ended> =>
  keelsonCommand(words, { ...secrets, DATABASE_URL: url, ENCRYPTION_KEYS: `k1:${k1}` });

const psql = (database: Database, ...args: string[]): Promise<unknown> =>
  execute('psql', ['--quiet', '--no-psqlrc', '--set', 'ON_ERROR_STOP=1', '--dbname', database.url, ...args]);

async function expectStatus<T>(status: number, answer: Promise<Answer<T>>): Promise<T> {
  const { status: got, json, text } = await answer;
  if (got !== status) throw new Error(`${String(got)}: ${text}`);
  return json;
}

/** What people can read of all that there is, but for what goes on by itself. */
async function readAll(api: Api): Promise<Record<string, unknown>> {
  const paths = [
    ...['/v2/apps', '/v2/certs', `/v2/certs/${changed}`, '/v2/keys', '/v2/users'],
    ...[changed, kept].flatMap((id) =>
      ['', '/config', '/builds', '/releases', '/domains', '/perms', '/settings', '/runs'].map((part) => `/v2/apps/${id}${part}`),
    ),
  ];
  return Object.fromEntries(await Promise.all(paths.map(async (path) => [path, await expectStatus(200, api.get(path))] as const)));
}

async function auditOf(api: Api): Promise<AuditResponse[]> {
  return (await expectStatus(200, api.get<{ results: AuditResponse[] }>('/v2/admin/audit?limit=1000'))).results;
}

const drift = (id: string): Promise<{ healing: string; objects: { kind: string }[] }> => expectStatus(200, ada.get(`/v2/apps/${id}/drift`));

const heals = async (id: string): Promise<number> => {
  const { results } = await expectStatus(200, ada.get<{ results: { kind: string }[] }>(`/v2/apps/${id}/operations?limit=1000`));
  return results.filter(({ kind }) => kind === 'heal').length;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keelson-backup-'));
  dump = join(folder, 'keelson.sql');
  [lost, restored] = [await createTestDatabase(), await createTestDatabase()];
  sandbox = await startSandboxProcess();
  keelson = await start(lost);
  [ada, bob] = [await keelson.register('ada'), await keelson.register('bob')];
  for (const id of [changed, kept]) {
    await expectStatus(201, ada.post('/v2/apps', { id }));
    await expectStatus(201, ada.post(`/v2/apps/${id}/config`, { values: { TEXT: SECRET_VALUE, PORT: '5000' } }));
    await expectStatus(201, ada.post(`/v2/apps/${id}/builds`, { image: WEB_IMAGE }));
    await expectStatus(201, ada.post(`/v2/apps/${id}/domains`, { domain: `www.${id}.example.com` }));
  }
  const registry = { registry: { username: 'puller', password: REGISTRY_PASSWORD } };
  await expectStatus(201, ada.post(`/v2/apps/${changed}/config`, registry));
  const issued = await issue({ names: [`www.${changed}.example.com`] });
  privateKey = issued.key;
  await expectStatus(201, ada.post('/v2/certs', { name: changed, ...issued }));
  await expectStatus(201, ada.post(`/v2/certs/${changed}/domain`, { domain: `www.${changed}.example.com` }));
  await expectStatus(201, ada.post(`/v2/apps/${changed}/perms`, { username: 'bob' }));
  await expectStatus(201, bob.post('/v2/keys', { id: 'laptop', public: newPublicKey() }));
  await expectStatus(200, ada.post(`/v2/apps/${changed}/run`, { command: 'echo hello' }));
  await expectStatus(204, ada.post(`/v2/apps/${kept}/scale`, { cmd: 2 }));
  await keelson.app.get(Sealer).seal();
  [shown, audit] = [await readAll(ada), await auditOf(ada)];
  await execute('pg_dump', ['--file', dump, lost.url]);
}, 600_000);

afterAll(async () => {
  await keelson.stop();
  await sandbox.stop();
  await restored.drop();
  await lost.drop();
  await rm(folder, { recursive: true });
}, 300_000);

describe('a dump', () => {
  it('has nothing in clear that is encrypted', async () => {
    const text = await readFile(dump, 'utf8');
    expect(text).toContain(changed);
    for (const secret of ['a "secret"', REGISTRY_PASSWORD, privateKey.split('\n')[1] ?? '']) expect(text).not.toContain(secret);
    const { code, out } = await command(`secrets verify --dump ${dump}`, lost);
    expect([code, out]).toEqual([0, expect.stringMatching(/\nSought [1-9]\d* texts in the dump\.\nEverything that is encrypted opens/)]);
  });

  it.each([
    ['a config value', () => SECRET_VALUE.replaceAll('\\', '\\\\'), /^CLEAR: config\.values:.*, TEXT is in line \d+ of the dump/m],
    ['a registry password', () => REGISTRY_PASSWORD, /^CLEAR: config\.registry:/m],
    ['the key of a certificate', () => privateKey.replaceAll('\n', '\\n'), /^CLEAR: cert/m],
  ])('in which %s got in clear is found out', async (_, clear, words) => {
    const leaky = join(folder, 'leaky.sql');
    await copyFile(dump, leaky);
    await appendFile(leaky, `COPY public.notes (id, note) FROM stdin;\n1\t${clear()}\n\\.\n`);
    const { code, out } = await command(`secrets verify --dump ${leaky}`, lost);
    expect([code, out]).toEqual([1, expect.stringMatching(words)]);
    expect(out).not.toContain(REGISTRY_PASSWORD);
  });
});

describe('after a restore', () => {
  /** The end of the audit log before and after the dump. */
  const checkpoints: string[] = [];
  let token = '';

  beforeAll(async () => {
    const newest = ([row]: AuditResponse[]): string => `${String(row?.sequence)}:${String(row?.hash)}`;
    checkpoints.push(newest(audit));
    await expectStatus(201, ada.post(`/v2/apps/${changed}/config`, { values: { TEXT: 'newer' } }));
    await expectStatus(201, ada.post(`/v2/apps/${changed}/builds`, { image: WEB_2_IMAGE }));
    await expectStatus(201, ada.post('/v2/apps', { id: made }));
    await expectStatus(201, ada.post(`/v2/apps/${made}/builds`, { image: WEB_IMAGE }));
    await keelson.app.get(Sealer).seal();
    checkpoints.push(newest(await auditOf(ada)));
    token = ada.token ?? '';
    await keelson.stop();
    await psql(restored, '--command', 'DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    await psql(restored, '--single-transaction', '--file', dump);
  }, 600_000);

  it('a start without its keys is refused in words', async () => {
    await expect(start(restored, '')).rejects.toThrow('ENCRYPTION_KEYS must be set when DATABASE_URL is');
    await expect(start(restored, `k2:${key()}`)).rejects.toThrow('The key "k1" is missing, and values are sealed with it');
    await expect(start(restored, `k1:${key()}`)).rejects.toThrow('The key "k1" is not the one that this database knows by that id');
  });

  it('everything of the dump is there, and tokens from before are good', async () => {
    keelson = await start(restored);
    ada = keelson.api.as(token);
    expect(await readAll(ada)).toEqual(shown);
    expect((await ada.get(`/v2/apps/${made}`)).status).toBe(404);
    expect(await auditOf(ada)).toEqual(audit);
    await keelson.login('bob');
  });

  it('what is encrypted opens, and the audit log is as it was written when the dump was made', async () => {
    expect((await command('secrets verify', restored)).code).toBe(0);
    const [then = '', later = ''] = checkpoints;
    const { code, out } = await command(`audit verify --checkpoint ${then}`, restored);
    expect([code, out]).toEqual([0, expect.stringContaining('Compared with 1 logged checkpoint')]);
    // the rows after it are lost, and that shows
    const cut = await command(`audit verify --checkpoint ${later}`, restored);
    expect([cut.code, cut.out]).toEqual([1, expect.stringContaining('the chain was cut off')]);
  });

  it('what the cluster has from later is told, and nothing in it is changed', async () => {
    const service = await clusterOf(keelson).get(SERVICE, kept, kept);
    await clusterOf(keelson).remove(SERVICE, kept, kept, service?.metadata.uid ?? '');
    await eventually(async () => {
      for (const [id, kind] of [
        [changed, 'Deployment'],
        [kept, 'Service'],
      ] as const) {
        const { healing, objects } = await drift(id);
        expect([healing, objects.map((object) => object.kind)]).toEqual(['report', expect.arrayContaining([kind])]);
      }
      for (const id of [changed, kept]) expect(log.join('')).toContain(`app ${id}: 1 objects in the cluster are not as recorded`);
      expect(log.join('')).toContain(
        `drift is only reported, not healed: the cluster shows a release of ${changed} that the database doesn't have`,
      );
      expect(
        log.filter((line) => line.includes(made) && line.includes("1 namespaces are this Keelson's, and no app has them")),
      ).toHaveLength(1);
    });
    expect([await heals(changed), await heals(kept)]).toEqual([0, 0]);
    expect(await clusterOf(keelson).get(SERVICE, kept, kept)).toBeNull();
    expect(await new LiveApp(keelson, changed).image('cmd')).toBe(WEB_2_IMAGE);
    expect(await new LiveApp(keelson, made).image('cmd')).toBe(WEB_IMAGE);
  });

  it('the app is deployed anew, and drift is healed from then on', async () => {
    await expectStatus(201, ada.post(`/v2/apps/${changed}/builds`, { image: WEB_2_IMAGE }));
    await eventually(async () => {
      // while it is being healed there is nothing to compare with
      const good = { healing: 'heal', checked: expect.any(String) as string, objects: [] };
      for (const id of [changed, kept]) expect(await drift(id)).toMatchObject(good);
    });
    expect(await clusterOf(keelson).get(SERVICE, kept, kept)).not.toBeNull();
    expect(await new LiveApp(keelson, changed).image('cmd')).toBe(WEB_2_IMAGE);
    expect(await expectStatus(200, ada.get(`/v2/apps/${changed}/config`))).toMatchObject({ values: { TEXT: SECRET_VALUE } });
  });

  it('the name of an app from later is free once its namespace was deleted by hand', async () => {
    expect((await ada.post('/v2/apps', { id: made })).status).toBe(409);
    const namespace = await clusterOf(keelson).get(NAMESPACE, undefined, made);
    await clusterOf(keelson).remove(NAMESPACE, undefined, made, namespace?.metadata.uid ?? '');
    await eventually(async () => {
      await expectStatus(201, ada.post('/v2/apps', { id: made }));
    });
    await expectStatus(201, ada.post(`/v2/apps/${made}/builds`, { image: WEB_IMAGE }));
  });
});
