import { appSnapshot, manifestOptions } from '../../test/app-snapshot.ts';
import { DeploymentManifests } from '../builds/deployments.manifests.ts';
import type { CachedPod, CachedReplicaSet } from '../kubernetes/cached-objects.ts';
import type { Cluster } from '../kubernetes/cluster.ts';
import type { ClusterCache } from '../kubernetes/cluster-cache.ts';
import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { Lease } from './lease.ts';
import { RolloutWatch, type RolloutEnd } from './rollout-watch.ts';

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

/** Waits, and gives up when nothing has been decided at once. */
async function waitFor(pods: CachedPod[], waited: number): Promise<{ end: RolloutEnd; lease: Lease }> {
  const cache = {
    podsOf: () => pods,
    replicaSetsOf: () => [replicaSet],
    eventsOf: () => [],
    allNodes: () => [],
    object: () => deployment,
    fresh: () => true,
    warm: () => true,
    onChange: () => () => undefined,
    watchEvents: () => () => undefined,
  } as unknown as ClusterCache;
  const cluster = { get: () => Promise.resolve(deployment), podLog: () => Promise.resolve('') } as unknown as Cluster;
  const lease = new Lease('an operation', 1, performance.now(), 3_600_000);
  lease.waited = waited;
  const show = (): Promise<void> => Promise.resolve();
  const watch = new RolloutWatch(cluster, cache, app, { lease, begun: BEGUN, spares: false, timeout: 120, shown: null, show });
  const end = await watch.wait([{ manifest, type: 'web', generation: 2 }], () => Promise.resolve(true), true);
  return { end, lease };
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
  const { end, lease } = await waitFor([], waited);
  expect(end.state).toBe(state);
  expect(lease.waited).toBeGreaterThanOrEqual(waited);
});
