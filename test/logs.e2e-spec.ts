import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DataSource } from 'typeorm';
import { Cluster } from '../src/kubernetes/cluster.ts';
import { OutOfReach } from '../src/kubernetes/cluster-errors.ts';
import { holdEngine } from './hold.ts';
import { MISSING_IMAGE, WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, newAppId } from './live-app.ts';

jest.setTimeout(300_000);

describe('the log of an app', () => {
  const app = newAppId('logs');
  let keelson: Keelson;
  let ada: Api;

  const log = (query = '', headers: Record<string, string> = {}): Promise<Answer> => ada.get(`/v2/apps/${app}/logs${query}`, { headers });
  const lines = async (query = ''): Promise<string[]> => {
    const { status, text } = await log(query);
    expect(status).toBe(200);
    expect(text.endsWith('\n')).toBe(true);
    return text.slice(0, -1).split('\n');
  };

  beforeAll(async () => {
    // a registry that can't be reached is given all of the time that there is
    keelson = await startKeelson({ DRYCC_DEPLOY_TIMEOUT: '30' });
    ada = await keelson.register('ada');
    expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
  });
  afterAll(async () => {
    await destroyApps(ada);
    await keelson.stop();
  });

  it('begins with the words of Keelson itself', async () => {
    const { status, headers, text } = await log();
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^text\/plain\b/);
    expect(text).toMatch(/^\d\d:\d\d:\d\d drycc\[api\]: ada created initial release\n$/);
  });

  it('has what the pods print beside what Keelson says, oldest first', async () => {
    expect((await ada.post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE })).status).toBe(201);
    await eventually(async () => {
      const all = await lines();
      expect(all).toContainEqual(
        expect.stringMatching(new RegExp(`^\\d\\d:\\d\\d:\\d\\d ${app}\\[cmd\\.v2\\.[a-z0-9]{5}\\]: .*listening on .*5000`)),
      );
      expect(all).toContainEqual(expect.stringMatching(/ drycc\[api\]: ada deployed local\/web:1$/));
      for (const line of all) expect(line).toMatch(/^\d\d:\d\d:\d\d (drycc\[api\]|\S+\[cmd\.v2\.[a-z0-9]{5}\]): /);
      const printed = all.findIndex((line) => line.includes('listening on'));
      expect(printed).toBeGreaterThan(all.findIndex((line) => line.endsWith('ada created initial release')));
    });
  });

  it('has one line for each line of a message', async () => {
    expect((await ada.post(`/v2/apps/${app}/run`, { command: 'echo one\necho two' })).status).toBe(200);
    const all = await lines();
    const first = all.findIndex((line) => line.endsWith("runs 'echo one"));
    expect(all[first + 1]).toMatch(/^\d\d:\d\d:\d\d drycc\[api\]: echo two'$/);
  });

  it('gives as many of its last lines as are asked for', async () => {
    // without pods, so that nothing is printed meanwhile
    expect((await ada.post(`/v2/apps/${app}/scale`, { cmd: 0 })).status).toBe(204);
    const all = await eventually(async () => {
      const found = await lines('?log_lines=1000');
      expect(found.filter((line) => !line.includes(' drycc[api]: '))).toEqual([]);
      return found;
    });
    expect(all.length).toBeGreaterThan(3);
    expect(await lines('?log_lines=1')).toEqual(all.slice(-1));
    expect(await lines('?log_lines=3')).toEqual(all.slice(-3));
    for (const query of [
      '',
      '?log_lines=',
      '?log_lines=0',
      '?log_lines=-5',
      '?log_lines=x',
      '?log_lines=1.5',
      '?log_lines=99999999999',
      '?log_lines=1&log_lines=2',
    ]) {
      expect(await lines(query)).toEqual(all);
    }
  });

  it('is a JSON string for who prefers that', async () => {
    const { text } = await log();
    const json = await log('', { Accept: 'application/json' });
    expect(json.headers.get('content-type')).toMatch(/^application\/json\b/);
    expect(json.json).toBe(text);
    expect((await log('', { Accept: 'text/plain, application/json;q=0.5' })).text).toBe(text);
  });

  it('says so when the pods are out of reach, and still has the rest', async () => {
    expect((await ada.post(`/v2/apps/${app}/scale`, { cmd: 1 })).status).toBe(204);
    const readLog = jest.spyOn(keelson.app.get(Cluster), 'readLog').mockImplementation(() => {
      throw new OutOfReach('connection refused');
    });
    try {
      const all = await lines();
      expect(all[0]).toMatch(/ drycc\[api\]: ada created initial release$/);
      expect(all.at(-1)).toMatch(new RegExp(` drycc\\[api\\]: the log of ${app}-cmd-\\S+ is out of reach: connection refused$`));
    } finally {
      readLog.mockRestore();
    }
  });

  it('of long lines has the last that there is room for, and says so', async () => {
    async function* printed(): AsyncGenerator<string> {
      for (let number = 1; number <= 3000; number++) {
        yield await Promise.resolve(`2100-01-01T00:00:00.${String(number).padStart(9, '0')}Z ${'x'.repeat(10_000)} ${String(number)}\n`);
      }
    }
    const readLog = jest.spyOn(keelson.app.get(Cluster), 'readLog').mockImplementation(printed);
    try {
      const all = await lines('?log_lines=10000');
      expect(all.join('\n').length).toBeLessThan(4.5 * 1024 * 1024);
      expect(all[0]).toMatch(/ drycc\[api\]: earlier lines are left out here: an answer has 4 MiB of lines at most$/);
      expect(all.at(-1)).toMatch(/x 3000$/);
      expect(all.length).toBeGreaterThan(300);
      expect((await lines('?log_lines=3')).map((line) => line.slice(-6))).toEqual(['x 2998', 'x 2999', 'x 3000']);
    } finally {
      readLog.mockRestore();
    }
  });

  it('tells what was done to the app, by whom, and what came of it', async () => {
    const id = newAppId('told');
    const post = (what: string, body: unknown): Promise<Answer> => ada.post(`/v2/apps/${id}/${what}`, body);
    const said = async (): Promise<string[]> => {
      const { text } = await ada.get(`/v2/apps/${id}/logs?log_lines=1000`);
      return text.split('\n').flatMap((line) => / drycc\[api\]: (.*)$/.exec(line)?.[1] ?? []);
    };
    expect((await ada.post('/v2/apps', { id })).status).toBe(201);
    const config = await post('config', { values: { GREETING: 'hello' } });
    const build = await post('builds', { image: WEB_IMAGE });
    expect([config.status, build.status]).toEqual([201, 201]);
    expect((await post('scale', { cmd: 2 })).status).toBe(204);
    expect((await post('run', { command: 'true' })).status).toBe(200);
    const failed = await post('builds', { image: MISSING_IMAGE });
    expect(failed.status).toBe(400);
    expect((await post('releases/rollback', { version: 2 })).status).toBe(201);
    const short = ({ json }: Answer): string => String(json.uuid).slice(0, 7);
    expect(await said()).toEqual(
      expect.arrayContaining([
        'ada created initial release',
        `config ${id}-${short(config)} updated`,
        'ada added GREETING',
        `build ${id}-${short(build)} created`,
        `ada deployed ${WEB_IMAGE}`,
        'ada scaled pods cmd=2',
        expect.stringMatching(new RegExp(`^ada on ${id}-run-\\S+ runs 'true'$`)),
        `ada deployed ${MISSING_IMAGE}`,
        ...String(failed.json.detail).split('\n'),
        'ada rolled back to v2',
      ]),
    );
    expect(failed.json.detail).toMatch(/^\(app::deploy\): There was a problem deploying v4\./);
    const letGo = await holdEngine(keelson.app.get(DataSource), id);
    const destroyed = ada.delete(`/v2/apps/${id}`);
    await eventually(async () => {
      expect((await said()).at(-1)).toBe('deleting environment');
    });
    await letGo();
    expect((await destroyed).status).toBe(204);
  });

  it('is nothing to strangers', async () => {
    const eve = await keelson.register('eve');
    expect((await eve.get(`/v2/apps/${app}/logs`)).status).toBe(403);
    expect((await keelson.api.get(`/v2/apps/${app}/logs`)).status).toBe(401);
  });
});

describe('with a log aggregator', () => {
  const app = newAppId('logger');
  let keelson: Keelson;
  let ada: Api;
  let aggregator: Server;
  let asked: string[] = [];
  let answers: { status: number; body?: string }[] = [];

  beforeAll(async () => {
    aggregator = createServer((request, response) => {
      asked.push(request.url ?? '');
      const { status, body } = answers.shift() ?? { status: 200, body: 'whatever is in it\n' };
      response.writeHead(status).end(body);
    });
    await new Promise<void>((resolve) => aggregator.listen(0, '127.0.0.1', resolve));
    keelson = await startKeelson({
      DRYCC_LOGGER_SERVICE_HOST: '127.0.0.1',
      DRYCC_LOGGER_SERVICE_PORT_HTTP: String((aggregator.address() as AddressInfo).port),
    });
    ada = await keelson.register('ada');
    expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
  });
  afterAll(async () => {
    await destroyApps(ada);
    await keelson.stop();
    aggregator.close();
  });
  beforeEach(() => {
    asked = [];
    answers = [];
  });

  const log = (query = ''): Promise<Answer> => ada.get(`/v2/apps/${app}/logs${query}`);

  it('its lines are handed on', async () => {
    expect(await log()).toMatchObject({ status: 200, text: 'whatever is in it\n' });
    await log('?log_lines=7');
    expect(asked).toEqual([`/logs/${app}?log_lines=100`, `/logs/${app}?log_lines=7`]);
  });

  it.each([204, 404])('its %i means that there are none', async (status) => {
    answers = [{ status }];
    expect(await log()).toMatchObject({ status: 204, text: '' });
    expect(asked).toHaveLength(1);
  });

  it('it is asked again when it fails, three times at most', async () => {
    answers = [{ status: 500 }, { status: 502 }];
    expect(await log()).toMatchObject({ status: 200, text: 'whatever is in it\n' });
    expect(asked).toHaveLength(3);
    answers = [{ status: 500 }, { status: 500 }, { status: 500 }];
    const failed = await log();
    expect(failed).toMatchObject({ status: 500, text: `Error accessing logs for ${app}` });
    expect(failed.headers.get('content-type')).toMatch(/^text\/plain\b/);
    expect(asked).toHaveLength(6);
  });
});
