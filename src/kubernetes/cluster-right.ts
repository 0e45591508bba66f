import type { ObjectKind } from './object-kind.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'patch' | 'delete';

/**
 * What a feature does in the cluster beside what the engine does with its manifests and what is watched. The chart's ClusterRole is made from
 * these: `npm run chart:roles`.
 */
export interface ClusterRight {
  kind: ObjectKind;
  subresource?: string;
  verbs: readonly Verb[];
}
