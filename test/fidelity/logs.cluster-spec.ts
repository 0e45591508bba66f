import { setTimeout as pause } from 'node:timers/promises';
import { newNamespace, startSides, type Answer, type ClusterSide, type ClusterSides, type Json } from './cluster-sides.ts';

/** Logs of containers, with everything that can be asked of them. */

const namespace = newNamespace('logs');
const pods = `/api/v1/namespaces/${namespace}/pods`;

let sides: ClusterSides;

const script = (text: string): Json => ({ command: ['sh', '-c', text] });

const pod = (name: string, container: Json, spec: Json = {}): Json => ({
  metadata: { name },
  spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'local/web:1', ...container }], ...spec },
});

beforeAll(async () => {
  sides = await startSides();
  await Promise.all(
    sides.both.map(async (side) => {
      await side.makeNamespace(namespace);
      const bodies = [
        pod('said', script('echo one; echo two; echo three; exit 3'), { restartPolicy: 'Never' }),
        pod('crash', script('echo words; exit 1')),
        pod('web', {}),
        pod('nowhere', {}, { nodeSelector: { nope: '1' } }),
        pod('unpulled', { image: 'registry.invalid/web:1' }),
      ];
      for (const body of bodies) await side.ask({ method: 'POST', path: pods, body });
      await until(side, 'said', (status) => status.phase === 'Failed');
      await until(
        side,
        'crash',
        (status) => (status.containerStatuses?.[0]?.restartCount ?? 0) > 0 && status.containerStatuses?.[0]?.state.waiting !== undefined,
      );
      await until(side, 'web', (status) => status.containerStatuses?.[0]?.state.running !== undefined);
      await until(side, 'unpulled', (status) => status.containerStatuses?.[0]?.state.waiting?.reason === 'ImagePullBackOff');
    }),
  );
});

afterAll(async () => {
  await sides.real.removeNamespace(namespace);
  await sides.stop();
});

interface PodStatus {
  phase: string;
  containerStatuses?: { restartCount: number; state: { waiting?: { reason: string }; running?: unknown } }[];
}

async function until(side: ClusterSide, name: string, holds: (status: PodStatus) => boolean): Promise<void> {
  while (!holds((await side.get<{ status: PodStatus }>(`${pods}/${name}`)).status)) await pause(100);
}

/** A kubelet that has just removed a container may not know its successor yet, and says so in place of the log. */
async function log(side: ClusterSide, name: string, query: string): Promise<Answer> {
  for (;;) {
    const answer = await side.send({ method: 'GET', path: `${pods}/${name}/log?${query}` });
    if (typeof answer.body !== 'string' || !answer.body.startsWith('unable to retrieve container logs')) return pulling(answer);
    await pause(500);
  }
}

/** What a kubelet says of an image that can't be pulled changes with each try and each pause. */
function pulling(answer: Answer): Answer {
  return JSON.parse(JSON.stringify(answer).replace('trying and failing to pull image', "image can't be pulled")) as Answer;
}

it.each([
  ['said', ''],
  ['said', 'container=main'],
  ['said', 'follow=true'],
  ['said', 'tailLines=2'],
  ['said', 'tailLines=0'],
  ['said', 'tailLines=9'],
  ['said', 'tailLines=-1'],
  ['said', 'tailLines=x'],
  ['said', 'limitBytes=6'],
  ['said', 'limitBytes=0'],
  ['said', 'tailLines=2&limitBytes=5'],
  ['said', 'sinceSeconds=3600'],
  ['said', 'sinceSeconds=0'],
  ['said', 'sinceTime=2000-01-01T00:00:00Z'],
  ['said', 'sinceTime=2100-01-01T00:00:00Z'],
  ['said', 'sinceTime=2000-01-01T00:00:00Z&sinceSeconds=5'],
  ['said', 'sinceTime=yesterday'],
  ['said', 'previous=true'],
  ['said', 'container=other'],
  ['crash', ''],
  ['crash', 'previous=true'],
  ['crash', 'previous=true&tailLines=1'],
  ['nowhere', ''],
  ['nowhere', 'follow=true'],
  ['unpulled', ''],
  ['unpulled', 'previous=true'],
  ['none', ''],
])('of %s with "%s"', async (name, query) => {
  const [expected, answer] = await Promise.all(sides.both.map((side) => log(side, name, query)));
  expect(answer).toEqual(expected);
});

it('each line has a time of its own, from whose second on lines can be asked for', async () => {
  for (const side of sides.both) {
    const { body } = await log(side, 'said', 'timestamps=true');
    const lines = String(body).trimEnd().split('\n');
    const [times, words] = [lines.map((line) => line.split(' ')[0] ?? ''), lines.map((line) => line.split(' ')[1])];
    expect(words).toEqual(['one', 'two', 'three']);
    for (const time of times) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
    // the fraction of a second is lost on the way to the kubelet: lines of the same second come again
    const since = lines.filter((line) => line >= (times[1] ?? '').slice(0, 19)).map((line) => `${line.split(' ')[1] ?? ''}\n`);
    expect((await log(side, 'said', `sinceTime=${times[1] ?? ''}`)).body).toBe(since.join(''));
  }
});

it('following brings what is there, then what comes, and ends with the container', async () => {
  const [expected, answer] = await Promise.all(
    sides.both.map(async (side) => {
      await side.ask({
        method: 'POST',
        path: pods,
        body: pod('talks', script('echo first; sleep 2; echo second'), { restartPolicy: 'Never' }),
      });
      await until(side, 'talks', ({ phase }) => phase !== 'Pending');
      return (await log(side, 'talks', 'follow=true')).body;
    }),
  );
  expect(answer).toEqual(expected);
});

it('following a server ends when its pod is deleted', async () => {
  for (const side of sides.both) {
    const response = await side.open({ method: 'GET', path: `${pods}/web/log?follow=true` });
    await side.ask({ method: 'DELETE', path: `${pods}/web` });
    let ended = false;
    for await (const _ of response);
    ended = true;
    expect(ended).toBe(true);
  }
});
