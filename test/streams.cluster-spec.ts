import { WEB_2_IMAGE, WEB_IMAGE } from './images.ts';
import { startKeelson, type Api, type Keelson } from './keelson.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { LogProxy } from './log-proxy.ts';
import { StreamReader } from './stream-reader.ts';
import { ownKubeconfig } from './test-cluster.ts';

let proxy: LogProxy;
let keelson: Keelson;
let ada: Api;

beforeAll(async () => {
  proxy = await LogProxy.start({ kubeconfig: ownKubeconfig ?? '' });
  keelson = await startKeelson({ KUBECONFIG: proxy.kubeconfig, KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '2' });
  ada = await keelson.register('ada');
});
afterAll(async () => {
  await destroyApps(ada);
  await keelson.stop();
  await proxy.stop();
});

/** Counts for ever, many lines in each second, some of them in pieces. */
const procfile = { counter: 'i=0; while :; do i=$((i+1)); printf "count "; echo "$i"; sleep 0.02; done' };

/** What each pod has counted, by its name in the log. */
function counted({ lines }: StreamReader): Map<string, number[]> {
  const counts = new Map<string, number[]>();
  for (const line of lines) {
    const [, source = '', number] = /^\S+ (\S+\[counter\.\S+\]): count (\d+)$/.exec(line) ?? [];
    if (number !== undefined) counts.set(source, [...(counts.get(source) ?? []), Number(number)]);
  }
  return counts;
}

const consecutive = (numbers: number[]): number[] => numbers.map((_, index) => (numbers[0] ?? 0) + index);

it('each line of a process that prints all the time comes once, over broken connections and a deploy', async () => {
  const app = newAppId('counter');
  expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
  expect((await ada.post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE, procfile })).status).toBe(201);
  expect((await ada.post(`/v2/apps/${app}/scale`, { counter: 2 })).status).toBe(204);
  const log = await StreamReader.open(ada, 'GET', `/v2/apps/${app}/logs?follow=true&log_lines=10`);
  const most = (): number => Math.max(0, ...[...counted(log).values()].map((numbers) => numbers.length));
  for (let cut = 0; cut < 5; cut += 1) {
    const before = most();
    await log.until(() => most() >= before + 50 && proxy.following >= 2);
    proxy.cut();
  }
  const old = new Set(counted(log).keys());
  expect(old.size).toBe(2);
  expect((await ada.post(`/v2/apps/${app}/builds`, { image: WEB_2_IMAGE, procfile })).status).toBe(201);
  await log.until((reader) => [...counted(reader)].filter(([source, { length }]) => !old.has(source) && length > 50).length === 2);
  for (const [source, numbers] of counted(log)) {
    expect({ source, numbers }).toEqual({ source, numbers: consecutive(numbers) });
    // a pod that comes is followed from its first line
    if (!old.has(source)) expect(numbers[0]).toBe(1);
  }
  expect(log.text).not.toContain('may be missing');
  await log.leave();
});
