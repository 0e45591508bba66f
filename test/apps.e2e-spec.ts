import { DataSource } from 'typeorm';
import type { Cluster } from '../src/kubernetes/cluster.ts';
import { NAMESPACE } from '../src/kubernetes/object-kind.ts';
import { holdEngine } from './hold.ts';
import { WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, LiveApp, newAppId } from './live-app.ts';
import { clusterOf } from './test-cluster.ts';

interface App {
  uuid: string;
  id: string;
  owner: string;
  structure: Record<string, number>;
  url: string;
  created: string;
  updated: string;
}
interface Page<T> {
  count: number;
  next: string | null;
  previous: string | null;
  results: T[];
}

const forbidden = { detail: 'You do not have permission to perform this action.' };
const noApp = { detail: 'No App matches the given query.' };
const characters = 'App name can only contain a-z (lowercase), 0-9 and hyphens';
const ends =
  'App name must start with an alphabetic character, cannot end with a hyphen and can only contain a-z (lowercase), 0-9 and hyphens.';
const tooLong = 'Ensure this field has no more than 63 characters.';
const taken = { id: ['Application with this id already exists.'] };
const utcSeconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dUTC$/;

let keelson: Keelson;
let database: DataSource;
let cluster: Cluster;
/** Administrator, and three who are not. */
let root: Api;
let ada: Api;
let grace: Api;
let linus: Api;

const create = (api: Api, id: string): Promise<Answer<App>> => api.post('/v2/apps', { id });

async function share(id: string, username: string): Promise<void> {
  await database.query(
    'INSERT INTO collaborations (app_uuid, user_id) SELECT apps.uuid, users.id FROM apps, users WHERE apps.id = $1 AND username = $2',
    [id, username],
  );
}

/** Keeps the engine from every app, by what it alone reads of one. @returns lets it go on */
async function holdCreations(): Promise<() => Promise<void>> {
  const hold = database.createQueryRunner();
  await hold.startTransaction();
  await hold.query('LOCK TABLE services IN ACCESS EXCLUSIVE MODE');
  return async () => {
    await hold.rollbackTransaction();
    await hold.release();
  };
}

const logLines = async (api: Api, id: string): Promise<string> => (await api.get(`/v2/apps/${id}/logs`)).text;

beforeAll(async () => {
  keelson = await startKeelson({ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1' });
  database = keelson.app.get(DataSource);
  cluster = clusterOf(keelson);
  root = await keelson.register('root');
  ada = await keelson.register('ada');
  grace = await keelson.register('grace');
  linus = await keelson.register('linus');
});

afterAll(async () => {
  await destroyApps(root);
  await keelson.stop();
});

describe('creating an app', () => {
  it('makes its namespace, its first release, an empty config and its default domain', async () => {
    const id = newAppId('made');
    const { status, json } = await create(ada, id);
    expect(status).toBe(201);
    expect(json).toEqual({
      uuid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      id,
      owner: 'ada',
      structure: {},
      url: `${id}.local.drycc.cc`,
      created: expect.stringMatching(utcSeconds) as string,
      updated: expect.stringMatching(utcSeconds) as string,
    });
    expect((await ada.get<App>(`/v2/apps/${id}/`)).json).toMatchObject({ uuid: json.uuid, id, structure: {} });

    const live = new LiveApp(keelson, id);
    expect((await live.namespace())?.metadata.annotations).toMatchObject({ 'keelson.dev/app-uuid': json.uuid });
    expect(await live.hosts()).toEqual([`${id}.local.drycc.cc`]);
    expect((await ada.get(`/v2/apps/${id}/config`)).json).toMatchObject({ owner: 'ada', values: {}, registry: {}, tags: {} });
    const releases = await ada.get<Page<object>>(`/v2/apps/${id}/releases`);
    expect(releases.json).toMatchObject({ count: 1, results: [{ version: 1, build: null, summary: 'ada created initial release' }] });
    expect(await logLines(ada, id)).toContain('ada created initial release');
    for (const table of ['app_settings', 'tls']) {
      const [{ count }] = await database.query<[{ count: string }]>(`SELECT count(*) FROM ${table} WHERE app_uuid = $1`, [json.uuid]);
      expect([table, count]).toEqual([table, '1']);
    }
  });

  it('makes up a name when none is given, and a different one each time', async () => {
    const answers = await Promise.all([ada.post<App>('/v2/apps/'), ada.post<App>('/v2/apps', {}), ada.post<App>('/v2/apps', { id: null })]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    const ids = answers.map(({ json }) => json.id);
    for (const id of ids) expect(id).toMatch(/^[a-z]+-[a-z]+$/);
    expect(new Set(ids).size).toBe(3);
  });

  it('takes no structure, owner or unknown field from the body', async () => {
    const id = newAppId('plain');
    const { status, json } = await ada.post<App>('/v2/apps', { id, structure: { web: 5 }, owner: 'root', uuid: 'x', more: [1] });
    expect(status).toBe(201);
    expect(json).toMatchObject({ id, owner: 'ada', structure: {} });
  });

  it.each<[string, unknown, string[]]>([
    ['capital letters', 'Demo', [characters]],
    ['an underscore', 'my_app', [characters]],
    ['a dot', 'my.app', [characters]],
    ['a letter that is no ASCII', 'café', [characters]],
    ['a digit at its start', '1demo', [ends]],
    ['a hyphen at its start', '-demo', [ends]],
    ['a hyphen at its end', 'demo-', [ends]],
    ['64 characters', 'a'.repeat(64), [tooLong]],
    ['64 characters, a wrong one among them', `${'a'.repeat(63)}A`, [tooLong, characters]],
    ['64 characters and a hyphen at its end', `${'a'.repeat(63)}-`, [tooLong, ends]],
    ['a name of the cluster', 'kube-system', ['kube-system is a reserved name.']],
    ['a name of the platform', 'drycc-builder', ['drycc-builder is a reserved name.']],
    ['nothing', '', ['This field may not be blank.']],
    ['blanks', '  ', ['This field may not be blank.']],
    ['a number', 7, ['Not a valid string.']],
    ['a list', ['demo'], ['Not a valid string.']],
    ['an object', { id: 'demo' }, ['Not a valid string.']],
    ['a NUL character', 'de\0mo', ['Null characters are not allowed.']],
  ])('refuses an id with %s', async (_, id, messages) => {
    const { status, json } = await ada.post('/v2/apps', { id });
    expect([status, json]).toEqual([400, { id: messages }]);
  });

  it('refuses an id that is taken, whoever asks', async () => {
    const id = newAppId('taken');
    expect((await create(ada, id)).status).toBe(201);
    for (const api of [ada, grace, root]) {
      const { status, json } = await create(api, id);
      expect([status, json]).toEqual([400, taken]);
    }
  });

  it('lets one of several win who want the same id at once', async () => {
    const id = newAppId('race');
    const answers = await Promise.all([ada, grace, linus, root].map((api) => create(api, id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 400, 400, 400]);
    const owner = answers.find(({ status }) => status === 201)?.json.owner;
    expect((await root.get<App>(`/v2/apps/${id}`)).json.owner).toBe(owner);
  });

  it('gives who repeats a creation that is not over the same app', async () => {
    const id = newAppId('twice');
    const letGo = await holdCreations();
    let again: Promise<Answer<App>>;
    try {
      expect((await ada.post('/v2/apps', { id }, { headers: { Prefer: 'respond-async' } })).status).toBe(202);
      const stranger = await create(grace, id);
      expect([stranger.status, stranger.json]).toEqual([400, taken]);
      again = create(ada, id);
      // it waits for the engine, or it would have been refused by now
      expect(await Promise.race([again, new Promise((resolve) => setTimeout(resolve, 500, 'waits'))])).toBe('waits');
    } finally {
      await letGo();
    }
    const { status, json } = await again;
    expect([status, json.id]).toEqual([201, id]);
  });

  it('leaves alone a namespace that is there already, and stores nothing', async () => {
    const id = newAppId('foreign');
    const namespace = await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: id } });
    try {
      const { status, json } = await create(ada, id);
      expect([status, json]).toEqual([409, { detail: `${id} already exists as a namespace in this kuberenetes setup` }]);
      expect((await root.get(`/v2/apps/${id}`)).status).toBe(404);
      expect((await cluster.get(NAMESPACE, undefined, id))?.metadata.uid).toBe(namespace.metadata.uid);
    } finally {
      await cluster.remove(NAMESPACE, undefined, id, namespace.metadata.uid ?? '');
    }
  });

  it('leaves alone a namespace that comes in between, and takes back what it stored', async () => {
    const id = newAppId('between');
    const letGo = await holdCreations();
    let again: Promise<Answer<App>>;
    let uid: string | undefined;
    try {
      expect((await ada.post('/v2/apps', { id }, { headers: { Prefer: 'respond-async' } })).status).toBe(202);
      again = create(ada, id);
      expect(await Promise.race([again, new Promise((resolve) => setTimeout(resolve, 500, 'waits'))])).toBe('waits');
      ({ uid } = (await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: id } })).metadata);
    } finally {
      await letGo();
    }
    try {
      const { status, json } = await again;
      expect([status, json]).toEqual([409, { detail: `${id} already exists as a namespace in this kuberenetes setup` }]);
      expect((await root.get(`/v2/apps/${id}`)).status).toBe(404);
      expect((await cluster.get(NAMESPACE, undefined, id))?.metadata.uid).toBe(uid);
    } finally {
      await cluster.remove(NAMESPACE, undefined, id, uid ?? '');
    }
  });

  it('refuses an id whose default domain belongs to another app', async () => {
    const [id, other] = [newAppId('domain'), newAppId('domain')];
    expect((await create(ada, other)).status).toBe(201);
    await database.query(
      `INSERT INTO domains (uuid, app_uuid, owner_id, domain) SELECT gen_random_uuid(), uuid, owner_id, $2 FROM apps WHERE id = $1`,
      [other, `${id}.local.drycc.cc`],
    );
    const { status, json } = await create(ada, id);
    expect([status, json]).toEqual([400, { id: [`The domain ${id}.local.drycc.cc is already in use by another application`] }]);
    expect((await root.get(`/v2/apps/${id}`)).status).toBe(404);
  });
});

describe('reading apps', () => {
  const ids = ['read-a', 'read-b', 'read-c'].map(newAppId);
  const [own = '', shared = '', strange = ''] = ids;
  let edsger: Api;

  beforeAll(async () => {
    edsger = await keelson.register('edsger');
    await Promise.all([create(edsger, own), create(grace, shared), create(grace, strange)]);
    await share(shared, 'edsger');
  });

  it('lists own and shared apps by id, and to administrators all', async () => {
    const { json } = await edsger.get<Page<App>>('/v2/apps');
    expect(json).toMatchObject({ count: 2, next: null, previous: null });
    expect(json.results.map(({ id, owner }) => [id, owner])).toEqual([
      [own, 'edsger'],
      [shared, 'grace'],
    ]);
    const all = (await root.get<Page<App>>('/v2/apps?limit=1000')).json.results.map(({ id }) => id);
    expect(all).toEqual(expect.arrayContaining(ids));
    expect(all).toEqual([...all].sort());
  });

  it('lists in pages', async () => {
    const first = (await edsger.get<Page<App>>('/v2/apps?limit=1')).json;
    expect(first).toMatchObject({ count: 2, previous: null, results: [{ id: own }] });
    const second = (await edsger.get<Page<App>>((first.next ?? '').replace(keelson.api.base, ''))).json;
    expect(second).toMatchObject({ count: 2, next: null, results: [{ id: shared }] });
    expect((await edsger.get<Page<App>>('/v2/apps?offset=7')).json).toMatchObject({ count: 2, results: [] });
  });

  it('keeps an app from strangers, and knows no app that is not there', async () => {
    expect((await edsger.get(`/v2/apps/${shared}`)).status).toBe(200);
    const strangers = await edsger.get(`/v2/apps/${strange}`);
    expect([strangers.status, strangers.json]).toEqual([403, forbidden]);
    const unknown = await edsger.get(`/v2/apps/${newAppId('unknown')}`);
    expect([unknown.status, unknown.json]).toEqual([404, noApp]);
  });
});

describe('giving an app away', () => {
  const id = newAppId('given');
  const update = (api: Api, body: object): Promise<Answer> => api.post(`/v2/apps/${id}`, body);

  beforeAll(async () => {
    await create(ada, id);
    await share(id, 'grace');
    await grace.post(`/v2/apps/${id}/config`, { values: { MADE_BY: 'grace' } });
  });

  it.each<[string, unknown, string]>([
    ['nothing', '', 'This field may not be blank.'],
    ['null', null, 'This field may not be null.'],
    ['a number', 7, 'Not a valid string.'],
    ['a list', ['grace'], 'Not a valid string.'],
  ])('refuses %s for an owner', async (_, owner, message) => {
    const { status, json } = await update(ada, { owner });
    expect([status, json]).toEqual([400, { owner: [message] }]);
  });

  it('is not for collaborators or strangers, and needs somebody to give it to', async () => {
    for (const api of [grace, linus]) {
      const { status, json } = await update(api, { owner: 'grace' });
      expect([status, json]).toEqual([403, forbidden]);
    }
    const { status, json } = await update(ada, { owner: 'nobody' });
    expect([status, json]).toEqual([404, { detail: 'No User matches the given query.' }]);
  });

  it('gives the app with its history to the new owner, and leaves nothing to the old one', async () => {
    const answer = await update(ada, { owner: 'grace', id: 'other', structure: { web: 3 } });
    expect([answer.status, answer.text, answer.headers.get('content-length')]).toEqual([200, '', '0']);
    expect((await grace.get<App>(`/v2/apps/${id}`)).json).toMatchObject({ id, owner: 'grace', structure: {} });
    expect((await ada.get(`/v2/apps/${id}`)).json).toEqual(forbidden);
    const releases = await grace.get<Page<{ owner: string }>>(`/v2/apps/${id}/releases`);
    expect(releases.json.results.map(({ owner }) => owner)).toEqual(['grace', 'grace']);
    const [{ grants }] = await database.query<[{ grants: string }]>(
      'SELECT count(*) AS grants FROM collaborations JOIN apps ON apps.uuid = app_uuid WHERE id = $1',
      [id],
    );
    expect(grants).toBe('0');
  });

  it('is open to administrators', async () => {
    expect((await update(root, { owner: 'ada' })).status).toBe(200);
    expect((await ada.get<App>(`/v2/apps/${id}`)).json.owner).toBe('ada');
  });

  it('without an owner sets the objects in the cluster right, for collaborators too', async () => {
    await share(id, 'linus');
    const live = new LiveApp(keelson, id);
    const namespace = await live.namespace();
    await cluster.apply({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: id, namespace: id },
      spec: { rules: [{ host: 'elsewhere.example.com' }] },
    });
    const { status, text } = await update(linus, {});
    expect([status, text]).toEqual([200, '']);
    expect(await live.hosts()).toEqual([`${id}.local.drycc.cc`]);
    expect((await live.namespace())?.metadata.uid).toBe(namespace?.metadata.uid);
  });
});

describe('scaling', () => {
  const id = newAppId('scaled');
  const live = (): LiveApp => new LiveApp(keelson, id);
  const scale = (body: unknown, api = ada): Promise<Answer> => api.post(`/v2/apps/${id}/scale/`, body);
  const structure = async (): Promise<object> => (await ada.get<App>(`/v2/apps/${id}`)).json.structure;
  const operations = async (): Promise<number> => (await ada.get<Page<object>>(`/v2/apps/${id}/operations`)).json.count;

  beforeAll(async () => {
    await create(ada, id);
  });

  it('needs a build', async () => {
    const { status, json } = await scale({ web: 1 });
    expect([status, json]).toEqual([400, { detail: 'No build associated with this release' }]);
  });

  describe('with a build', () => {
    beforeAll(async () => {
      const procfile = { worker: 'exec sleep 3600', broken: 'echo no luck; exit 3' };
      expect((await ada.post(`/v2/apps/${id}/builds`, { image: WEB_IMAGE, procfile })).status).toBe(201);
    });

    it.each<[string, unknown, number, string]>([
      ['a negative count', { cmd: -1 }, 400, 'Invalid scaling format: cmd: Must be greater than or equal to zero'],
      ['a fraction', { cmd: 1.5 }, 400, 'Invalid scaling format: cmd: Must be a whole number'],
      ['a word', { cmd: 'many' }, 400, 'Invalid scaling format: cmd: Must be a whole number'],
      ['null', { cmd: null }, 400, 'Invalid scaling format: cmd: Must be a whole number'],
      ['a list', { cmd: [1] }, 400, 'Invalid scaling format: cmd: Must be a whole number'],
      ['true', { cmd: true }, 400, 'Invalid scaling format: cmd: Must be a whole number'],
      ['too many', { cmd: 1e9 }, 400, 'Invalid scaling format: cmd: Must be less than or equal to 10000'],
      [
        'two wrong counts',
        { cmd: -1, worker: 'x' },
        400,
        'Invalid scaling format: cmd: Must be greater than or equal to zero, worker: Must be a whole number',
      ],
      ['an unknown type', { cmd: 2, foo: 1 }, 404, 'Container type foo does not exist in application'],
      ['the type of one-off runs', { run: 1 }, 404, 'Container type run does not exist in application'],
      ['a name from JavaScript', { constructor: 1 }, 404, 'Container type constructor does not exist in application'],
    ])('refuses %s, and changes nothing', async (_, body, expected, detail) => {
      const { status, json } = await scale(body);
      expect([status, json]).toEqual([expected, { detail }]);
      expect(await structure()).toEqual({ cmd: 1 });
    });

    it('is not for strangers', async () => {
      expect((await scale({ cmd: 2 }, linus)).status).toBe(403);
    });

    it('goes from 1 to 3, to 0 and to 2', async () => {
      for (const count of [3, 0, 2]) {
        const { status, text } = await scale({ cmd: count === 3 ? '3' : count });
        expect([status, text]).toEqual([204, '']);
        expect(await live().replicas('cmd')).toBe(count);
        expect(await live().up(ada)).toEqual(Array<string>(count).fill('cmd v2'));
        expect(await structure()).toEqual({ cmd: count });
      }
      expect(await logLines(ada, id)).toContain('ada scaled pods cmd=3');
      expect((await ada.get<Page<object>>(`/v2/apps/${id}/releases`)).json.count).toBe(2);
    });

    it('leaves the cluster alone when nothing changes', async () => {
      const before = [await operations(), await live().deployment('cmd')];
      for (const body of [{ cmd: 2 }, {}, undefined]) expect((await scale(body)).status).toBe(204);
      expect([await operations(), await live().deployment('cmd')]).toEqual(before);
    });

    it('loses none of several scales at once', async () => {
      const answers = await Promise.all([scale({ cmd: 1 }), scale({ worker: 2 })]);
      expect(answers.map(({ status }) => status)).toEqual([204, 204]);
      expect(await structure()).toEqual({ cmd: 1, worker: 2 });
      expect(await live().up(ada)).toEqual(['cmd v2', 'worker v2', 'worker v2']);
    });

    it('undoes what does not come up, says why, and keeps what runs', async () => {
      const { status, json } = await scale({ broken: 1, worker: 1 });
      expect(status).toBe(503);
      expect(json).toEqual({ detail: expect.stringMatching(/^\(scale\): .*exited with code 3/) as string });
      expect(json.detail).toContain('no luck');
      expect(await structure()).toMatchObject({ cmd: 1, broken: 0 });
      expect(await live().replicas('broken')).toBe(0);
      expect(await live().up(ada)).toContain('cmd v2');
    });
  });
});

describe('destroying an app', () => {
  it('leaves no namespace, and frees the name', async () => {
    const id = newAppId('gone');
    await create(ada, id);
    await ada.post(`/v2/apps/${id}/builds`, { image: WEB_IMAGE });
    const live = new LiveApp(keelson, id);
    expect(await live.up(ada)).toEqual(['cmd v2']);

    // asked twice at once: both wait for the same end
    const answers = await Promise.all([ada.delete(`/v2/apps/${id}/`), ada.delete(`/v2/apps/${id}`)]);
    expect(answers.map(({ status, text }) => [status, text])).toEqual([
      [204, ''],
      [204, ''],
    ]);
    expect(await live.namespace()).toBeNull();
    const gone = await ada.delete(`/v2/apps/${id}`);
    expect([gone.status, gone.json]).toEqual([404, noApp]);
    expect((await create(grace, id)).status).toBe(201);
  });

  it('refuses every other change meanwhile', async () => {
    const id = newAppId('going');
    await create(ada, id);
    const letGo = await holdEngine(database, id);
    const destroyed = ada.delete(`/v2/apps/${id}`);
    try {
      await eventually(async () => {
        const { status, json } = await ada.post(`/v2/apps/${id}/config`, { values: { A: 1 } });
        expect([status, json]).toEqual([409, { detail: `${id} is being destroyed` }]);
      });
      expect((await ada.post(`/v2/apps/${id}/builds`, { image: WEB_IMAGE })).status).toBe(409);
      expect((await ada.post(`/v2/apps/${id}`, { owner: 'grace' })).status).toBe(409);
      expect((await create(ada, id)).json).toEqual(taken);
    } finally {
      await letGo();
    }
    expect((await destroyed).status).toBe(204);
  });

  it('is for the owner and administrators alone', async () => {
    const id = newAppId('kept');
    await create(ada, id);
    await share(id, 'grace');
    for (const api of [grace, linus]) {
      const { status, json } = await api.delete(`/v2/apps/${id}`);
      expect([status, json]).toEqual([403, forbidden]);
    }
    expect((await root.delete(`/v2/apps/${id}`)).status).toBe(204);
  });
});
