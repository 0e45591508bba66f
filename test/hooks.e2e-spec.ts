import { createHash } from 'node:crypto';
import { DataSource } from 'typeorm';
import { CRASH_IMAGE, WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { destroyApps, LiveApp, newAppId } from './live-app.ts';
import { newPublicKey } from './ssh-key.ts';

type UserKeys = Record<string, { key: string; fingerprint: string }[]>;

/** Serves in the images of the tests; they come from no registry of the platform, so they are run as they are named. */
const SERVE = 'exec httpd -f -p "$PORT" -h /www';

const forbidden = { detail: 'You do not have permission to perform this action.' };
const noKey = { detail: 'No Key matches the given query.' };
const noKeys = { detail: 'No Keys match the given query.' };
const noApp = { detail: 'No App matches the given query.' };
const noUser = { detail: 'No User matches the given query.' };

const [first, second, third] = ['hook-a', 'hook-b', 'hook-c'].map(newAppId) as [string, string, string];

let keelson: Keelson;
/** Administrator, without an app of his own. */
let root: Api;
/** Owner of the first and the second app. */
let ada: Api;
/** Collaborator on the first one, owner of the third. */
let bob: Api;
let eve: Api;
let key: string;

const hook = { headers: {} as Record<string, string> };
const get = <T>(path: string): Promise<Answer<T>> => keelson.api.get<T>(`/v2/hooks/${path}`, hook);
const post = <T>(path: string, body: unknown): Promise<Answer<T>> => keelson.api.post<T>(`/v2/hooks/${path}`, body, hook);
const said = ({ status, json }: Answer<unknown>): [number, unknown] => [status, json];
const digest = (name: 'md5' | 'sha256', text: string) =>
  createHash(name)
    .update(Buffer.from(text.split(' ')[1] ?? '', 'base64'))
    .digest();
const md5 = (text: string): string => (digest('md5', text).toString('hex').match(/../g) ?? []).join(':');
const sha256 = (text: string): string => digest('sha256', text).toString('base64').replace('=', '');

async function addKey(user: Api, id: string, text = newPublicKey(id)): Promise<string> {
  const { status, text: answer } = await user.post('/v2/keys', { id, public: text });
  if (status !== 201) throw new Error(answer);
  return text;
}

/** Switches a user off or on. */
async function setActive(username: string, active: boolean): Promise<void> {
  await keelson.app.get(DataSource).query('UPDATE users SET is_active = $2 WHERE username = $1', [username, active]);
}

beforeAll(async () => {
  keelson = await startKeelson({
    DRYCC_REGISTRY_LOCATION: 'off-cluster',
    KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1',
    DRYCC_DEPLOY_TIMEOUT: '30',
  });
  hook.headers = { 'X-Drycc-Builder-Auth': keelson.settings.builderKey };
  root = await keelson.register('root');
  ada = await keelson.register('ada');
  bob = await keelson.register('bob');
  eve = await keelson.register('eve');
  for (const [user, id] of [
    [ada, first],
    [ada, second],
    [bob, third],
  ] as const) {
    expect((await user.post('/v2/apps', { id })).status).toBe(201);
  }
  await keelson.app
    .get(DataSource)
    .query(`INSERT INTO collaborations SELECT apps.uuid, users.id FROM apps, users WHERE apps.id = $1 AND username = 'bob'`, [first]);
  key = await addKey(ada, 'ada@laptop');
});

afterAll(async () => {
  await destroyApps(root);
  await keelson.stop();
});

describe('the holder of a key', () => {
  it('is found by MD5 and SHA-256, however they are written', async () => {
    const written = [md5(key), `MD5:${md5(key)}`, sha256(key), `SHA256:${sha256(key)}`, ` ${md5(key)} /`];
    for (const fingerprint of written) {
      for (const end of ['', '/']) {
        expect(said(await get(`key/${encodeURIComponent(fingerprint)}${end}`))).toEqual([
          200,
          { username: 'ada', apps: [first, second].sort() },
        ]);
      }
    }
  });

  it('is found by SHA-256 with slashes and plusses as they are', async () => {
    let text = newPublicKey();
    while (!/[+].*[/]|[/].*[+]/.test(sha256(text))) text = newPublicKey();
    await addKey(eve, 'eve@slash', text);
    for (const fingerprint of [sha256(text), `SHA256:${sha256(text)}`]) {
      // not by way of Api: in the documentation a parameter has no slashes
      const answer = await fetch(`${keelson.api.base}/v2/hooks/key/${fingerprint}`, { headers: hook.headers });
      expect([answer.status, await answer.json()]).toEqual([200, { username: 'eve', apps: [] }]);
    }
    await eve.delete('/v2/keys/eve@slash');
  });

  it('may use shared apps too, and an administrator all', async () => {
    const [bobs, roots] = [await addKey(bob, 'bob'), await addKey(root, 'root')];
    expect(said(await get(`key/${md5(bobs)}`))).toEqual([200, { username: 'bob', apps: [first, third].sort() }]);
    expect(said(await get(`key/${md5(roots)}`))).toEqual([200, { username: 'root', apps: [first, second, third].sort() }]);
    await bob.delete('/v2/keys/bob');
    await root.delete('/v2/keys/root');
  });

  it('is nobody for another fingerprint, or none', async () => {
    for (const fingerprint of [md5(newPublicKey()), `SHA256:${encodeURIComponent(sha256(newPublicKey()))}`, 'nonsense', '%20']) {
      expect(said(await get(`key/${fingerprint}`))).toEqual([404, noKey]);
    }
  });

  it('is nobody while the user is disabled', async () => {
    await setActive('ada', false);
    expect(said(await get(`key/${md5(key)}`))).toEqual([404, noKey]);
    await setActive('ada', true);
  });
});

describe('the keys of an app', () => {
  const shown = (text: string): { key: string; fingerprint: string } => ({ key: text, fingerprint: md5(text) });
  let bobs: string[];

  beforeAll(async () => {
    bobs = [await addKey(bob, 'z'), await addKey(bob, 'a')];
    await addKey(eve, 'eve');
    await addKey(root, 'root');
  });

  it('are those of its owner and collaborators, oldest first', async () => {
    expect(said(await get(`keys/${first}`))).toEqual([200, { ada: [shown(key)], bob: bobs.map(shown) }]);
    expect(said(await get(`keys/${second}/`))).toEqual([200, { ada: [shown(key)] }]);
    expect(said(await get('keys/no-such-app'))).toEqual([404, noApp]);
  });

  it('are given of one user', async () => {
    expect(said(await get<UserKeys>(`keys/${first}/bob`))).toEqual([200, { bob: bobs.map(shown) }]);
    expect(Object.keys((await get<UserKeys>(`keys/${first}/root/`)).json)).toEqual(['root']);
    expect(said(await get(`keys/${first}/eve`))).toEqual([403, forbidden]);
    expect(said(await get(`keys/${first}/nobody`))).toEqual([404, noUser]);
    expect(said(await get('keys/no-such-app/ada'))).toEqual([404, noApp]);
  });

  it('do not count while the user is disabled', async () => {
    await setActive('bob', false);
    expect(said(await get(`keys/${first}`))).toEqual([200, { ada: [shown(key)] }]);
    expect(said(await get(`keys/${first}/bob`))).toEqual([403, forbidden]);
    await setActive('bob', true);
  });

  it('are not found where there are none', async () => {
    await ada.delete('/v2/keys/ada@laptop');
    expect(said(await get(`keys/${second}`))).toEqual([200, {}]);
    expect(said(await get(`keys/${second}/ada`))).toEqual([404, noKeys]);
    await addKey(ada, 'ada@laptop', key);
  });

  it.each([
    ['of an app', () => `keys/${first}`, 2],
    ['of a user', () => `keys/${first}/bob`, 3],
    ['by fingerprint', () => `key/${md5(key)}`, 2],
  ])('%s cost a constant number of statements', async (_, path, statements) => {
    keelson.statements.length = 0;
    expect((await get(path())).status).toBe(200);
    expect(keelson.statements).toHaveLength(statements);
  });
});

describe('the builder', () => {
  const routes: [string, string, object | undefined][] = [
    ['GET', `/v2/hooks/key/${'00:'.repeat(15)}00`, undefined],
    ['GET', `/v2/hooks/keys/${first}`, undefined],
    ['GET', `/v2/hooks/keys/${first}/ada`, undefined],
    ['POST', '/v2/hooks/config', { receive_user: 'ada', receive_repo: first }],
    ['POST', '/v2/hooks/build', { receive_user: 'ada', receive_repo: first, image: WEB_IMAGE }],
  ];

  it.each(routes)('%s %s is nobody else', async (method, path, body) => {
    const unauthorized = { detail: 'Authentication credentials were not provided.' };
    const wrong = { headers: { 'X-Drycc-Builder-Auth': 'guessed' } };
    expect(said(await keelson.api.request(method, path, body))).toEqual([401, unauthorized]);
    expect(said(await keelson.api.request(method, path, body, wrong))).toEqual([401, unauthorized]);
    for (const user of [root, ada]) {
      expect(said(await user.request(method, path, body))).toEqual([403, forbidden]);
      expect(said(await user.request(method, path, body, wrong))).toEqual([403, forbidden]);
    }
  });
});

describe.each(['config', 'build'])('a hook that is told a %s', (path) => {
  const image = { image: WEB_IMAGE };

  it('refuses what is missing or wrong, all at once', async () => {
    const required = ['This field is required.'];
    const receive = { receive_user: required, receive_repo: required };
    expect(said(await post(path, {}))).toEqual([400, path === 'build' ? { ...receive, image: required } : receive]);
    expect(said(await post(path, { ...image, receive_user: 1, receive_repo: '' }))).toEqual([
      400,
      { receive_user: ['Not a valid string.'], receive_repo: ['This field may not be blank.'] },
    ]);
  });

  it('refuses who may not use the app', async () => {
    expect(said(await post(path, { ...image, receive_user: 'eve', receive_repo: first }))).toEqual([403, forbidden]);
    await setActive('bob', false);
    expect(said(await post(path, { ...image, receive_user: 'bob', receive_repo: first }))).toEqual([403, forbidden]);
    await setActive('bob', true);
    expect(said(await post(path, { ...image, receive_user: 'nobody', receive_repo: first }))).toEqual([404, noUser]);
    expect(said(await post(path, { ...image, receive_user: 'ada', receive_repo: 'No App!' }))).toEqual([404, noApp]);
  });
});

describe('a push', () => {
  it('sees the config of the app, and its password only as an owner', async () => {
    const values = { PORT: '5000', GREETING: 'hello' };
    await ada.post(`/v2/apps/${first}/config`, { values, registry: { username: 'ada', password: 'secret' } });
    const seen = async (user: string): Promise<[number, unknown]> =>
      said(await post('config', { receive_user: user, receive_repo: first }));
    expect(await seen('ada')).toEqual(said(await ada.get(`/v2/apps/${first}/config`)));
    expect(await seen('bob')).toEqual(said(await bob.get(`/v2/apps/${first}/config`)));
    expect(await seen('bob')).toMatchObject([200, { owner: 'ada', app: first, values, registry: { password: '******' } }]);
  });

  it('is deployed as its user’s, and answered with the release', async () => {
    const sent = { image: WEB_IMAGE, sha: 'a1b2c3', procfile: { web: SERVE }, dockerfile: 'true', stack: 'container' };
    const { status, json, headers } = await post('build', { receive_user: 'bob', receive_repo: first, ...sent });
    expect([status, json, headers.get('x-drycc-release')]).toEqual([200, { release: { version: 3 } }, '3']);
    expect((await ada.get(`/v2/apps/${first}/build`)).json).toMatchObject({ ...sent, owner: 'bob', app: first });
    expect((await ada.get(`/v2/apps/${first}/releases/v3`)).json).toMatchObject({ owner: 'bob', version: 3 });
    expect(await new LiveApp(keelson, first).up(ada)).toEqual(['web v3']);
  });

  it('that fails is undone and says why', async () => {
    const { status, json } = await post<{ detail: string }>('build', { receive_user: 'ada', receive_repo: first, image: CRASH_IMAGE });
    expect([status, json.detail]).toEqual([400, expect.stringContaining('boom')]);
    expect(await new LiveApp(keelson, first).up(ada)).toEqual(['web v3']);
  });

  it('need not be waited for', async () => {
    const body = { receive_user: 'ada', receive_repo: first, image: WEB_IMAGE, procfile: { web: SERVE }, dockerfile: 'FROM x' };
    const call = { headers: { ...hook.headers, Prefer: 'respond-async' } };
    const { status, headers } = await keelson.api.post('/v2/hooks/build', body, call);
    expect([status, headers.get('x-drycc-release')]).toEqual([202, '5']);
    expect(headers.get('location')).toMatch(/^\/v2\/operations\//);
  });
});
