import { appSnapshot, manifestOptions } from '../../test/app-snapshot.ts';
import { DeploymentManifests } from '../builds/deployments.manifests.ts';
import type { CachedPod, CachedReplicaSet } from '../kubernetes/cached-objects.ts';
import type { Cluster } from '../kubernetes/cluster.ts';
import type { ClusterCache } from '../kubernetes/cluster-cache.ts';
import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { Lease } from './lease.ts';
import { RolloutWatch, type RolloutEnd } from './rollout-watch.ts';
import type { Trouble } from './verdict.ts';

/** Real: the watch and its verdict. The cluster stands still as the test has it. */

const BEGUN = new Date('2026-01-01T00:00:30.500Z');
const app = appSnapshot({ structure: { web: 1 } });
const manifest = new DeploymentManifests(manifestOptions).manifests(app)[0]?.manifest as KubernetesObject;
const deployment: KubernetesObject = {
  ...manifest,
  metadata: {
    ...manifest.metadata,
    uid: 'd',
    generation: 2,
    resourceVersion: '9',
    annotations: { ...manifest.metadata.annotations, 'deployment.kubernetes.io/revision': '2' },
  },
  status: { observedGeneration: 2, replicas: 2, updatedReplicas: 1, availableReplicas: 1 },
};
const replicaSet = { name: 'demo-web-new', uid: 'rs', owner: 'd', revision: 2, replicas: 1, conditions: [] } as unknown as CachedReplicaSet;

/** A pod whose process has ended so often. */
const pod = (created: string, ends: number): CachedPod =>
  ({
    name: 'demo-web-new-abcde',
    uid: 'p',
    owner: 'rs',
    created,
    deleted: null,
    phase: 'Running',
    reason: null,
    node: null,
    conditions: [],
    containers: [
      {
        name: 'demo-web',
        ready: false,
        restartCount: ends - 1,
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { exitCode: 1 } },
      },
    ],
  }) as unknown as CachedPod;

/** A pod that is yet to be ready. */
const starting: CachedPod = { ...pod(BEGUN.toISOString(), 0), node: 'node1', containers: [] };

interface Waiting {
  end: Promise<RolloutEnd>;
  lease: Lease;
  /** What was told of it, in order. */
  shown: (Trouble | null)[];
  /** From now on the cluster shows this Deployment. */
  becomes: (live: KubernetesObject) => void;
  /** By the clock that the test holds. */
  pass: (seconds: number) => Promise<void>;
}

/** Waits with a deadline of 120 s. */
function waiting(pods: CachedPod[], waited: number, cut: () => Promise<boolean>): Waiting {
  let live = deployment;
  let look = (): void => undefined;
  const cache = {
    podsOf: () => pods,
    replicaSetsOf: () => [replicaSet],
    eventsOf: () => [],
    allNodes: () => [],
    object: () => live,
    fresh: () => true,
    warm: () => true,
    onChange: (_: string, changed: () => void) => {
      look = changed;
      return () => undefined;
    },
    watchEvents: () => () => undefined,
  } as unknown as ClusterCache;
  const cluster = { get: () => Promise.resolve(live), podLog: () => Promise.resolve('') } as unknown as Cluster;
  const lease = new Lease('an operation', 1, performance.now(), 3_600_000);
  lease.waited = waited;
  const shown: (Trouble | null)[] = [];
  const show = (trouble: Trouble | null): Promise<void> => {
    shown.push(trouble);
    return Promise.resolve();
  };
  const watch = new RolloutWatch(cluster, cache, app, { lease, begun: BEGUN, spares: false, timeout: 120, shown: null, show });
  const end = watch.wait([{ manifest, type: 'web', generation: 2 }], cut, true);
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      jest.advanceTimersByTime(1_000);
      look();
      await new Promise(setImmediate);
    }
  };
  return { end, lease, shown, becomes: (next) => (live = next), pass };
}

/** Waits, and gives up when nothing has been decided at once. */
async function waitFor(pods: CachedPod[], waited: number): Promise<{ end: RolloutEnd; lease: Lease }> {
  const { end, lease } = waiting(pods, waited, () => Promise.resolve(true));
  return { end: await end, lease };
}

it.each([
  ['that was there before the operation has ended before it', '2026-01-01T00:00:29.000Z', 'cut'],
  ['that an earlier owner of the operation had made has ended in it', '2026-01-01T00:00:30.000Z', 'failed'],
])('a pod %s', async (_, created, state) => {
  expect((await waitFor([pod(created, 7)], 0)).end.state).toBe(state);
});

it.each([
  ['goes on', 0, 'cut'],
  ['goes on for as long as is left', 110_000, 'cut'],
  ['is over', 121_000, 'failed'],
])('a deadline of 120 s that an earlier owner began to count: it %s after %i ms', async (_, waited, state) => {
  const { end, lease } = await waitFor([starting], waited);
  expect(end.state).toBe(state);
  expect(lease.waited).toBeGreaterThanOrEqual(waited);
});

describe('a control plane that does not do its part', () => {
  const ready: CachedPod = { ...starting, conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: BEGUN.toISOString() }] };
  const counted = { ...deployment, status: { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1 } };
  const behind = expect.objectContaining({ class: 'unreachable', object: 'Deployment/demo-web' }) as Trouble;

  beforeEach(() => {
    jest.useFakeTimers({ now: BEGUN, doNotFake: ['setImmediate', 'setTimeout', 'clearTimeout', 'nextTick', 'queueMicrotask'] });
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('is told after a moment, and is not the fault of a roll-out', async () => {
    const { end, lease, shown, becomes, pass } = waiting([ready], 0, () => Promise.resolve(false));
    await pass(4);
    expect(shown).toEqual([]);
    await pass(500);
    expect(shown).toEqual([behind]);
    expect(lease.waited).toBeLessThan(2_000);
    becomes(counted);
    await pass(2);
    expect(await end).toEqual({ state: 'done' });
  });

  it('is not waited for without end', async () => {
    const { end, shown, pass } = waiting([ready], 0, () => Promise.resolve(false));
    await pass(700);
    expect(shown).toEqual([behind]);
    await pass(30);
    expect(await end).toEqual({ state: 'failed', types: new Map([['web', behind]]) });
  });

  it('does not make up for a pod that is not ready', async () => {
    const { end, pass } = waiting([starting], 0, () => Promise.resolve(false));
    await pass(130);
    expect(await end).toMatchObject({ state: 'failed' });
  });
});
