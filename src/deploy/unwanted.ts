import type { ClusterCache } from '../kubernetes/cluster-cache.ts';
import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { INSTALLATION } from '../kubernetes/labels.ts';
import { nameOf, type DesiredState } from './desired-state.ts';
import type { AppSnapshot } from './snapshot.ts';

/**
 * Of the live objects of an app's namespace those that Keelson made and that are not wanted any more. Not those that another object owns, and
 * not those that are on their way out.
 * @param named names that are in use, whatever is wanted
 */
export function unwanted(
  { installation }: Pick<AppSnapshot, 'installation'>,
  desired: Pick<DesiredState, 'names'>,
  live: readonly KubernetesObject[],
  named: ReadonlySet<string>,
): KubernetesObject[] {
  return live.filter(
    (object) =>
      object.metadata.labels?.[INSTALLATION] === installation &&
      (object.metadata.ownerReferences ?? []).length === 0 &&
      object.metadata.deletionTimestamp === undefined &&
      !desired.names.has(nameOf(object)) &&
      !named.has(object.metadata.name),
  );
}

/** Secrets that a pod or ReplicaSet names. Old ReplicaSets keep theirs: a rollback by hand brings them back. */
export function secretsInUse(cache: ClusterCache, namespace: string): Set<string> {
  const users = [...cache.replicaSetsOf(namespace), ...cache.podsOf(namespace)];
  return new Set(users.flatMap(({ secrets }) => secrets));
}
