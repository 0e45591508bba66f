import { randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import { Sealer } from '../src/audit/sealer.ts';
import { Operation } from '../src/deploy/operation.entity.ts';
import { AppEvent } from '../src/events/app-event.entity.ts';
import { Cluster } from '../src/kubernetes/cluster.ts';
import { KEELSON, MANAGED_BY } from '../src/kubernetes/labels.ts';
import { SECRET } from '../src/kubernetes/object-kind.ts';
import { AppLogLine } from '../src/logs/app-log-line.entity.ts';
import { issue } from './certificates.ts';
import { WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually, freePort } from './keelson-process.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { newPublicKey } from './ssh-key.ts';

/** Secrets go in by every way there is, and must not come out where they don't belong, nor lie in the database in clear. */

const users = '/saltshaker/api/v1.0';
/** By what it is: what must not be found. */
const canaries = new Map<string, string>();

function canary(name: string, value = `canary${randomBytes(8).toString('hex')}`): string {
  canaries.set(`${name} (${String(canaries.size)})`, value);
  return value;
}

/** The middle of a PEM text: by it the whole is known again, however it is wrapped. */
const middle = (pem: string): string => pem.split('\n')[1]?.slice(4, 44) ?? '';

let keelson: Keelson;
let root: Api;
let log = '';
/** Whatever was refused, in the words that it was. */
let refusals = '';
/** By the table: what people write down where it is not kept secret. */
const pasted: Record<string, string[]> = { builds: [], keys: [] };
const app = newAppId('canary');
const builderKey = canary('builder key');
const setupToken = canary('set-up token');

beforeAll(async () => {
  const hooks = `127.0.0.1:${String(await freePort())}`;
  keelson = await startKeelson(
    {
      LOG_LEVEL: 'trace',
      DRYCC_SECRET_KEY: canary('signing key', `canary${randomBytes(20).toString('hex')}`),
      DRYCC_BUILDER_KEY: builderKey,
      SETUP_TOKEN: setupToken,
      ENCRYPTION_KEYS: `test:${canary('encryption key', randomBytes(32).toString('base64'))}`,
      DRYCC_DEPLOY_HOOK_SECRET_KEY: canary('deploy hook secret'),
      DRYCC_DEPLOY_HOOK_URLS: `http://user:${canary('deploy hook password')}@${hooks}/path?token=${canary('deploy hook token')}`,
      KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1',
      LOGIN_FAILURES_PER_ACCOUNT: '50',
      REGISTRATIONS_PER_ADDRESS: '50',
      DRIFT: 'report',
    },
    { write: (line) => (log += line) },
  );
});

afterAll(async () => {
  await destroyApps(root);
  await keelson.stop();
});

async function answers(status: number, call: Promise<Answer>): Promise<Answer> {
  const answer = await call;
  if (status >= 400) refusals += `${answer.text}\n`;
  if (answer.status !== status) throw new Error(`answered ${String(answer.status)}: ${answer.text}`);
  return answer;
}

/** Logs in, with a token that is a canary too. */
async function login(username: string, password: string): Promise<Api> {
  const { json } = await answers(200, keelson.api.post('/v2/auth/login', { username, password }));
  return keelson.api.as(canary('token', String(json.token)));
}

interface Added {
  data: { id: string; password?: string; token?: { value: string } };
}

async function accounts(): Promise<void> {
  const [password, changed] = [canary('password'), canary('changed password')];
  const ada = { username: 'ada', password };
  await answers(201, keelson.api.post('/v2/auth/register', ada));
  await answers(400, keelson.api.post('/v2/auth/register', { username: 'ada', password: canary('password of a taken name') }));
  await answers(400, keelson.api.post('/v2/auth/register', { username: 'a b', password: { is: canary('password in an object') } }));
  let api = await login('ada', password);
  await answers(400, keelson.api.post('/v2/auth/login', { username: 'ada', password: canary('wrong password') }));
  await answers(400, keelson.api.post('/v2/auth/login', { username: canary('password for a name'), password: 'ada' }));
  await answers(401, keelson.api.as(canary('bad token')).get('/v2/apps'));
  await answers(401, api.post('/v2/auth/passwd', { password: canary('wrong old password'), new_password: canary('password not taken') }));
  await answers(200, api.post('/v2/auth/passwd', { password, new_password: changed }));
  api = await login('ada', changed);
  await answers(200, root.post('/v2/auth/passwd', { username: 'ada', new_password: canary('password by an administrator') }));
  canary('new token', String((await answers(200, api.post('/v2/auth/tokens', {}))).json.token));

  const bob = canary('password of the user API');
  const added = await answers(200, root.post(`${users}/user`, { username: 'bob', password: bob }));
  const { id } = (added.json as unknown as Added).data;
  await answers(409, root.post(`${users}/user`, { username: 'bob', password: canary('password of a taken name') }));
  const { json } = await answers(200, keelson.api.post(`${users}/login`, { username: 'bob', password: bob }));
  const token = canary('token of the user API', String((json as unknown as Added).data.token?.value));
  await answers(401, keelson.api.post(`${users}/login`, { username: 'bob', password: canary('wrong password') }));
  await answers(200, keelson.api.post(`${users}/user/register`, { username: 'eve', password: canary('registered password') }));
  const own = canary('password that is changed');
  await answers(200, keelson.api.as(token).post(`${users}/user/reset/owner/${id}`, { old_password: bob, new_password: own }));
  await answers(200, root.request('PUT', `${users}/user/${id}`, { password: canary('password that is put'), mail: 'bob@example.com' }));
  const reset = await answers(200, root.post(`${users}/user/reset/${id}`));
  canary('password that was reset', String((reset.json as unknown as Added).data.password));
}

async function apps(): Promise<void> {
  const path = `/v2/apps/${app}`;
  await answers(201, root.post('/v2/apps', { id: app }));
  const [old, value, registry] = [canary('earlier config value'), canary('config value'), canary('registry password')];
  await answers(201, root.post(`${path}/config`, { values: { SECRET: old, PORT: '5000' } }));
  const config = { values: { SECRET: value }, registry: { username: 'me', password: registry } };
  await answers(201, root.post(`${path}/config`, config, { headers: { 'Idempotency-Key': 'canary' } }));
  await answers(400, root.post(`${path}/config`, { values: { '1 BAD': canary('value of a bad name') }, memory: { web: 'much' } }));
  await answers(400, root.post(`${path}/config`, { values: canary('values that are no map') }));
  await answers(400, root.post(`${path}/config`, undefined, { raw: `{"values": {"A": "${canary('value in bad JSON')}"`, ...typed }));
  // a Procfile and a Dockerfile are no place for secrets; the audit log has none of it all the same
  pasted.builds = [value];
  const build = { image: WEB_IMAGE, procfile: { cmd: `serve --key ${value}` }, dockerfile: `FROM x\nENV KEY ${value}` };
  await answers(201, root.post(`${path}/builds`, build));
  const builder = { 'X-Drycc-Builder-Auth': builderKey };
  await answers(200, keelson.api.post('/v2/hooks/build', { receive_user: 'root', receive_repo: app, ...build }, { headers: builder }));
  await answers(401, keelson.api.post('/v2/hooks/config', {}, { headers: { 'X-Drycc-Builder-Auth': canary('wrong builder key') } }));
  await answers(200, root.post(`${path}/run`, { command: `echo ${value} ${registry}` }));
  const domain = `${app}.example.com`;
  const { key, certificate } = await issue({ names: [domain] });
  canary('private key', middle(key));
  await answers(201, root.post('/v2/certs', { name: 'www', key, certificate }));
  await answers(201, root.post(`${path}/domains`, { domain }));
  await answers(201, root.post('/v2/certs/www/domain', { domain }));
  const other = await issue();
  canary('private key of another certificate', middle(other.key));
  await answers(400, root.post('/v2/certs', { name: 'bad', key: other.key, certificate }));
  const [, body = ''] = newPublicKey().split(' ');
  const comment = canary('comment of an SSH key');
  pasted.keys = [canary('SSH key', body.slice(-30)), comment];
  await answers(201, root.post('/v2/keys', { id: 'laptop', public: `ssh-ed25519 ${body} ${comment}` }));
  await answers(400, root.post('/v2/keys', { id: 'bad', public: `ssh-ed25519 ${canary('bad SSH key')}` }));
  await answers(201, root.post(`${path}/config`, { values: { SECRET: null } }));
  await answers(201, root.post(`${path}/releases/rollback`, { version: 3 }));
}

/** Somebody puts a secret of his own into every Secret of the app. @returns the report of that */
async function drift(): Promise<string> {
  const cluster = keelson.app.get(Cluster);
  const secrets = await cluster.list(SECRET, app, `${MANAGED_BY}=${KEELSON}`);
  expect(secrets.length).toBeGreaterThan(1);
  for (const secret of secrets as ((typeof secrets)[number] & { data?: Record<string, string> })[]) {
    const { uid = '', name, namespace, labels, annotations } = secret.metadata;
    const [field = ''] = Object.keys(secret.data ?? {});
    const value = Buffer.from(canary(`drifted ${name}`)).toString('base64');
    // the one with the config is immutable
    await cluster.remove(SECRET, namespace, name, uid);
    const metadata = { name, namespace, labels, annotations };
    await cluster.create({ ...secret, metadata, ...{ data: { ...secret.data, [field]: value } } });
  }
  return eventually(async () => {
    const { text } = await answers(200, root.get(`/v2/apps/${app}/drift`));
    if (!text.includes('"Secret"')) throw new Error(`no drift of Secrets: ${text}`);
    return text;
  });
}

/** Whether a text has a secret, in clear or as Kubernetes writes it. */
const holds = (text: string, secret: string): boolean => text.includes(secret) || text.includes(Buffer.from(secret).toString('base64'));

const typed = { headers: { 'Content-Type': 'application/json' } };

it('no password, config value, key or token comes out where it does not belong, or lies in the database in clear', async () => {
  const password = canary('password of the first user');
  const wrong = canary('wrong set-up token');
  await answers(403, keelson.api.post('/v2/auth/register', { username: 'root', password, setup_token: wrong }));
  await answers(201, keelson.api.post('/v2/auth/register', { username: 'root', password, setup_token: setupToken }));
  root = await login('root', password);
  await accounts();
  await apps();
  const database = keelson.app.get(DataSource);
  await keelson.app.get(Sealer).seal();

  const places: Record<string, string> = {
    'a drift report': await drift(),
    'a refusal': refusals,
    metrics: (await keelson.api.get('/metrics')).text,
    'the OpenAPI document': JSON.stringify(keelson.documentation.document),
    // these are sealed, but told to all who may use the app
    'an event': JSON.stringify(await database.manager.find(AppEvent)),
    'a line of Keelson in the log of the app': JSON.stringify(await database.manager.find(AppLogLine)),
    'an operation': JSON.stringify(await database.manager.find(Operation)),
  };
  places['the log of the process'] = log;
  const empty = Object.entries(places).filter(([, text]) => text.length < 200);
  expect(empty).toEqual([]);
  const tables = await database.query<{ name: string }[]>(`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`);
  expect(tables.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['app_events', 'attempts', 'audit_rows', 'configs', 'certificates', 'idempotency_keys', 'runs', 'users']),
  );
  const filled: string[] = [];
  for (const { name } of tables) {
    const rows = await database.query<{ text: string }[]>(`SELECT t::text AS text FROM ${name} t`);
    places[name] = rows.map(({ text }) => text).join('\n');
    if (rows.length > 0) filled.push(name);
  }
  expect(filled).toEqual(expect.arrayContaining(['app_events', 'attempts', 'certificates', 'configs', 'idempotency_keys', 'runs']));
  const found = Object.entries(places).flatMap(([place, text]) =>
    [...canaries].filter(([, secret]) => holds(text, secret) && !pasted[place]?.includes(secret)).map(([name]) => `${name} in ${place}`),
  );
  expect(found).toEqual([]);
  // there is something to search in, and to search for
  const actions = await database.query<{ action: string }[]>('SELECT DISTINCT action FROM audit_rows');
  expect(actions.length).toBeGreaterThan(12);
  expect(log.split('\n').length).toBeGreaterThan(50);
  expect([...canaries].filter(([, secret]) => secret.length < 12)).toEqual([]);
});
