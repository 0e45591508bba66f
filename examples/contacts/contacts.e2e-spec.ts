import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DataSource } from 'typeorm';
import type { Role } from '../../src/auth/access-table.ts';
import { assertMigrated, migrate } from '../../src/database/data-source.ts';
import { RESOURCE_QUOTA } from '../../src/kubernetes/object-kind.ts';
import { createTestDatabase } from '../../test/database.ts';
import { type Answer, type Api, type Keelson, startKeelson } from '../../test/keelson.ts';
import { eventually, freePort, KeelsonProcess } from '../../test/keelson-process.ts';
import { destroyApps, newAppId } from '../../test/live-app.ts';
import { startSandboxProcess } from '../../test/sandbox-process.ts';
import { clusterOf } from '../../test/test-cluster.ts';
import type { ContactResponse } from './contact.response.ts';
import { contacts } from './contacts.extension.ts';
import { CONFIG_MAP } from './contacts.manifests.ts';
import { contactsAccess } from './contacts.rights.ts';

/** A Keelson with the contacts beside its own modules, from a call to the cluster and back. */

interface Page {
  count: number;
  next: string | null;
  results: ContactResponse[];
}
interface AuditRow {
  actor: string;
  action: string;
  object: string;
  before: unknown;
  after: unknown;
  outcome: string;
}

const PATH = '/v2/apps/{app}/contacts';
const onCall = { role: 'on-call', email: 'on-call@example.com' };

let keelson: Keelson;
let database: DataSource;
let people: Record<Role, Api>;
const app = newAppId('contacts');
const path = `/v2/apps/${app}/contacts`;

const set = (contact: object): Promise<Answer<Partial<ContactResponse>>> => people.owner.put(path, contact);
const remove = (role: string): Promise<Answer> => people.owner.delete(path, { role });
const list = async (query = ''): Promise<Page> => (await people.collaborator.get<Page>(path + query)).json;
const configMap = () => clusterOf(keelson).get(CONFIG_MAP, app, `${app}-contacts`);

beforeAll(async () => {
  keelson = await startKeelson({}, undefined, [contacts]);
  database = keelson.app.get(DataSource);
  const administrator = await keelson.register('root');
  const [owner, collaborator] = [await keelson.register('ada'), await keelson.register('grace')];
  people = { anonymous: keelson.api, stranger: await keelson.register('linus'), collaborator, owner, administrator };
  expect((await owner.post('/v2/apps', { id: app })).status).toBe(201);
  expect((await owner.post(`/v2/apps/${app}/perms`, { username: 'grace' })).status).toBe(201);
});

afterAll(async () => {
  await destroyApps(people.administrator);
  // they go with their app
  expect(await database.query('SELECT * FROM ops_contacts')).toEqual([]);
  await keelson.stop();
});

/** Every test starts without contacts. */
afterEach(async () => {
  for (const { role } of (await list()).results) expect((await remove(role)).status).toBe(204);
});

describe('a contact', () => {
  it('is a row, told in the logs, and shown in the cluster; it changes there, and is pruned when it is taken away', async () => {
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
    const made = await set({ ...onCall, phone: '+49 30 901820' });
    expect(made.status).toBe(200);
    expect(made.json).toEqual({ app, ...onCall, phone: '+49 30 901820', created: time, updated: time });
    expect((await list()).results).toEqual([made.json]);
    expect((await configMap())?.data).toEqual({ 'on-call.email': 'on-call@example.com', 'on-call.phone': '+49 30 901820' });

    expect((await set({ role: 'owner', phone: '110' })).status).toBe(200);
    expect((await set({ ...onCall, email: 'night@example.com' })).json).toMatchObject({ email: 'night@example.com', phone: null });
    expect((await configMap())?.data).toEqual({ 'on-call.email': 'night@example.com', 'owner.phone': '110' });
    expect(await database.query('SELECT role, settled FROM ops_contacts ORDER BY role')).toEqual([
      { role: 'on-call', settled: true },
      { role: 'owner', settled: true },
    ]);

    expect((await remove('on-call')).status).toBe(204);
    expect((await configMap())?.data).toEqual({ 'owner.phone': '110' });
    expect((await remove('owner')).status).toBe(204);
    expect(await configMap()).toBeNull();
    const gone = await remove('owner');
    expect([gone.status, gone.json]).toEqual([404, { detail: 'No Contact matches the given query.' }]);

    const { text } = await people.owner.get(`/v2/apps/${app}/logs`);
    for (const line of ['on-call added', 'on-call changed', 'on-call removed']) expect(text).toContain(`contact ${line}\n`);
    const { json } = await people.owner.get<{ results: AuditRow[] }>(`/v2/apps/${app}/audit?limit=1000`);
    const told = json.results.filter(({ object, outcome }) => object === 'contact:on-call' && outcome === 'committed').reverse();
    expect(told.map(({ actor, action, before, after }) => [actor, action, before, after])).toEqual([
      ['ada', 'contact.set', null, { reached_by: ['email', 'phone'] }],
      ['ada', 'contact.set', { reached_by: ['email', 'phone'] }, { reached_by: ['email'] }],
      ['ada', 'contact.remove', { reached_by: ['email'] }, null],
    ]);
    expect(JSON.stringify(json.results)).not.toContain('example.com');
  });

  it('comes back when somebody takes it out of the cluster', async () => {
    expect((await set(onCall)).status).toBe(200);
    const uid = (await configMap())?.metadata.uid ?? '';
    await clusterOf(keelson).remove(CONFIG_MAP, app, `${app}-contacts`, uid);
    await eventually(async () => {
      const live = await configMap();
      expect([live?.metadata.uid === uid, live?.data]).toEqual([false, { 'on-call.email': 'on-call@example.com' }]);
    });
  });

  it('is taken back when the cluster refuses it', async () => {
    const metadata = { name: 'no-config-maps', namespace: app };
    const quota = {
      apiVersion: RESOURCE_QUOTA.apiVersion,
      kind: RESOURCE_QUOTA.kind,
      metadata,
      spec: { hard: { 'count/configmaps': '0' } },
    };
    const cluster = clusterOf(keelson);
    const { uid = '' } = (await cluster.create(quota)).metadata;
    const refused = await set(onCall);
    expect([refused.status, refused.json]).toEqual([400, { detail: expect.stringContaining('quota') as string }]);
    expect((await list()).results).toEqual([]);

    await cluster.remove(RESOURCE_QUOTA, app, metadata.name, uid);
    // the API server may enforce it a little longer
    await eventually(async () => {
      expect((await set(onCall)).status).toBe(200);
    });
  });

  it('need not be waited for', async () => {
    const { status, headers } = await people.owner.put(path, onCall, { headers: { Prefer: 'respond-async' } });
    expect([status, headers.get('location')]).toEqual([202, expect.stringMatching(/^\/v2\/operations\//)]);
    await eventually(async () => {
      expect(await configMap()).not.toBeNull();
    });
  });
});

it('the list is paged, by role', async () => {
  for (const role of ['owner', 'b', 'on-call']) expect((await set({ role, phone: '110' })).status).toBe(200);
  const first = await list('?limit=2');
  expect([first.count, first.results.map(({ role }) => role)]).toEqual([3, ['b', 'on-call']]);
  const next = new URL(first.next ?? '');
  expect((await list(next.search)).results.map(({ role }) => role)).toEqual(['owner']);
});

it.each<[string, object, object]>([
  ['neither address nor number', { role: 'on-call' }, { email: ['Give an email address, a phone number, or both.'] }],
  [
    'every field wrong',
    { role: 'On Call', email: 'nobody', phone: 'none' },
    { role: [expect.any(String) as string], email: ['Enter a valid email address.'], phone: [expect.any(String) as string] },
  ],
])('%s is refused', async (_, body, faults) => {
  const { status, json } = await set(body);
  expect([status, json]).toEqual([400, faults]);
});

describe('who may', () => {
  it('has a row for every route, and a route for every row', () => {
    const routes = Object.keys(keelson.documentation.document.paths[PATH] ?? {}).map((method) => `${method.toUpperCase()} ${PATH}`);
    expect(routes.sort()).toEqual(Object.keys(contactsAccess).sort());
  });

  it.each(Object.entries(contactsAccess))('%s', async (route, row) => {
    const [method = ''] = route.split(' ');
    const body = ({ PUT: onCall, DELETE: { role: 'on-call' } } as Record<string, object>)[method];
    for (const [role, access] of Object.entries(row)) {
      if (method === 'DELETE') expect((await set(onCall)).status).toBe(200);
      const { status } = await people[role as Role].request(method, path, body);
      expect([role, status]).toEqual([role, access === 'passes' ? (method === 'DELETE' ? 204 : 200) : access]);
    }
  });

  it('is told beside what Keelson itself does', async () => {
    const { json } = await people.owner.get<{ actions: Record<string, { allowed: boolean }> }>(`/v2/apps/${app}/access/grace`);
    const own = ['contact.list', 'contact.set', 'contact.remove'].map((action) => json.actions[action]?.allowed);
    expect(own).toEqual([true, true, false]);
  });
});

it('a database without its table is refused until it is migrated; one with it serves Keelson alone, too', async () => {
  const own = await createTestDatabase();
  await expect(assertMigrated(own.url, [contacts])).rejects.toThrow('the first of them OpsContacts1800000000000');
  expect(await migrate(own.url, undefined, [contacts])).toEqual(['OpsContacts1800000000000']);
  await assertMigrated(own.url, [contacts]);
  await assertMigrated(own.url);
  await own.drop();
});

it('runs from the files of its image: migrates, verifies, serves', async () => {
  const run = promisify(execFile);
  const folder = mkdtempSync(join(tmpdir(), 'keelson-contacts-'));
  const undo: (() => unknown)[] = [() => rmSync(folder, { recursive: true })];
  try {
    await run('npm', ['run', '--silent', 'example:build']);
    const tree = join(folder, 'tree');
    await run(process.execPath, ['image/tree.mjs', tree, 'examples/contacts/dist', 'examples/contacts/main.js']);
    const own = await createTestDatabase();
    undo.unshift(() => own.drop());
    const sandbox = await startSandboxProcess();
    undo.unshift(() => sandbox.stop());
    const port = String(await freePort());
    const env = {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: port,
      DATABASE_URL: own.url,
      KUBECONFIG: sandbox.kubeconfig,
      DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
      DRYCC_BUILDER_KEY: randomBytes(32).toString('hex'),
      ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      MIGRATE_ON_START: 'false',
    };
    const program = join(tree, 'dist', 'keelson.js');
    const command = async (...words: string[]): Promise<string> =>
      (await run(process.execPath, [program, ...words], { env: { PATH: process.env.PATH, ...env } })).stdout;
    expect(await command('migrate')).toBe('Migrated: OpsContacts1800000000000.\n');
    expect(await command('secrets', 'verify')).toContain('Nothing is encrypted yet.');

    const served = KeelsonProcess.start(program, env);
    undo.unshift(() => served.end('SIGTERM'));
    await served.answers(`http://127.0.0.1:${port}/readiness`);
    const document = (await (await fetch(`http://127.0.0.1:${port}/openapi.json`)).json()) as { paths: object };
    expect(Object.keys(document.paths)).toContain(PATH);
  } finally {
    for (const step of undo) await step();
  }
}, 900_000);
