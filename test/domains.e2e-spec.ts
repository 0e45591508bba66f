import { DataSource } from 'typeorm';
import { RESOURCE_QUOTA } from '../src/kubernetes/object-kind.ts';
import { holdEngine } from './hold.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, LiveApp, newAppId } from './live-app.ts';
import { clusterOf } from './test-cluster.ts';

interface Domain {
  app: string;
  owner: string;
  domain: string;
  created: string;
  updated: string;
}
interface Page {
  count: number;
  next: string | null;
  previous: string | null;
  results: Domain[];
}

const PLATFORM = 'platform.test';
const IN_USE = { domain: ['Domain is already in use by another application'] };
const forbidden = { detail: 'You do not have permission to perform this action.' };
const noDomain = { detail: 'No Domain matches the given query.' };

let keelson: Keelson;
let database: DataSource;
let root: Api;
/** Owner of `app`, its collaborator, and a stranger with `other`. */
let ada: Api;
let grace: Api;
let linus: Api;
const app = newAppId('domains');
const other = newAppId('other');

const add = (api: Api, domain: unknown, id = app): Promise<Answer<Domain>> => api.post(`/v2/apps/${id}/domains`, { domain });
const remove = (api: Api, domain: string, id = app): Promise<Answer> => api.delete(`/v2/apps/${id}/domains/${encodeURIComponent(domain)}`);
const list = async (id = app): Promise<string[]> => {
  const { json } = await root.get<Page>(`/v2/apps/${id}/domains?limit=1000`);
  return json.results.map(({ domain }) => domain);
};
/** Hosts that the cluster routes to the app, sorted. */
const routed = async (id = app): Promise<(string | undefined)[]> => (await new LiveApp(keelson, id).hosts()).sort();
const defaultDomain = (id: string): string => `${id}.${PLATFORM}`;
const outcome = ({ status, json }: Answer<unknown>): unknown => [status, json];

beforeAll(async () => {
  keelson = await startKeelson({ DRYCC_PLATFORM_DOMAIN: PLATFORM, RESERVED_DOMAINS: `keelson.inner.test, www.${PLATFORM}` });
  database = keelson.app.get(DataSource);
  root = await keelson.register('root');
  ada = await keelson.register('ada');
  grace = await keelson.register('grace');
  linus = await keelson.register('linus');
  expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
  expect((await linus.post('/v2/apps', { id: other })).status).toBe(201);
  expect((await ada.post(`/v2/apps/${app}/perms`, { username: 'grace' })).status).toBe(201);
});

afterAll(async () => {
  await destroyApps(root);
  await keelson.stop();
});

/** Every test starts with the default domains alone. */
afterEach(async () => {
  for (const id of [app, other]) {
    for (const domain of await list(id)) if (domain !== defaultDomain(id)) expect((await remove(root, domain, id)).status).toBe(204);
  }
});

describe('adding a domain', () => {
  it('routes it to the app and says so', async () => {
    const { status, json } = await add(ada, 'www.example.com');
    expect(status).toBe(201);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dUTC$/) as string;
    expect(json).toEqual({ app, owner: 'ada', domain: 'www.example.com', created: time, updated: time });
    expect(await routed()).toEqual([defaultDomain(app), 'www.example.com']);
    expect((await ada.get(`/v2/apps/${app}/logs`)).text).toContain('domain www.example.com added\n');
    expect((await ada.get<Page>(`/v2/apps/${app}/domains`)).json.results[1]).toEqual(json);
  });

  it('is for collaborators too, whose name it carries, with and without a slash at the end', async () => {
    const { status, json } = await grace.post(`/v2/apps/${app}/domains/`, { domain: 'grace.example.com' });
    expect([status, json.owner]).toEqual([201, 'grace']);
    expect((await ada.get<Page>(`/v2/apps/${app}/domains/`)).json.count).toBe(2);
    expect(outcome(await add(linus, 'linus.example.com'))).toEqual([403, forbidden]);
    // rights come before what is sent
    expect(outcome(await add(linus, ''))).toEqual([403, forbidden]);
    expect(outcome(await add(linus, 'linus.example.com', 'no-such-app'))).toEqual([404, { detail: 'No App matches the given query.' }]);
    expect((await add(keelson.api, 'linus.example.com')).status).toBe(401);
  });

  it.each([
    ['WWW.Example.COM.', 'www.example.com'],
    ['*.example.com', '*.example.com'],
    ['domain', 'domain'],
    ['3com.com', '3com.com'],
    // beside a reserved one
    ['inner.test', 'inner.test'],
    ['*.keelson.inner.test', '*.keelson.inner.test'],
    ['*.Bücher.example', '*.xn--bcher-kva.example'],
    ['XN--MNCHEN-3YA.de', 'xn--mnchen-3ya.de'],
  ])('stores and routes %s as %s', async (written, stored) => {
    const { status, json } = await add(ada, written);
    expect([status, json.domain]).toEqual([201, stored]);
    expect(await list()).toContain(stored);
    expect(await routed()).toContain(stored);
  });

  it.each([
    ['none', undefined, 'This field is required.'],
    ['null', null, 'This field may not be null.'],
    ['an empty one', '', 'This field may not be blank.'],
    ['a number', 7, 'Not a valid string.'],
    ['a list', ['a.com'], 'Not a valid string.'],
    ['nothing but a wildcard', '*', "Hostname can't only be a wildcard"],
    ['an address', '192.168.0.1', 'Hostname does not look valid.'],
    ['one of 263 characters', `${'a.'.repeat(130)}com`, 'Hostname must be 253 characters or less.'],
    ['one of a million characters', 'a'.repeat(1_000_000), 'Hostname must be 253 characters or less.'],
    ['an underscore', 'my_app.com', expect.stringMatching(/^Hostname does not look valid, could not convert to ACE my_app\.com: .+/)],
    ['the API’s own', `DRYCC.${PLATFORM}`, 'This is a reserved domain'],
    ['one that is reserved', 'Keelson.Inner.TEST.', 'This is a reserved domain'],
    ['a wildcard that covers a reserved one', '*.inner.test', 'This is a reserved domain'],
    ['one further up that does', '*.test', 'This is a reserved domain'],
    ['a reserved one that an app would have by default', `www.${PLATFORM}`, 'This is a reserved domain'],
    ['what looks like ACE', 'ab--c.com.', expect.stringMatching(/^Hostname does not look valid, could not convert to ACE ab--c\.com: .+/)],
  ])('refuses %s', async (_what, domain, message) => {
    expect(outcome(await add(ada, domain))).toEqual([400, { domain: [message] }]);
    expect(await list()).toEqual([defaultDomain(app)]);
  });

  it('is undone when the cluster refuses it', async () => {
    // an app without a domain has no Ingress, and is not to get one
    expect((await remove(ada, defaultDomain(app))).status).toBe(204);
    const quota = { apiVersion: RESOURCE_QUOTA.apiVersion, kind: RESOURCE_QUOTA.kind, metadata: { name: 'no-ingress', namespace: app } };
    const cluster = clusterOf(keelson);
    const { metadata } = await cluster.create({ ...quota, spec: { hard: { 'count/ingresses.networking.k8s.io': '0' } } });
    const refused = await add(ada, 'www.example.com');
    expect(refused.status).toBe(400);
    expect(refused.json).toEqual({ detail: expect.stringContaining('quota') as string });
    expect(await list()).toEqual([]);

    await cluster.remove(RESOURCE_QUOTA, app, 'no-ingress', metadata.uid ?? '');
    // the API server may enforce it a little longer
    await eventually(async () => {
      expect((await add(ada, defaultDomain(app))).status).toBe(201);
    });
    expect(await routed()).toEqual([defaultDomain(app)]);
  });
});

describe('a domain in use', () => {
  it('is refused however it is written, to its own app too', async () => {
    expect((await add(ada, 'münchen.example')).status).toBe(201);
    const inUseAs = (written: string): object => ({ domain: [`The domain ${written} is already in use by another app`] });
    for (const [api, id] of [
      [ada, app],
      [linus, other],
    ] as const) {
      expect(outcome(await add(api, 'xn--mnchen-3ya.example', id))).toEqual([400, IN_USE]);
      expect(outcome(await add(api, 'XN--mnchen-3ya.Example.', id))).toEqual([400, IN_USE]);
      expect(outcome(await add(api, 'München.example', id))).toEqual([400, inUseAs('München.example')]);
    }
    expect(await list(other)).toEqual([defaultDomain(other)]);

    expect((await remove(ada, 'münchen.example')).status).toBe(204);
    expect((await add(linus, 'München.example', other)).status).toBe(201);
  });

  it('is free again when its app is destroyed', async () => {
    const id = newAppId('short');
    expect((await linus.post('/v2/apps', { id })).status).toBe(201);
    expect((await add(linus, 'short.example.com', id)).status).toBe(201);
    expect(outcome(await add(ada, 'short.example.com'))).toEqual([400, IN_USE]);
    expect((await linus.delete(`/v2/apps/${id}`)).status).toBe(204);
    expect((await add(ada, 'short.example.com')).status).toBe(201);
    expect((await add(ada, defaultDomain(id))).status).toBe(201);
  });

  it('goes to one alone of many apps that ask at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => [add(ada, 'race.example.com'), add(linus, 'RACE.example.com', other)]).flat(),
    );
    const won = answers.filter(({ status }) => status === 201);
    for (const answer of answers) if (answer.status !== 201) expect(outcome(answer)).toEqual([400, IN_USE]);
    expect(new Set(won.map(({ json }) => json.app)).size).toBe(1);
    const routes = [...(await routed(app)), ...(await routed(other))];
    expect(routes.filter((host) => host === 'race.example.com')).toHaveLength(1);
  });

  it('is joined by who repeats an addition that is not over, and by nobody else', async () => {
    const letGo = await holdEngine(database, app);
    const first = add(ada, 'slow.example.com');
    let second: Promise<Answer<Domain>>;
    try {
      await eventually(async () => {
        expect(await list()).toContain('slow.example.com');
      });
      expect(outcome(await add(grace, 'slow.example.com'))).toEqual([400, IN_USE]);
      expect(outcome(await add(linus, 'slow.example.com', other))).toEqual([400, IN_USE]);
      const joined = await ada.post(`/v2/apps/${app}/domains`, { domain: 'slow.example.com' }, { headers: { Prefer: 'respond-async' } });
      expect(joined.status).toBe(202);
      second = add(ada, 'slow.example.com');
    } finally {
      await letGo();
    }
    const answers = await Promise.all([first, second]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(answers[0].json).toEqual(answers[1].json);
    expect(await list()).toEqual([defaultDomain(app), 'slow.example.com']);
    expect(outcome(await add(ada, 'slow.example.com'))).toEqual([400, IN_USE]);
  });

  it('takes nothing from others that are added at the same time', async () => {
    const names = Array.from({ length: 8 }, (_, number) => `n${String(number)}.example.com`);
    const answers = await Promise.all(names.map((name) => add(ada, name)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect(await routed()).toEqual([defaultDomain(app), ...names].sort());
  });
});

describe('a default domain', () => {
  it('can be removed and had back, but by no other app', async () => {
    expect((await remove(ada, defaultDomain(app))).status).toBe(204);
    expect(await list()).toEqual([]);
    expect(await routed()).toEqual([]);
    expect(outcome(await add(linus, defaultDomain(app), other))).toEqual([400, IN_USE]);
    expect(outcome(await add(linus, defaultDomain(app).toUpperCase(), other))).toEqual([400, IN_USE]);
    expect((await add(ada, defaultDomain(app))).status).toBe(201);
    expect(await routed()).toEqual([defaultDomain(app)]);
    expect(outcome(await add(linus, defaultDomain(app), other))).toEqual([400, IN_USE]);
  });

  it('of an app that does not exist is a name like any other, which then keeps such an app from being made', async () => {
    const id = newAppId('later');
    expect((await add(ada, defaultDomain(id))).status).toBe(201);
    const taken = { id: [`The domain ${defaultDomain(id)} is already in use by another application`] };
    expect(outcome(await linus.post('/v2/apps', { id }))).toEqual([400, taken]);
    expect((await linus.get(`/v2/apps/${id}`)).status).toBe(404);
    expect((await remove(ada, defaultDomain(id))).status).toBe(204);
    expect((await linus.post('/v2/apps', { id })).status).toBe(201);
  });
});

describe('removing a domain', () => {
  it.each([
    ['münchen.example', 'xn--mnchen-3ya.example'],
    ['xn--mnchen-3ya.example', 'MÜNCHEN.example'],
    ['*.example.com', '*.example.com'],
    ['*.bücher.example', '*.xn--bcher-kva.example'],
    ['*.xn--bcher-kva.example', '*.Bücher.example'],
  ])('added as %s works as %s', async (added, removed) => {
    const { json } = await add(ada, added);
    const gone = await remove(ada, removed);
    expect([gone.status, gone.text]).toEqual([204, '']);
    expect(await list()).toEqual([defaultDomain(app)]);
    expect(await routed()).toEqual([defaultDomain(app)]);
    expect((await ada.get(`/v2/apps/${app}/logs`)).text).toContain(`domain ${json.domain} removed\n`);
  });

  it('takes the path with a slash at the end, and the wildcard as it is', async () => {
    await add(ada, '*.example.com');
    expect((await ada.delete(`/v2/apps/${app}/domains/*.example.com/`)).status).toBe(204);
    expect(await list()).toEqual([defaultDomain(app)]);
  });

  it('finds the very name of this very app alone', async () => {
    await add(ada, '*.example.com');
    await add(linus, 'www.example.org', other);
    for (const name of ['example.com', 'www.example.com', 'www.example.org', 'no_name', '-', `${'a'.repeat(64)}.com`, 'ü'.repeat(200)]) {
      expect([name, outcome(await remove(ada, name))]).toEqual([name, [404, noDomain]]);
    }
    expect(await list()).toEqual(['*.example.com', defaultDomain(app)]);
    expect(await list(other)).toEqual([defaultDomain(other), 'www.example.org']);
  });

  it('is for the owner and administrators', async () => {
    await add(grace, 'www.example.com');
    for (const api of [grace, linus]) expect(outcome(await remove(api, 'www.example.com'))).toEqual([403, forbidden]);
    expect(await list()).toContain('www.example.com');
    expect((await remove(root, 'www.example.com')).status).toBe(204);
  });

  it('happens once when asked for twice at once', async () => {
    await add(ada, 'www.example.com');
    const answers = await Promise.all([remove(ada, 'www.example.com'), remove(ada, 'www.example.com')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 404]);
  });
});

describe('listing domains', () => {
  it('is by name, in pages, at the same small cost', async () => {
    /** The least of several tries: what goes on in the background can only add to it. */
    const cost = async (): Promise<number> => {
      const costs: number[] = [];
      for (let attempt = 0; attempt < 3; attempt++) {
        keelson.statements.length = 0;
        await ada.get(`/v2/apps/${app}/domains`);
        costs.push(keelson.statements.length);
      }
      return Math.min(...costs);
    };
    const before = await cost();
    expect(before).toBeLessThanOrEqual(4);
    const names = ['a-b.example.com', 'a.b.example.com', 'ab.example.com', '*.example.com'];
    await Promise.all(names.map((name) => add(ada, name)));
    expect(await cost()).toBe(before);
    const sorted = ['*.example.com', 'a-b.example.com', 'a.b.example.com', 'ab.example.com', defaultDomain(app)];
    expect(await list()).toEqual(sorted);
    const { json } = await ada.get<Page>(`/v2/apps/${app}/domains?limit=2&offset=2`);
    expect(json).toMatchObject({
      count: 5,
      next: expect.stringMatching(/offset=4/) as string,
      previous: expect.stringMatching(/domains\?limit=2$/) as string,
    });
    expect(json.results.map(({ domain }) => domain)).toEqual(sorted.slice(2, 4));
    expect(outcome(await linus.get(`/v2/apps/${app}/domains`))).toEqual([403, forbidden]);
  });
});
