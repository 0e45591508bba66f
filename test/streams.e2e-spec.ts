import { randomBytes } from 'node:crypto';
import { startSandbox, type Sandbox } from '../src/sandbox/sandbox.ts';
import { WEB_2_IMAGE, WEB_IMAGE } from './images.ts';
import { startKeelson, type Api, type Keelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { LogProxy } from './log-proxy.ts';
import { StreamReader } from './stream-reader.ts';
import { ownKubeconfig } from './test-cluster.ts';

/** What all replicas have. */
const shared = {
  DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
  ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
  KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1',
};
let sandbox: Sandbox | null;
let proxy: LogProxy;
let keelson: Keelson;
let ada: Api;

beforeAll(async () => {
  sandbox = ownKubeconfig ? null : await startSandbox({ port: 0 });
  proxy = await LogProxy.start(sandbox ? { url: sandbox.url } : { kubeconfig: ownKubeconfig ?? '' });
  keelson = await startKeelson({ ...shared, KUBECONFIG: proxy.kubeconfig });
  ada = await keelson.register('ada');
});

afterEach(() => StreamReader.leaveAll());

afterAll(async () => {
  await destroyApps(ada);
  await keelson.stop();
  await proxy.stop();
  await sandbox?.stop();
});

async function created(prefix: string): Promise<string> {
  const app = newAppId(prefix);
  expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
  return app;
}

async function deploy(app: string, image = WEB_IMAGE): Promise<void> {
  expect((await ada.post(`/v2/apps/${app}/builds`, { image })).status).toBe(201);
}

const follow = (app: string, query = '', by = ada): Promise<StreamReader> =>
  StreamReader.open(by, 'GET', `/v2/apps/${app}/logs?follow=true${query}`);

const listening = (app: string, release: string): RegExp =>
  new RegExp(`^\\S+ ${app}\\[cmd\\.${release}\\.[a-z0-9]{5}\\]: .*listening on .*5000`, 'm');

describe('a log that is followed', () => {
  it('goes on through a deploy, with the lines of the old pods and of the new ones, each once', async () => {
    const app = await created('follow');
    await deploy(app);
    const before = await ada.get(`/v2/apps/${app}/logs`);
    const log = await follow(app);
    expect(log.status).toBe(200);
    expect(log.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    await log.until(({ text }) => listening(app, 'v2').test(text));
    await deploy(app, WEB_2_IMAGE);
    await log.until(({ text }) => listening(app, 'v3').test(text));
    expect((await ada.post(`/v2/apps/${app}/run`, { command: 'echo one; echo two' })).status).toBe(200);
    await log.until(({ text }) => /\[run\..*\]: two\n/.test(text));
    expect(log.text.startsWith(before.text)).toBe(true);
    expect(log.lines.filter((line) => line.includes('listening on'))).toHaveLength(2);
    expect(log.lines.filter((line) => line.endsWith(`ada deployed ${WEB_2_IMAGE}`))).toHaveLength(1);
    expect(log.lines.filter((line) => /\[run\./.test(line)).map((line) => line.replace(/^.*\]: /, ''))).toEqual(['one', 'two']);
    expect(log.text).not.toContain('may be missing');
    await log.leave();
  });

  it('is taken up where it was when its connections to the cluster break', async () => {
    const app = await created('cut');
    await deploy(app);
    const log = await follow(app);
    await log.until(({ text }) => listening(app, 'v2').test(text) && proxy.following > 0);
    for (const count of [1, 2, 3]) {
      // the app's own process alone: of the run before, whose pod goes as it ends, the end of the log may not be read yet
      await eventually(async () => expect(await Promise.resolve(proxy.following)).toBe(1));
      expect(proxy.cut()).toBe(1);
      expect((await ada.post(`/v2/apps/${app}/run`, { command: `echo "after cut ${count}"; sleep 1` })).status).toBe(200);
      await log.until(({ text }) => text.includes(`]: after cut ${count}\n`));
    }
    await deploy(app, WEB_2_IMAGE);
    await log.until(({ text }) => listening(app, 'v3').test(text));
    expect(log.lines.filter((line) => line.includes('listening on'))).toHaveLength(2);
    for (const count of [1, 2, 3]) expect(log.lines.filter((line) => line.endsWith(`]: after cut ${count}`))).toHaveLength(1);
    expect(log.text).not.toContain('may be missing');
    await log.leave();
  });

  it('lets go of the cluster when its reader goes', async () => {
    const app = await created('leave');
    await deploy(app);
    await eventually(async () => expect(await Promise.resolve(proxy.following)).toBe(0));
    const logs = [await follow(app), await follow(app)] as const;
    await eventually(async () => expect(await Promise.resolve(proxy.following)).toBe(2));
    await logs[0].leave();
    await eventually(async () => expect(await Promise.resolve(proxy.following)).toBe(1));
    await logs[1].leave();
    await eventually(async () => expect(await Promise.resolve(proxy.following)).toBe(0));
  });

  it('holds no connection of the database', async () => {
    const app = await created('many');
    const logs = await Promise.all(Array.from({ length: 40 }, () => follow(app)));
    for (const log of logs) await log.until(({ text }) => text.includes('created initial release'));
    expect((await ada.post(`/v2/apps/${app}/config`, { values: { A: '1' } })).status).toBe(201);
    for (const log of logs) await log.until(({ text }) => text.includes('ada added A\n'));
    await Promise.all(logs.map((log) => log.leave()));
  });

  it('ends when the app is destroyed', async () => {
    const app = await created('gone');
    await deploy(app);
    const log = await follow(app);
    expect((await ada.delete(`/v2/apps/${app}`)).status).toBe(204);
    await log.end();
    expect(log.lines.at(-1)).toMatch(/./);
    expect(log.text).toContain('deleting environment\n');
    expect(log.text).not.toContain('may be missing');
  });

  it('begins with as many of its last lines as are asked for', async () => {
    const app = await created('last');
    expect((await ada.post(`/v2/apps/${app}/config`, { values: { A: '1' } })).status).toBe(201);
    const { text: end } = await ada.get(`/v2/apps/${app}/logs?log_lines=1`);
    const log = await follow(app, '&log_lines=1');
    await log.until(({ lines }) => lines.length > 0);
    expect((await ada.post(`/v2/apps/${app}/config`, { values: { B: '1' } })).status).toBe(201);
    await log.until(({ text }) => text.includes('ada added B\n'));
    expect(log.text.startsWith(end)).toBe(true);
    expect(log.text.match(/ updated\n/g)).toHaveLength(end.includes(' updated') ? 2 : 1);
    expect(log.text).not.toContain('created initial release');
    await log.leave();
  });

  it('ends when the right to the app does', async () => {
    const app = await created('right');
    const bob = await keelson.register('bob');
    expect((await ada.post(`/v2/apps/${app}/perms`, { username: 'bob' })).status).toBe(201);
    const logs = [await follow(app, '', bob), await follow(app)];
    for (const log of logs) await log.until(({ text }) => text.includes('created initial release'));
    expect((await ada.delete(`/v2/apps/${app}/perms/bob`)).status).toBe(204);
    await logs[0]?.end();
    expect(logs[1]?.ended).toBe(false);
    await logs[1]?.leave();
  });
});

/** Another replica of the same Keelson. */
const replica = (): Promise<Keelson> =>
  startKeelson({ ...shared, DATABASE_URL: keelson.settings.databaseUrl ?? '', KUBECONFIG: proxy.kubeconfig });

it('what one replica says is told to followers at another one', async () => {
  const second = await replica();
  const there = second.api.as(ada.token ?? '');
  const app = await created('replicas');
  const logs = [await follow(app), await follow(app, '', there)];
  expect((await there.post(`/v2/apps/${app}/config`, { values: { THERE: '1' } })).status).toBe(201);
  expect((await ada.post(`/v2/apps/${app}/config`, { values: { HERE: '1' } })).status).toBe(201);
  for (const log of logs) {
    await log.until(({ text }) => text.includes('ada added HERE\n'));
    for (const name of ['HERE', 'THERE']) expect(log.lines.filter((line) => line.endsWith(`ada added ${name}`))).toHaveLength(1);
    await log.leave();
  }
  await second.stop();
});

it('streams end with their replica, and do not hold up its end', async () => {
  const second = await replica();
  const there = second.api.as(ada.token ?? '');
  const app = await created('ending');
  await deploy(app);
  const log = await follow(app, '', there);
  await log.until(({ text }) => text.includes('listening on'));
  const run = await StreamReader.open(
    there,
    'POST',
    `/v2/apps/${app}/run`,
    { Accept: 'text/event-stream' },
    { command: 'sleep 5; echo on' },
  );
  await run.until(({ events }) => events.length > 0);
  await second.stop();
  // connections that hold up the end are cut: these were not
  await log.end();
  await run.end();
  expect(run.events.map(({ event }) => event)).toEqual(['run']);
  await eventually(async () => {
    const { json } = await ada.get(`/v2/apps/${app}/runs/${String(run.events[0]?.data.id)}`);
    expect(json).toMatchObject({ state: 'finished', exit_code: 0, output: 'on\n' });
  });
});

interface RunRow {
  id: string;
  state: string;
  exit_code: number | null;
  output: string | null;
  truncated: boolean;
}

describe('a one-off run', () => {
  let app: string;
  const eventStream = { Accept: 'text/event-stream' };
  const run = (command: string): Promise<StreamReader> => StreamReader.open(ada, 'POST', `/v2/apps/${app}/run`, eventStream, { command });
  const row = async (id: unknown): Promise<RunRow> => (await ada.get<RunRow>(`/v2/apps/${app}/runs/${String(id)}`)).json;
  const printed = ({ events }: StreamReader): string =>
    events
      .filter(({ event }) => event === 'output')
      .map(({ data }) => String(data.text))
      .join('');

  beforeAll(async () => {
    app = await created('runs');
    await deploy(app);
  });

  it('tells its id, what it prints as it prints it, and how it ended', async () => {
    const stream = await run('echo first; sleep 3; printf "second, ünïcode"; exit 3');
    expect(stream.status).toBe(200);
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    for (const name of ['drycc_api_version', 'drycc_platform_version', 'x-request-id']) expect(stream.headers.get(name)).not.toBeNull();
    expect(stream.headers.get('x-accel-buffering')).toBe('no');
    await stream.until(({ events }) => events.length > 0);
    const data = (stream.events[0]?.data ?? {}) as { id?: string };
    expect(stream.events[0]).toEqual({ event: 'run', data: { id: expect.any(String) as string } });
    if (ownKubeconfig) {
      // the sandbox's shell tells what was printed when it has ended
      await stream.until((reader) => printed(reader) === 'first\n');
      expect((await row(data.id)).state).toBe('running');
    }
    await stream.end();
    expect(stream.text).toMatch(/^:\n\n/);
    expect(printed(stream)).toBe('first\nsecond, ünïcode');
    expect(stream.events.at(-1)).toEqual({ event: 'exit', data: { exit_code: 3, state: 'finished', run: data.id } });
    expect(await row(data.id)).toMatchObject({ state: 'finished', exit_code: 3, output: 'first\nsecond, ünïcode', truncated: false });
  });

  it('ends with what is kept of its output, and says that the rest is cut', async () => {
    const stream = await run(
      'i=0; s=0123456789abcdef; while [ $i -lt 13 ]; do s="$s$s"; i=$((i+1)); done; i=0; while [ $i -lt 9 ]; do echo "$s"; i=$((i+1)); done',
    );
    await stream.end();
    const { output, truncated } = await row(stream.events[0]?.data.id);
    expect(truncated).toBe(true);
    expect(printed(stream)).toBe(output);
    expect(output?.endsWith('[the output is cut here: only its first MiB is kept]\n')).toBe(true);
  });

  it('goes on when its stream is left, and keeps its result', async () => {
    const stream = await run('sleep 3; echo finished; exit 4');
    await stream.until(({ events }) => events.length > 0);
    await stream.leave();
    const id = stream.events[0]?.data.id;
    expect(['pending', 'running']).toContain((await row(id)).state);
    await eventually(async () => {
      expect(await row(id)).toMatchObject({ state: 'finished', exit_code: 4, output: 'finished\n', truncated: false });
    });
    expect(stream.events.map(({ event }) => event)).toEqual(['run']);
  });

  it('is refused as ever before its stream begins', async () => {
    const none = await ada.post(`/v2/apps/${app}/run`, {}, { headers: eventStream });
    expect(none).toMatchObject({ status: 400, json: { detail: 'command is a required field' } });
    const eve = await keelson.register('eve');
    expect((await eve.post(`/v2/apps/${app}/run`, { command: 'true' }, { headers: eventStream })).status).toBe(403);
    expect((await eve.get(`/v2/apps/${app}/logs?follow=true`)).status).toBe(403);
  });

  it('that nobody wants to wait for is answered at once, with where it is', async () => {
    const answer = await ada.post<RunRow>(
      `/v2/apps/${app}/run`,
      { command: 'sleep 2; echo later' },
      { headers: { Prefer: 'respond-async' } },
    );
    expect(answer.status).toBe(202);
    expect(answer.headers.get('preference-applied')).toBe('respond-async');
    expect(answer.headers.get('location')).toBe(`/v2/apps/${app}/runs/${answer.json.id}`);
    expect(answer.json).toMatchObject({ state: expect.stringMatching(/^(pending|running)$/) as string, output: null });
    await eventually(async () => {
      const { json } = await ada.get(answer.headers.get('location') ?? '');
      expect(json).toMatchObject({ state: 'finished', exit_code: 0, output: 'later\n' });
    });
  });

  it('that fails to start says why in its stream', async () => {
    expect((await ada.post(`/v2/apps/${app}/config`, { values: { DRYCC_DEPLOY_TIMEOUT: '4' }, memory: { run: '9000G' } })).status).toBe(
      201,
    );
    const stream = await run('echo hi');
    await stream.end();
    expect(printed(stream)).toMatch(/nsufficient memory/);
    expect(stream.events.at(-1)).toMatchObject({ event: 'exit', data: { exit_code: 1, state: 'timed_out' } });
  });
});
