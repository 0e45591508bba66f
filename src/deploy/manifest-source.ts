import type { EntityManager } from 'typeorm';
import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import type { ObjectKind } from '../kubernetes/object-kind.ts';
import type { AppSnapshot } from './snapshot.ts';

/**
 * When an object is applied: `before` the workload needs it (namespace, secrets, quota), as the `workload`, or `after` the
 * workload came up (the Service's selector, the Ingress), so that nothing is routed to a process that isn't there.
 */
export type Phase = 'before' | 'workload' | 'after';

/** One object that a feature wants in the cluster. */
export interface Contribution {
  phase: Phase;
  /** Within a phase, lower ones first; objects of equal order go in parallel. Default 0. */
  order?: number;
  manifest: KubernetesObject;
  /**
   * The object shall not be there. Only for kinds that a cluster may lack (those of other projects): they are neither watched nor
   * listed, so what isn't wanted any more has to be named.
   */
  absent?: true;
}

/** Injection token of all manifest sources. */
export const MANIFEST_SOURCES = 'MANIFEST_SOURCES';

/**
 * A feature's part in an app's desired state. `manifests` is pure: the same snapshot gives the same objects. A module adds its
 * objects by providing one of these under `MANIFEST_SOURCES`; the engine knows none of them by name.
 */
export abstract class ManifestSource<Facts = unknown> {
  /** Kinds it declares: only these are ever pruned. */
  abstract readonly kinds: readonly ObjectKind[];

  /** Rows that decide its objects and that the snapshot doesn't have. Read with it, in the same transaction. */
  facts?(manager: EntityManager, appUuid: string): Promise<Facts>;

  /** @param facts what `facts` gave; undefined without it */
  abstract manifests(app: AppSnapshot, facts: Facts): Contribution[];
}
