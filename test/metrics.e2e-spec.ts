import { CRASH_IMAGE, WEB_IMAGE } from './images.ts';
import { type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { scrape, sumOf } from './scrape.ts';
import { StreamReader } from './stream-reader.ts';

let keelson: Keelson;
let ada: Api;
const id = newAppId('measured');

beforeAll(async () => {
  keelson = await startKeelson({ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1' });
  ada = await keelson.register('ada-of-the-metrics');
  expect((await ada.post('/v2/apps', { id })).status).toBe(201);
  expect((await ada.post(`/v2/apps/${id}/config`, { values: { PASSPHRASE: 'correct-horse-battery' } })).status).toBe(201);
  expect((await ada.post(`/v2/apps/${id}/builds`, { image: WEB_IMAGE })).status).toBe(201);
});

afterAll(async () => {
  await destroyApps(ada);
  await keelson.stop();
});

it('answers anybody in the text format of Prometheus', async () => {
  const { status, headers, text } = await keelson.api.get('/metrics');
  expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  for (const line of text.split('\n').filter((each) => each !== ''))
    expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)*\})? (\S+))$/);
});

it('measures requests by the pattern of their route, and those without one together', async () => {
  const count = (labels: Record<string, string>): Promise<number> => sumOf(keelson, 'keelson_http_request_duration_seconds_count', labels);
  const before = await count({ route: 'none', method: 'GET', status: '404' });
  expect((await ada.get('/v2/nothing-of-the-kind')).status).toBe(404);
  expect((await ada.get(`/v2/apps/${id}/pods`)).status).toBe(200);
  // it counts once the last byte is sent
  await eventually(async () => {
    expect(await count({ route: 'none', method: 'GET', status: '404' })).toBe(before + 1);
    expect(await count({ route: '/v2/apps/:app/pods', method: 'GET', status: '200' })).toBe(1);
    expect(await count({ route: '/v2/apps/:app/builds', method: 'POST', status: '201' })).toBe(1);
  });
});

it('measures an answer too that goes on until its caller leaves', async () => {
  const reader = await StreamReader.open(ada, 'GET', `/v2/apps/${id}/events`);
  await reader.until(({ text }) => /^id: /m.test(text), 'its beginning');
  await reader.leave();
  await eventually(async () => {
    const labels = { route: '/v2/apps/:app/events', method: 'GET', status: '200' };
    expect(await sumOf(keelson, 'keelson_http_request_duration_seconds_count', labels)).toBe(1);
  });
});

it('counts each operation once, with what failed it', async () => {
  const total = (labels: Record<string, string>): Promise<number> => sumOf(keelson, 'keelson_operations_total', labels);
  const succeeded = await total({ kind: 'deploy', state: 'succeeded', cause: 'none' });
  expect(succeeded).toBeGreaterThan(0);
  expect((await ada.post(`/v2/apps/${id}/builds`, { image: CRASH_IMAGE })).status).toBe(400);
  const { json } = await ada.get<{ results: { state: string }[] }>(`/v2/apps/${id}/operations?limit=100`);
  await eventually(async () => {
    expect(await total({ state: 'failed' })).toBe(1);
    expect(await total({ kind: 'deploy', state: 'failed', cause: 'crash' })).toBe(1);
    expect(await total({})).toBe(json.results.filter(({ state }) => state !== 'pending' && state !== 'running').length);
  });
  expect(await sumOf(keelson, 'keelson_operation_duration_seconds_count', {})).toBe(await total({}));
});

it('measures calls to the cluster by verb and code, the age of the cache, and the queue', async () => {
  const calls = (verb: string, code: string): Promise<number> =>
    sumOf(keelson, 'keelson_cluster_call_duration_seconds_count', { verb, code });
  expect(await calls('patch', '201')).toBeGreaterThan(0);
  expect(await calls('list', '200')).toBeGreaterThan(0);
  expect(await calls('watch', '200')).toBeGreaterThan(0);
  expect(await calls('get', '404')).toBeGreaterThan(0);
  const samples = await scrape(keelson);
  expect(samples.filter(({ name }) => name === 'keelson_operation_queue_age_seconds')).toEqual([
    { name: 'keelson_operation_queue_age_seconds', labels: {}, value: expect.any(Number) as number },
  ]);
  const ages = samples.filter(({ name }) => name === 'keelson_cluster_cache_age_seconds');
  expect(ages.map(({ labels }) => labels.kind)).toEqual(expect.arrayContaining(['Pod', 'ReplicaSet', 'Deployment', 'Node']));
});

it('names no app, no user and no value in any label', async () => {
  const { text } = await keelson.api.get('/metrics');
  for (const name of [id, 'ada-of-the-metrics', 'PASSPHRASE', 'correct-horse', WEB_IMAGE]) expect(text).not.toContain(name);
});
