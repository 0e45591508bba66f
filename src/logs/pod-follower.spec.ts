import { Readable } from 'node:stream';
import type { CachedPod } from '../kubernetes/cached-objects.ts';
import type { Cluster, LogQuery } from '../kubernetes/cluster.ts';
import type { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { ObjectNotFound, OutOfReach, Refused } from '../kubernetes/cluster-errors.ts';
import { podLines } from './log-lines.ts';
import { type LogStart, PodFollower } from './pod-follower.ts';

const NAME = 'demo-web-6f7d9c5b4-x2x9k';
const GAP = /^drycc\[api\]: lines of demo-web-6f7d9c5b4-x2x9k may be missing here: /;

/** What a connection tells of a container's log: lines, then the beginning of one, then an error. */
interface Served {
  lines: string[];
  begun?: string;
  end?: Error;
}

/** A pod of a cluster that tells its log as it is told to: one answer after the other. */
class Scene {
  readonly asked: LogQuery[] = [];
  pods: CachedPod[];
  private readonly listeners = new Set<() => void>();
  readonly cache = {
    podsOf: () => this.pods,
    onChange: (_: string, listener: () => void) => {
      this.listeners.add(listener);
      return () => this.listeners.delete(listener);
    },
  } as unknown as ClusterCache;
  readonly cluster = {
    followLog: (_namespace: string, _pod: string, query: LogQuery) => this.answer(query),
  } as unknown as Cluster;

  constructor(
    pod: CachedPod,
    private readonly answers: (Served | ((scene: Scene) => Served))[],
    private readonly former: Served = { lines: [], end: new Refused('previous terminated container not found', 'BadRequest') },
  ) {
    this.pods = [pod];
  }

  show(...pods: CachedPod[]): void {
    this.pods = pods;
    for (const listener of this.listeners) listener();
  }

  private async *answer(query: LogQuery): AsyncGenerator<string> {
    this.asked.push(query);
    const next = query.previous ? this.former : (this.answers.shift() ?? { lines: [], end: new ObjectNotFound('gone') });
    const { lines, begun = '', end } = typeof next === 'function' ? next(this) : next;
    // in pieces that end anywhere
    const text = lines.map((line) => `${line}\n`).join('') + begun;
    for (let at = 0; at < text.length; at += 7) yield await Promise.resolve(text.slice(at, at + 7));
    if (end) throw end;
  }

  /** What is followed until the pod is gone, without time and source. */
  async follow(start?: LogStart): Promise<string[]> {
    const [pod] = this.pods;
    if (!pod) throw new Error('there is no pod');
    const follower = new PodFollower(this.cluster, this.cache, 'demo', pod, start);
    const found: string[] = [];
    for await (const { text } of follower.lines(new AbortController().signal)) found.push(text.replace(/^demo\[web\.v2\.x2x9k\]: /, ''));
    return found;
  }
}

function pod(state: 'running' | 'terminated' | 'none' = 'running', restartCount = 0, phase = 'Running'): CachedPod {
  const containers = state === 'none' ? [] : [{ name: 'demo-web', ready: true, restartCount, state: { [state]: { exitCode: 0 } } }];
  return { uid: 'u1', name: NAME, labels: { type: 'web', version: 'v2' }, containers, phase, deleted: null } as unknown as CachedPod;
}

const at = (time: string, text: string): string => `2026-01-01T00:00:${time}Z ${text}`;
const broken = new OutOfReach('connection reset');

/** The pod goes while its log ends. */
const last =
  (lines: string[], end?: Error) =>
  (scene: Scene): Served => {
    scene.show();
    return { lines, ...(end ? { end } : {}) };
  };

it('takes up a log that broke off where it was, to the line', async () => {
  const first = [at('01.1', 'a'), at('01.1', 'b'), at('01.100000001', 'c')];
  const scene = new Scene(pod(), [
    { lines: first, begun: '2026-01-01T00:00:01.2Z hal', end: broken },
    last([...first, at('01.2', 'half'), at('02', 'd')]),
  ]);
  expect(await scene.follow()).toEqual(['a', 'b', 'c', 'half', 'd']);
  expect(scene.asked.map(({ sinceTime }) => sinceTime)).toEqual([undefined, '2026-01-01T00:00:01Z']);
});

it('counts the lines of the same moment', async () => {
  const scene = new Scene(pod(), [
    { lines: [at('01', 'a'), at('01', 'a')], end: broken },
    last([at('01', 'a'), at('01', 'a'), at('01', 'a')]),
  ]);
  expect(await scene.follow()).toEqual(['a', 'a', 'a']);
});

it('goes on from what was read before', async () => {
  const read = await podLines('demo', pod(), Readable.from([[at('01', 'a'), at('02', 'b')].join('\n')]), 10);
  const scene = new Scene(pod(), [last([at('02', 'b'), at('03', 'c')])]);
  expect(await scene.follow({ position: read.position })).toEqual(['c']);
});

it('begins with the last lines, if it was not read', async () => {
  const scene = new Scene(pod(), [last([at('02', 'b')])]);
  expect(await scene.follow({ tailLines: 20 })).toEqual(['b']);
  expect(scene.asked[0]).toMatchObject({ container: 'demo-web', timestamps: true, tailLines: 20 });
});

it('says so where the log was rotated meanwhile', async () => {
  const scene = new Scene(pod(), [{ lines: [at('01', 'a')], end: broken }, last([at('09', 'j')])]);
  expect(await scene.follow()).toEqual(['a', expect.stringMatching(GAP), 'j']);
});

it('reads the rest of a container that was replaced meanwhile', async () => {
  const scene = new Scene(pod(), [{ lines: [at('01', 'a')], end: broken }, last([at('09', 'new')])], {
    lines: [at('01', 'a'), at('02', 'rest')],
  });
  expect(await scene.follow()).toEqual(['a', 'rest', 'new']);
});

it('misses nothing where a container is restarted that was read to its end', async () => {
  const scene = new Scene(pod('terminated'), [
    (scene) => {
      setImmediate(() => {
        scene.show(pod('running', 1));
      });
      return { lines: [at('01', 'a')] };
    },
    last([at('09', 'again')]),
  ]);
  expect(await scene.follow()).toEqual(['a', 'again']);
  expect(scene.asked.map(({ sinceTime, previous }) => [sinceTime, previous])).toEqual([
    [undefined, undefined],
    [undefined, undefined],
  ]);
});

it('says so where a pod went before its rest could be read', async () => {
  const scene = new Scene(pod(), [last([at('01', 'a')], broken)]);
  expect(await scene.follow()).toEqual(['a', expect.stringMatching(GAP)]);
});

it('says nothing of a pod that was read to its end', async () => {
  expect(await new Scene(pod(), [last([at('01', 'a')])]).follow()).toEqual(['a']);
  expect(await new Scene(pod(), [{ lines: [at('01', 'a')] }]).follow()).toEqual(['a']);
  expect(await new Scene(pod('terminated', 0, 'Succeeded'), [{ lines: [at('01', 'a')] }]).follow()).toEqual(['a']);
  expect(await new Scene(pod('terminated', 0, 'Failed'), []).follow({ position: null })).toEqual([]);
});

it('says why there is no log of a container that is gone', async () => {
  const words = 'unable to retrieve container logs for docker://1';
  expect(await new Scene(pod(), [{ lines: [at('01', 'a')], end: broken }, last([words])]).follow()).toEqual([
    'a',
    `drycc[api]: lines of ${NAME} may be missing here: ${words}`,
  ]);
});

it('takes no notice of the end of a container whose log was being read', async () => {
  const words = 'rpc error: code = NotFound desc = an error occurred when try to find container "1": not found';
  const read = await podLines('demo', pod(), Readable.from([at('01', 'a')]), 10);
  expect(await new Scene(pod(), [last([at('01', 'a'), words])]).follow({ position: read.position })).toEqual([]);
  expect(await new Scene(pod(), [last([words])]).follow({ position: null })).toEqual([]);
});

it('waits for a container that has not started, and asks nothing meanwhile', async () => {
  const scene = new Scene(pod('none'), [last([at('01', 'a')])]);
  const following = scene.follow();
  await new Promise(setImmediate);
  expect(scene.asked).toEqual([]);
  scene.show(pod('running'));
  expect(await following).toEqual(['a']);
});

it('ends with a pod that never ran', async () => {
  const scene = new Scene(pod('none'), []);
  const following = scene.follow();
  await new Promise(setImmediate);
  scene.show();
  expect(await following).toEqual([]);
});
