import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { stamped } from './differs.ts';
import type { Contribution, ManifestSource, Phase } from './manifest-source.ts';
import type { AppSnapshot } from './snapshot.ts';

const PHASES: readonly Phase[] = ['before', 'workload', 'after'];

/** Everything that the cluster shall show of one app. */
export interface DesiredState {
  /** Objects by phase; within one, groups that are applied one after the other. */
  phases: Record<Phase, KubernetesObject[][]>;
  /** Objects that shall not be there, of kinds that are neither watched nor listed. */
  absent: KubernetesObject[];
  /** `Kind/name` of every object that shall be there. */
  names: Set<string>;
}

export const nameOf = (object: { kind: string; metadata: { name: string } }): string => `${object.kind}/${object.metadata.name}`;

/** The desired state of an app: a pure function of its snapshot, sorted, so that the same input gives the same bytes. */
export function desiredState(app: AppSnapshot, sources: readonly ManifestSource[]): DesiredState {
  const named = sources.flatMap((source) => source.manifests(app, app.facts.get(source)));
  const contributions = named.filter(({ absent }) => !absent);
  const phases = Object.fromEntries(PHASES.map((phase) => [phase, groups(contributions.filter((c) => c.phase === phase))]));
  return {
    phases: phases as DesiredState['phases'],
    absent: named.filter(({ absent }) => absent).map(({ manifest }) => manifest),
    names: new Set(contributions.map(({ manifest }) => nameOf(manifest))),
  };
}

function groups(contributions: Contribution[]): KubernetesObject[][] {
  const byOrder = new Map<number, KubernetesObject[]>();
  for (const { order = 0, manifest } of contributions) byOrder.set(order, [...(byOrder.get(order) ?? []), stamped(manifest)]);
  return [...byOrder].sort(([a], [b]) => a - b).map(([, objects]) => objects.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)));
}
