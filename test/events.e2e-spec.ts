import { DataSource } from 'typeorm';
import { App } from '../src/apps/app.entity.ts';
import { AppEvents } from '../src/events/app-events.ts';
import { Sweeper } from '../src/database/sweeper.ts';
import { Documentation } from './openapi.ts';
import { issue } from './certificates.ts';
import { holding } from './hold.ts';
import { CRASH_IMAGE, WEB_IMAGE } from './images.ts';
import { Api, type Answer, type Keelson, startKeelson } from './keelson.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { startReplicas, type Replica, type Replicas } from './replicas.ts';
import { StreamReader } from './stream-reader.ts';

/** One event as it was sent. */
interface Told {
  id: number;
  event: string;
  data: Record<string, unknown>;
}

const eventsPath = (app: string): string => `/v2/apps/${app}/events`;

function follow(api: Api, app: string, lastEventId?: number): Promise<StreamReader> {
  return StreamReader.open(api, 'GET', eventsPath(app), lastEventId === undefined ? {} : { 'Last-Event-ID': String(lastEventId) });
}

const fieldOf = (block: string, name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';

const blocksOf = ({ text }: StreamReader): string[] => text.split('\n\n').slice(0, -1);

function told(reader: StreamReader): Told[] {
  return blocksOf(reader)
    .filter((block) => block.includes('event: '))
    .map((block) => ({
      id: Number(fieldOf(block, 'id')),
      event: fieldOf(block, 'event'),
      data: JSON.parse(fieldOf(block, 'data')) as Record<string, unknown>,
    }));
}

/** Those that are kept, and numbered. */
const kept = (reader: StreamReader): Told[] => told(reader).filter(({ event }) => event !== 'pod');

const ids = (reader: StreamReader): number[] => kept(reader).map(({ id }) => id);

/** The numbers from the first one on, so many. */
const rising = (first: number, count: number): number[] => Array.from({ length: count }, (_, index) => first + index);

/** What a reader is to begin with: the number that he is at. */
function beginsAt(reader: StreamReader): number {
  const mark = blocksOf(reader).find((block) => block.startsWith('id: ') && !block.includes('\n'));
  return Number(mark?.slice('id: '.length));
}

async function opened(reader: StreamReader): Promise<StreamReader> {
  expect([reader.status, reader.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  await reader.until(({ text }) => /^id: \d+$/m.test(text), 'where it begins');
  return reader;
}

/** Until an event was told. @returns it */
async function toldOf(reader: StreamReader, event: string, data: Record<string, unknown>): Promise<Told> {
  const find = (): Told | undefined =>
    told(reader).find((one) => one.event === event && Object.entries(data).every(([name, value]) => one.data[name] === value));
  await reader.until(() => find() !== undefined, `${event} ${JSON.stringify(data)}`);
  return find() ?? { id: 0, event, data };
}

describe('events of an app', () => {
  let keelson: Keelson;
  let database: DataSource;
  let ada: Api;
  let bob: Api;
  const readers: StreamReader[] = [];

  const reading = async (app: string, lastEventId?: number, api = ada): Promise<StreamReader> => {
    const reader = await follow(api, app, lastEventId);
    readers.push(reader);
    return opened(reader);
  };
  const newApp = async (prefix: string): Promise<string> => {
    const id = newAppId(prefix);
    await made(ada.post('/v2/apps', { id }));
    return id;
  };
  const made = async (answer: Promise<Answer>): Promise<void> => {
    const { status, text } = await answer;
    expect([status, text]).toEqual([201, expect.anything()]);
  };
  const uuidOf = async (id: string): Promise<string> => (await database.manager.findOneByOrFail(App, { id })).uuid;
  /** Everything that was ever told of the app. */
  const all = async (app: string): Promise<StreamReader> => {
    const { last } = (await keelson.app.get(AppEvents).bounds(database.manager, await uuidOf(app))) ?? { last: 0 };
    const reader = await reading(app, 0);
    await reader.until(() => ids(reader).at(-1) === last);
    return reader;
  };

  beforeAll(async () => {
    keelson = await startKeelson({ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1', DRYCC_DEPLOY_TIMEOUT: '60' });
    database = keelson.app.get(DataSource);
    ada = await keelson.register('ada');
    bob = await keelson.register('bob');
  }, 120_000);

  afterEach(async () => {
    await Promise.all(readers.splice(0).map((reader) => reader.leave()));
  });

  afterAll(async () => {
    await destroyApps(ada);
    await keelson.stop();
  }, 300_000);

  it('tell a deploy in order, with numbers that rise by one, and its pods with the number before them', async () => {
    const app = await newApp('deploy');
    const reader = await reading(app);
    const start = beginsAt(reader);
    expect(start).toBeGreaterThan(0);

    await made(ada.post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE }));
    await toldOf(reader, 'operation', { kind: 'deploy', state: 'succeeded' });
    await toldOf(reader, 'pod', { state: 'up' });

    expect(ids(reader)).toEqual(rising(start + 1, ids(reader).length));
    const steps = kept(reader).map(({ event, data: { state, step } }) =>
      [event, state, step].filter((word) => typeof word === 'string').join(' '),
    );
    expect([...new Set(steps)]).toEqual([
      'release pending',
      'operation pending',
      'operation running claimed',
      'operation running waiting',
      'release succeeded',
      'scale',
      'operation succeeded done',
    ]);
    expect(kept(reader).find(({ event }) => event === 'scale')?.data).toEqual({ by: null, types: { cmd: { count: 1, stopped: false } } });
    expect(kept(reader).find(({ event }) => event === 'release')?.data).toEqual({
      version: 2,
      state: 'pending',
      summary: expect.stringContaining('ada deployed') as string,
      owner: 'ada',
      exception: null,
    });
    let before = start;
    for (const { id, event } of told(reader)) {
      expect([event, id]).toEqual([event, event === 'pod' ? before : before + 1]);
      before = id;
    }
    expect(told(reader).find(({ event }) => event === 'pod')?.data).toMatchObject({ type: 'cmd', release: 'v2' });
  }, 300_000);

  it('go on after any number, each exactly once', async () => {
    const app = await newApp('resume');
    for (const name of ['ONE', 'TWO', 'THREE']) await made(ada.post(`/v2/apps/${app}/config`, { values: { [name]: 'set' } }));
    const whole = await all(app);
    expect(ids(whole)).toEqual(rising(1, ids(whole).length));
    const middle = ids(whole).length - 3;
    const rest = await reading(app, middle);
    expect(beginsAt(rest)).toBe(middle);
    await made(ada.post(`/v2/apps/${app}/config`, { values: { FOUR: 'set' } }));
    await toldOf(rest, 'config', { release: 5 });
    await toldOf(whole, 'config', { release: 5 });
    expect(kept(rest)).toEqual(kept(whole).filter(({ id }) => id > middle));
    expect(ids(rest)).toEqual(rising(middle + 1, ids(rest).length));
  }, 120_000);

  it('are refused with words where Last-Event-ID is no number, too old or too new', async () => {
    const app = await newApp('bounds');
    await made(ada.post(`/v2/apps/${app}/config`, { values: { KEY: 'set' } }));
    const asked = (lastEventId: string): Promise<Answer> => ada.get(eventsPath(app), { headers: { 'Last-Event-ID': lastEventId } });
    for (const wrong of ['x', '-1', '1.5', '1e3']) {
      expect(await asked(wrong)).toMatchObject({ status: 400, json: { detail: expect.stringContaining('number') as string } });
    }
    expect(await asked('100000')).toMatchObject({
      status: 410,
      json: { detail: expect.stringContaining('has had no event 100000') as string },
    });
    expect((await asked('0')).status).toBe(200);

    const last = ids(await all(app)).length;
    await database.query(`UPDATE app_events SET at = now() - interval '8 days' WHERE app_uuid = $1 AND id <= 2`, [await uuidOf(app)]);
    await keelson.app.get(Sweeper).sweep();
    expect(await asked('1')).toMatchObject({ status: 410, json: { detail: expect.stringContaining('kept') as string } });
    const reader = await reading(app, 2);
    await reader.until(() => ids(reader).at(-1) === last);
    expect(ids(reader)).toEqual(rising(3, last - 2));

    await database.query(`UPDATE app_events SET at = now() - interval '8 days' WHERE app_uuid = $1`, [await uuidOf(app)]);
    await keelson.app.get(Sweeper).sweep();
    expect((await asked(String(last - 1))).status).toBe(410);
    expect(beginsAt(await reading(app, last))).toBe(last);
    expect(beginsAt(await reading(app))).toBe(last);
  }, 120_000);

  it('tell what people do to an app, and who, and no secret', async () => {
    const app = await newApp('secrets');
    const canary = 'canary-1f9c3b7e';
    const domain = `www.${app}.example.com`;
    await made(ada.post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE }));
    const reader = await all(app);
    await made(
      ada.post(`/v2/apps/${app}/config`, {
        values: { TOKEN: canary, PORT: '5000' },
        registry: { username: `${canary}-user`, password: `${canary}-password` },
        lifecycle_post_start: { cmd: `echo ${canary}` },
      }),
    );
    await made(ada.post(`/v2/apps/${app}/config`, { values: { TOKEN: null, OTHER: `${canary}-other` } }));
    expect((await ada.post(`/v2/apps/${app}/scale`, { cmd: 2 })).status).toBe(204);
    await made(ada.post(`/v2/apps/${app}/domains`, { domain }));
    const certificate = await issue({ names: [domain] });
    await made(ada.post('/v2/certs', { name: app, ...certificate }));
    await made(ada.post(`/v2/certs/${app}/domain`, { domain }));
    expect((await ada.delete(`/v2/certs/${app}/domain/${domain}`)).status).toBe(204);
    expect((await ada.delete(`/v2/apps/${app}/domains/${domain}`)).status).toBe(204);
    await made(ada.post(`/v2/apps/${app}/perms`, { username: 'bob' }));
    expect((await ada.delete(`/v2/apps/${app}/perms/bob`)).status).toBe(204);
    const failed = await ada.post<{ detail: string }>(`/v2/apps/${app}/builds`, { image: CRASH_IMAGE });
    expect(failed.status).toBe(400);
    await toldOf(reader, 'operation', { kind: 'deploy', state: 'failed' });

    const of = (event: string): unknown[] => told(reader).flatMap((one) => (one.event === event ? [one.data] : []));
    expect(of('config')).toEqual([
      { by: 'ada', release: 3, set: ['PORT', 'TOKEN'], unset: [], changed: ['registry', 'lifecycle_post_start'] },
      { by: 'ada', release: 4, set: ['OTHER'], unset: ['TOKEN'], changed: [] },
    ]);
    expect(of('scale')).toContainEqual({ by: 'ada', types: { cmd: { count: 2, stopped: false } } });
    expect(of('domain')).toEqual([
      { by: 'ada', action: 'added', domain },
      { by: 'ada', action: 'removed', domain },
    ]);
    expect(of('cert')).toEqual([
      { by: 'ada', action: 'attached', cert: app, domain },
      { by: 'ada', action: 'detached', cert: app, domain },
    ]);
    expect(of('perms')).toEqual([
      { by: 'ada', action: 'granted', username: 'bob' },
      { by: 'ada', action: 'revoked', username: 'bob' },
    ]);
    expect(of('release').at(-1)).toMatchObject({ version: 5, state: 'failed', exception: expect.stringContaining('cmd') as string });
    expect(of('operation').at(-1)).toMatchObject({ state: 'failed', release: 5, cause: { class: 'crash' } });
    expect(reader.text).not.toContain(canary);
    const [key] = /-----BEGIN[^-]*KEY-----\n([^\n]{20})/.exec(JSON.stringify(certificate).replaceAll('\\n', '\n'))?.slice(1) ?? [];
    expect(key).toHaveLength(20);
    expect(reader.text).not.toContain(key);
    // and at rest nothing is in clear
    const [{ clear }] = await database.query<[{ clear: string }]>(`SELECT count(*) AS clear FROM app_events WHERE data NOT LIKE 'v1.%'`);
    expect(clear).toBe('0');
  }, 600_000);

  it('come each once and in order from 30 writers at once', async () => {
    const app = await newApp('writers');
    const reader = await reading(app);
    const start = beginsAt(reader);
    const names = Array.from({ length: 30 }, (_, index) => `KEY_${String(index)}`);
    const late: Promise<StreamReader>[] = [];
    const writes = names.map(async (name, index) => {
      const answer = await ada.post(`/v2/apps/${app}/config`, { values: { [name]: 'set' } });
      if (index % 10 === 0) late.push(reading(app, start));
      return answer.status;
    });
    expect(await Promise.all(writes)).toEqual(Array<number>(30).fill(201));
    for (const each of [reader, ...(await Promise.all(late))]) {
      await each.until(() => kept(each).filter(({ event }) => event === 'config').length === 30);
      expect(ids(each)).toEqual(rising(start + 1, ids(each).length));
      expect(
        kept(each)
          .flatMap(({ event, data }) => (event === 'config' ? (data.set as string[]) : []))
          .sort(),
      ).toEqual([...names].sort());
      expect(kept(each)).toEqual(kept(reader).slice(0, kept(each).length));
    }
  }, 300_000);

  it('get their numbers as they are committed, not as they are written, and nobody waits for who writes', async () => {
    const app = await newApp('order');
    const uuid = await uuidOf(app);
    const events = keelson.app.get(AppEvents);
    const reader = await reading(app);
    const start = beginsAt(reader);
    const told = (username: string) => ({ by: 'ada', action: 'granted', username }) as const;
    await holding(
      database,
      async (tx) => {
        // as who changes the app
        await tx.query('SELECT FROM apps WHERE uuid = $1 FOR UPDATE', [uuid]);
        await events.write(tx, uuid, 'perms', told('first'));
      },
      async (commit) => {
        await events.write(database.manager, uuid, 'perms', told('second'));
        await toldOf(reader, 'perms', { username: 'second' });
        await commit();
        await toldOf(reader, 'perms', { username: 'first' });
      },
    );
    expect(kept(reader).map(({ id, data }) => [id, data.username])).toEqual([
      [start + 1, 'second'],
      [start + 2, 'first'],
    ]);
    // what is undone takes no number
    await expect(
      database.transaction(async (tx) => {
        await events.write(tx, uuid, 'perms', told('never'));
        throw new Error('undone');
      }),
    ).rejects.toThrow('undone');
    await events.write(database.manager, uuid, 'perms', told('third'));
    expect((await toldOf(reader, 'perms', { username: 'third' })).id).toBe(start + 3);
  }, 120_000);

  it('end for who loses the app, at once and without what happens from then on', async () => {
    const app = await newApp('revoked');
    await made(ada.post(`/v2/apps/${app}/perms`, { username: 'bob' }));
    const [his, hers] = [await reading(app, undefined, bob), await reading(app)];
    await made(ada.post(`/v2/apps/${app}/config`, { values: { BEFORE: 'set' } }));
    await toldOf(his, 'config', { release: 2 });
    expect((await ada.delete(`/v2/apps/${app}/perms/bob`)).status).toBe(204);
    await made(ada.post(`/v2/apps/${app}/config`, { values: { AFTER: 'set' } }));
    await his.end();
    await toldOf(hers, 'config', { release: 3 });
    expect(his.text).not.toContain('revoked');
    expect(his.text).not.toContain('AFTER');
    expect(hers.ended).toBe(false);
    expect((await follow(bob, app)).status).toBe(403);
  }, 120_000);

  it('end with the app, whose last operation they tell', async () => {
    const app = await newApp('gone');
    const reader = await reading(app);
    expect((await ada.delete(`/v2/apps/${app}`)).status).toBe(204);
    await reader.end();
    expect(kept(reader).at(-1)).toMatchObject({ event: 'operation', data: { kind: 'destroy', state: 'succeeded' } });
    expect(ids(reader)).toEqual(rising(beginsAt(reader) + 1, ids(reader).length));
    const [{ count }] = await database.query<[{ count: string }]>(
      'SELECT count(*) AS count FROM app_events WHERE NOT EXISTS (SELECT FROM apps WHERE uuid = app_uuid)',
    );
    expect(count).toBe('0');
    expect((await follow(ada, app)).status).toBe(404);
  }, 120_000);

  it('are silent but for signs of life while nothing happens', async () => {
    const reader = await reading(await newApp('silent'));
    await reader.until(() => blocksOf(reader).filter((block) => block === ':').length >= 2, 'a sign of life');
    expect(told(reader)).toEqual([]);
  }, 120_000);
});

describe('events of an app, of two replicas', () => {
  let replicas: Replicas;
  let one: Replica;
  let other: Replica;
  let documentation: Documentation;
  let token = '';
  const app = newAppId('events');
  const as = ({ base }: Replica): Api => new Api(base, documentation, token);

  beforeAll(async () => {
    replicas = await startReplicas(['one', 'other'], { KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1' });
    [one, other] = replicas.all as [Replica, Replica];
    documentation = new Documentation((await (await fetch(`${one.base}/openapi.json`)).json()) as Documentation['document']);
    // the replicas' first administrator
    const user = { username: 'ada', password: 'opensesame' };
    token = (await as(one).post<{ token: string }>('/v2/auth/login', user)).json.token;
    expect((await as(one).post('/v2/apps', { id: app })).status).toBe(201);
  }, 300_000);

  afterAll(async () => {
    await destroyApps(as(one));
    await replicas.stop();
  }, 300_000);

  it('are told at each, go on at the other, and after a restart', async () => {
    const set = async (replica: Replica, name: string): Promise<void> => {
      expect((await as(replica).post(`/v2/apps/${app}/config`, { values: { [name]: 'set' } })).status).toBe(201);
    };
    const first = await opened(await follow(as(one), app));
    const start = beginsAt(first);
    await set(other, 'ONE');
    await set(one, 'TWO');
    await toldOf(first, 'config', { release: 3 });
    const at = ids(first).at(-1) ?? 0;
    await first.leave();

    await set(one, 'THREE');
    const second = await opened(await follow(as(other), app, at));
    await toldOf(second, 'config', { release: 4 });
    await other.process().end('SIGTERM');
    await second.leave();
    await set(one, 'FOUR');
    await other.start();
    const third = await opened(await follow(as(other), app, ids(second).at(-1)));
    await toldOf(third, 'config', { release: 5 });
    await third.leave();

    const seen = [first, second, third].flatMap(ids);
    expect(seen).toEqual(rising(start + 1, seen.length));
    const configs = [first, second, third].flatMap(kept).filter(({ event }) => event === 'config');
    expect(configs.map(({ data }) => data.set)).toEqual([['ONE'], ['TWO'], ['THREE'], ['FOUR']]);
  }, 300_000);
});
