import { randomUUID } from 'node:crypto';
import { CRASH_IMAGE, MISSING_IMAGE, WEB_2_IMAGE, WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { destroyApps, LiveApp, newAppId } from './live-app.ts';

interface Build {
  uuid: string;
  owner: string;
  app: string;
  image: string;
  sha: string;
  procfile: Record<string, string>;
  dockerfile: string;
  stack: string;
}
interface Page<T> {
  count: number;
  next: string | null;
  results: T[];
}

const typeSyntax = 'Process types can only contain lowercase alphanumeric characters';
const noCommand = "Command can't be empty for process type";
const noImage = 'Not a valid image reference, such as registry.example.com/team/app:1.0';
const notAMap = 'Expected an object, or a string with the JSON of one.';
/** Serves in the images of the tests; `$PORT` is set by the platform. */
const SERVE = 'exec httpd -f -p "$PORT" -h /www';
const IDLE = 'exec sleep 3600';

let keelson: Keelson;
let ada: Api;

const deploy = (id: string, body: unknown, spelling = 'builds'): Promise<Answer<Build>> => ada.post(`/v2/apps/${id}/${spelling}`, body);
const structure = async (id: string): Promise<Record<string, number>> =>
  (await ada.get<{ structure: Record<string, number> }>(`/v2/apps/${id}`)).json.structure;
const latest = async (id: string): Promise<object | undefined> => (await ada.get<Page<object>>(`/v2/apps/${id}/releases`)).json.results[0];

beforeAll(async () => {
  // a cluster without a network cannot tell that an image is missing: that takes until the deadline
  keelson = await startKeelson({ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1', DRYCC_DEPLOY_TIMEOUT: '30' });
  ada = await keelson.register('ada');
});

afterAll(async () => {
  await destroyApps(ada);
  await keelson.stop();
});

describe('a build that is wrong', () => {
  const id = newAppId('wrong');

  beforeAll(async () => {
    await ada.post('/v2/apps', { id });
  });

  it.each<[string, unknown, Record<string, string[]>]>([
    ['without an image', {}, { image: ['This field is required.'] }],
    ['without a body', undefined, { image: ['This field is required.'] }],
    ['with a null image', { image: null }, { image: ['This field may not be null.'] }],
    ['with an empty image', { image: '' }, { image: ['This field may not be blank.'] }],
    ['with a blank image', { image: ' ' }, { image: ['This field may not be blank.'] }],
    ['with a number for an image', { image: 1 }, { image: ['Not a valid string.'] }],
    ['with an image that is no reference', { image: 'no image!' }, { image: [noImage] }],
    ['with an image in capitals', { image: 'Team/App' }, { image: [noImage] }],
    [
      'with an image from a loopback address',
      { image: 'localhost:5000/app' },
      { image: ['The registry localhost:5000 is a loopback address, which the nodes of the cluster cannot pull from'] },
    ],
    ['with a list for a procfile', { image: WEB_IMAGE, procfile: [] }, { procfile: [notAMap] }],
    ['with text for a procfile', { image: WEB_IMAGE, procfile: 'web: x' }, { procfile: [notAMap] }],
    ['with a null procfile', { image: WEB_IMAGE, procfile: null }, { procfile: ['This field may not be null.'] }],
    ['with a process type in capitals', { image: WEB_IMAGE, procfile: { Web: 'x' } }, { procfile: [typeSyntax] }],
    ['with a process type that ends in a hyphen', { image: WEB_IMAGE, procfile: { 'web-': 'x' } }, { procfile: [typeSyntax] }],
    ['with an empty command', { image: WEB_IMAGE, procfile: { web: '' } }, { procfile: [noCommand] }],
    ['with a null command', { image: WEB_IMAGE, procfile: { web: null } }, { procfile: [noCommand] }],
    ['with a list for a command', { image: WEB_IMAGE, procfile: { web: ['x'] } }, { procfile: ['The command of web must be a string'] }],
    ['with a long sha', { image: WEB_IMAGE, sha: 'a'.repeat(41) }, { sha: ['Ensure this field has no more than 40 characters.'] }],
    ['with a sha of other characters', { image: WEB_IMAGE, sha: 'a/b' }, { sha: ['Can only contain letters, digits, ".", "_" and "-"'] }],
    ['with a long stack', { image: WEB_IMAGE, stack: 'a'.repeat(33) }, { stack: ['Ensure this field has no more than 32 characters.'] }],
    ['with a number for a dockerfile', { image: WEB_IMAGE, dockerfile: 1 }, { dockerfile: ['Not a valid string.'] }],
    ['with a NUL character', { image: WEB_IMAGE, dockerfile: 'FROM\0' }, { dockerfile: ['Null characters are not allowed.'] }],
    [
      'in everything',
      { image: 'No!', procfile: { Web: '' }, dockerfile: [], stack: 5 },
      {
        image: [noImage],
        procfile: [typeSyntax, noCommand],
        dockerfile: ['Not a valid string.'],
        stack: ['Not a valid string.'],
      },
    ],
  ])('%s is refused', async (_, body, faults) => {
    const { status, json } = await deploy(id, body);
    expect([status, json]).toEqual([400, faults]);
  });

  it('leaves nothing behind', async () => {
    expect((await ada.get<Page<Build>>(`/v2/apps/${id}/builds`)).json).toMatchObject({ count: 0, results: [] });
    const { status, json } = await ada.get(`/v2/apps/${id}/build`);
    expect([status, json]).toEqual([404, { detail: 'No Build matches the given query.' }]);
    expect(await latest(id)).toMatchObject({ version: 1 });
  });
});

describe('deploying builds', () => {
  const id = newAppId('built');
  let live: LiveApp;
  let first: Build;
  let second: Build;

  beforeAll(async () => {
    live = new LiveApp(keelson, id);
    await ada.post('/v2/apps', { id });
  });

  it('starts the image with one process, and routes to it', async () => {
    const { status, headers, json } = await deploy(id, { image: WEB_IMAGE, stack: 'container' });
    expect([status, headers.get('x-drycc-release')]).toEqual([201, '2']);
    expect(json).toEqual({
      uuid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      owner: 'ada',
      app: id,
      image: WEB_IMAGE,
      sha: '',
      procfile: {},
      dockerfile: '',
      stack: 'container',
      created: expect.stringMatching(/UTC$/) as string,
      updated: expect.stringMatching(/UTC$/) as string,
    });
    first = json;
    expect(await structure(id)).toEqual({ cmd: 1 });
    expect(await live.up(ada)).toEqual(['cmd v2']);
    expect(await live.routedType()).toBe('cmd');
    expect(await latest(id)).toMatchObject({ version: 2, build: json.uuid, summary: `ada deployed ${WEB_IMAGE}`, failed: false });
    const log = (await ada.get(`/v2/apps/${id}/logs`)).text;
    expect(log).toContain(`build ${id}-${json.uuid.slice(0, 7)} created`);
    expect(log).toContain(`ada deployed ${WEB_IMAGE}`);
  });

  it.each([
    ['crashes', CRASH_IMAGE, /cmd: process exited with code 1 .*\nboom/],
    ['cannot be pulled', MISSING_IMAGE, /cmd.*: ErrImagePull: .*local\/missing/],
  ])('fails with the cause when the image %s, and what ran before runs on', async (_, image, cause) => {
    const before = { up: await live.up(ada), routed: await live.routedType(), structure: await structure(id) };
    const { status, json } = await deploy(id, { image });
    expect(status).toBe(400);
    const { detail } = json as unknown as { detail: string };
    expect(detail).toMatch(/^\(app::deploy\): There was a problem deploying v\d\. Rolling back process types to release v2\.\n/);
    expect(detail).toMatch(cause);

    const builds = (await ada.get<Page<Build>>(`/v2/apps/${id}/builds`)).json.results;
    expect(builds[0]?.image).toBe(image);
    expect(await latest(id)).toMatchObject({
      failed: true,
      exception: `error: ${detail}`,
      summary: `ada deployed ${builds[0]?.uuid.slice(0, 7) ?? ''} which failed`,
    });
    expect({ up: await live.up(ada), routed: await live.routedType(), structure: await structure(id) }).toEqual(before);
    expect(await live.image('cmd')).toBe(WEB_IMAGE);
    expect((await ada.get<Build>(`/v2/apps/${id}/build`)).json.uuid).toBe(first.uuid);
    expect((await ada.get(`/v2/apps/${id}/logs`)).text).toContain('Rolling back process types to release v2.');
  });

  it('brings the types of a Procfile, and moves the requests from cmd to web once that is up', async () => {
    const { status, headers, json } = await deploy(id, { image: WEB_2_IMAGE, procfile: { web: SERVE, worker: IDLE } }, 'build');
    expect([status, headers.get('x-drycc-release')]).toEqual([201, '5']);
    second = json;
    // an app that has a structure keeps it: web is scaled up by whoever wants it
    expect(await structure(id)).toEqual({ cmd: 1 });
    expect((await ada.post(`/v2/apps/${id}/scale`, { web: 1, worker: 1, cmd: 0 })).status).toBe(204);
    expect(await live.up(ada)).toEqual(['web v5', 'worker v5']);
    expect(await live.routedType()).toBe('web');
    expect(await live.image('web')).toBe(WEB_2_IMAGE);
  });

  it('ends the types that a new Procfile lacks, and only if it comes up', async () => {
    expect((await deploy(id, { image: CRASH_IMAGE, procfile: { web: 'echo boom; exit 1' } })).status).toBe(400);
    expect(await structure(id)).toEqual({ cmd: 0, web: 1, worker: 1 });
    expect(await live.up(ada)).toEqual(['web v5', 'worker v5']);

    const { status, headers } = await deploy(id, { image: WEB_IMAGE, procfile: { web: SERVE } });
    expect([status, headers.get('x-drycc-release')]).toEqual([201, '7']);
    expect(await structure(id)).toEqual({ cmd: 0, web: 1, worker: 0 });
    expect(await live.up(ada)).toEqual(['web v7']);
    expect((await ada.post(`/v2/apps/${id}/scale`, { worker: 1 })).status).toBe(404);
  });

  it('reads them under both spellings', async () => {
    const page = (await ada.get<Page<Build>>(`/v2/apps/${id}/builds/`)).json;
    expect(page.count).toBe(6);
    expect(page.results.map(({ image }) => image)).toEqual([WEB_IMAGE, CRASH_IMAGE, WEB_2_IMAGE, MISSING_IMAGE, CRASH_IMAGE, WEB_IMAGE]);
    expect((await ada.get<Page<Build>>(`/v2/apps/${id}/builds?limit=2&offset=4`)).json.results.at(-1)).toEqual(first);
    expect((await ada.get<Build>(`/v2/apps/${id}/build`)).json).toEqual(page.results[0]);
    for (const spelling of ['build', 'builds']) {
      expect((await ada.get(`/v2/apps/${id}/${spelling}/${second.uuid}/`)).json).toEqual(second);
      for (const unknown of [randomUUID(), 'x', second.uuid.slice(0, -1)]) {
        const { status, json } = await ada.get(`/v2/apps/${id}/${spelling}/${unknown}`);
        expect([status, json]).toEqual([404, { detail: 'No Build matches the given query.' }]);
      }
    }
  });
});

it('a build of another app is not found', async () => {
  const [id, other] = [newAppId('one'), newAppId('two')];
  await Promise.all([ada.post('/v2/apps', { id }), ada.post('/v2/apps', { id: other })]);
  const { json } = await deploy(id, { image: WEB_IMAGE });
  expect((await ada.get(`/v2/apps/${id}/builds/${json.uuid}`)).status).toBe(200);
  expect((await ada.get(`/v2/apps/${other}/builds/${json.uuid}`)).status).toBe(404);
});

describe('a build of which the platform knows no process type to start', () => {
  it('is deployed, and waits to be scaled', async () => {
    const id = newAppId('slug');
    await ada.post('/v2/apps', { id });
    const slug = { image: 'http://slugs.example.com/app.tgz', sha: 'a1b2c3d4e5f6', procfile: { worker: IDLE } };
    const { status } = await deploy(id, slug);
    expect(status).toBe(201);
    expect(await structure(id)).toEqual({});
    expect(await latest(id)).toMatchObject({ version: 2, summary: 'ada deployed a1b2c3d' });
  });
});
