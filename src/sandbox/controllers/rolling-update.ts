import type { Deployment, ReplicaSet } from './objects.ts';

/** The arithmetic of Deployments: how many replicas each ReplicaSet gets next. Pure functions of what is there. */

export const replicasOf = ({ spec }: Deployment | ReplicaSet): number => spec.replicas ?? 1;

export const isRollingUpdate = ({ spec }: Deployment): boolean => (spec.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate';

const sum = (sets: ReplicaSet[], count: (set: ReplicaSet) => number | undefined): number =>
  sets.reduce((total, set) => total + (count(set) ?? 0), 0);

export const wantedOf = (sets: ReplicaSet[]): number => sum(sets, replicasOf);
export const availableOf = (sets: ReplicaSet[]): number => sum(sets, ({ status }) => status?.availableReplicas);

/** Of percentages the surge is rounded up, the unavailable down; both may not be zero. */
export function fenceposts(deployment: Deployment): { maxSurge: number; maxUnavailable: number } {
  if (!isRollingUpdate(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {};
  const replicas = replicasOf(deployment);
  const part = (value: string | number, round: (x: number) => number): number =>
    typeof value === 'number' ? value : round((replicas * Number.parseFloat(value)) / 100);
  const surge = part(maxSurge, Math.ceil);
  const unavailable = part(maxUnavailable, Math.floor);
  return { maxSurge: surge, maxUnavailable: Math.min(replicas, surge === 0 && unavailable === 0 ? 1 : unavailable) };
}

/** The replicas of the new ReplicaSet: as many as the surge leaves room for. `all` contains `newSet` if it exists already. */
export function replicasForNew(deployment: Deployment, all: ReplicaSet[], newSet: ReplicaSet | undefined): number {
  const wanted = replicasOf(deployment);
  const present = newSet ? replicasOf(newSet) : 0;
  if (!isRollingUpdate(deployment) || present > wanted) return wanted;
  const room = wanted + fenceposts(deployment).maxSurge - wantedOf(all);
  return present + Math.max(0, Math.min(room, wanted - present));
}

export type Scaling = Map<ReplicaSet, number>;

/** The old ReplicaSets to scale down and to how many: first what isn't available anyway, then as far as availability allows. */
export function scaleDowns(deployment: Deployment, newSet: ReplicaSet, old: ReplicaSet[]): Scaling {
  const scaling: Scaling = new Map();
  const left = (set: ReplicaSet): number => scaling.get(set) ?? replicasOf(set);
  const active = old.filter((set) => replicasOf(set) > 0).sort(byAge);
  const minAvailable = replicasOf(deployment) - fenceposts(deployment).maxUnavailable;
  const newUnavailable = replicasOf(newSet) - (newSet.status?.availableReplicas ?? 0);

  let unhealthy = wantedOf([...old, newSet]) - minAvailable - newUnavailable;
  if (active.length === 0 || unhealthy <= 0) return scaling;
  for (const set of active) {
    const count = Math.min(unhealthy, replicasOf(set) - (set.status?.availableReplicas ?? 0));
    if (count <= 0) continue;
    scaling.set(set, replicasOf(set) - count);
    unhealthy -= count;
  }

  let spare = availableOf([...old, newSet]) - minAvailable;
  for (const set of active) {
    const count = Math.min(spare, left(set));
    if (count <= 0) continue;
    scaling.set(set, left(set) - count);
    spare -= count;
  }
  return scaling;
}

/**
 * How a change of the Deployment's replicas is spread while it isn't being rolled out: to the one ReplicaSet that runs, else to all in
 * proportion to their size, with the rest to the largest.
 */
export function spread(deployment: Deployment, newSet: ReplicaSet | undefined, old: ReplicaSet[]): Scaling {
  const wanted = replicasOf(deployment);
  const all = newSet ? [...old, newSet] : old;
  const active = all.filter((set) => replicasOf(set) > 0);
  if (active.length <= 1) {
    const target = active[0] ?? newSet ?? [...old].sort(byAge).at(-1);
    return new Map(target && replicasOf(target) !== wanted ? [[target, wanted]] : []);
  }
  if (newSet && isSaturated(deployment, newSet)) return new Map(active.filter((set) => set !== newSet).map((set) => [set, 0]));
  if (!isRollingUpdate(deployment)) return new Map();

  const allowed = wanted > 0 ? wanted + fenceposts(deployment).maxSurge : 0;
  const toAdd = allowed - wantedOf(active);
  const bySize = [...active].sort((a, b) => replicasOf(b) - replicasOf(a) || (toAdd > 0 ? byAge(b, a) : byAge(a, b)));
  const scaling: Scaling = new Map();
  let left = toAdd;
  for (const set of bySize) {
    const formerly = Number(set.metadata.annotations?.['deployment.kubernetes.io/max-replicas'] ?? wantedOf(active)) || wantedOf(active);
    const share = Math.round((replicasOf(set) * allowed) / formerly) - replicasOf(set);
    const change = toAdd > 0 ? Math.max(0, Math.min(share, left)) : Math.min(0, Math.max(share, left));
    scaling.set(set, replicasOf(set) + change);
    left -= change;
  }
  const largest = bySize[0];
  if (largest) scaling.set(largest, Math.max(0, (scaling.get(largest) ?? 0) + left));
  return scaling;
}

function isSaturated(deployment: Deployment, set: ReplicaSet): boolean {
  const wanted = replicasOf(deployment);
  return (
    replicasOf(set) === wanted &&
    set.metadata.annotations?.['deployment.kubernetes.io/desired-replicas'] === String(wanted) &&
    (set.status?.availableReplicas ?? 0) === wanted
  );
}

/** Oldest first; of the same second, by version: a number that grows. */
export const byAge = (a: ReplicaSet, b: ReplicaSet): number =>
  a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp) || a.metadata.name.localeCompare(b.metadata.name);
