import type { Deployment, ReplicaSet } from './objects.ts';
import { fenceposts, replicasForNew, scaleDowns, spread } from './rolling-update.ts';

const deployment = (replicas: number, maxSurge: string | number = '25%', maxUnavailable: string | number = '25%'): Deployment =>
  ({ spec: { replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } } }) as unknown as Deployment;

const set = (name: string, replicas: number, availableReplicas = replicas, annotations = {}): ReplicaSet =>
  ({
    metadata: { name, creationTimestamp: `2026-01-01T00:00:0${name}Z`, annotations },
    spec: { replicas },
    status: { replicas, availableReplicas },
  }) as unknown as ReplicaSet;

const byName = (scaling: Map<ReplicaSet, number>): Record<string, number> =>
  Object.fromEntries([...scaling].map(([{ metadata }, replicas]) => [metadata.name, replicas]));

it.each([
  ['25%', '25%', 10, 3, 2],
  ['25%', '25%', 1, 1, 0],
  [1, 0, 3, 1, 0],
  [0, 0, 3, 0, 1],
  ['0%', '0%', 3, 0, 1],
  ['100%', '50%', 3, 3, 1],
  [1, 5, 3, 1, 3],
])('surge %s and unavailable %s of %i replicas are %i and %i', (surge, unavailable, replicas, maxSurge, maxUnavailable) => {
  expect(fenceposts(deployment(replicas, surge, unavailable))).toEqual({ maxSurge, maxUnavailable });
});

it.each([
  ['none yet, nothing else runs', 3, [], undefined, 3],
  ['none yet, the old ones fill the surge', 3, [set('1', 3)], undefined, 1],
  ['as many as the surge leaves', 3, [set('1', 2)], set('2', 1), 2],
  ['never more than wanted', 3, [], set('2', 1), 3],
  ['none when there is no room', 3, [set('1', 3)], set('2', 1), 1],
  ['fewer when scaled down', 1, [set('1', 0)], set('2', 3), 1],
])('the new ReplicaSet has %s', (_, wanted, old, newSet, replicas) => {
  expect(replicasForNew(deployment(wanted, 1, 0), newSet ? [...old, newSet] : old, newSet)).toBe(replicas);
});

it.each([
  ['nothing while the new one is not available', [set('1', 3)], set('2', 1, 0), {}],
  ['one for each that became available', [set('1', 3)], set('2', 1, 1), { 1: 2 }],
  ['what is not available anyway first', [set('1', 2, 2), set('2', 1, 0)], set('3', 1, 1), { 2: 0 }],
  ['all in the end', [set('1', 1)], set('2', 3, 3), { 1: 0 }],
])('of the old is scaled down %s', (_, old, newSet, scaling) => {
  expect(byName(scaleDowns(deployment(3, 1, 0), newSet, old))).toEqual(scaling);
});

const sized = (replicas: number): object => ({ 'deployment.kubernetes.io/max-replicas': String(replicas) });

it.each([
  ['to the only one that runs', 5, set('2', 3), [set('1', 0)], { 2: 5 }],
  ['to the newest of those that sleep', 2, set('2', 0), [set('1', 0)], { 2: 2 }],
  ['in proportion up', 20, set('2', 5, 0, sized(11)), [set('1', 6, 6, sized(11))], { 1: 11, 2: 10 }],
  ['in proportion down', 5, set('2', 5, 0, sized(11)), [set('1', 6, 6, sized(11))], { 1: 3, 2: 3 }],
  ['to nothing', 0, set('2', 5, 0, sized(11)), [set('1', 6, 6, sized(11))], { 1: 0, 2: 0 }],
])('a change of size goes %s', (_, wanted, newSet, old, scaling) => {
  expect(byName(spread(deployment(wanted, 1, 0), newSet, old))).toEqual(scaling);
});
