import type { ClusterRight } from '../kubernetes/cluster-right.ts';
import { POD } from '../kubernetes/object-kind.ts';

/** Lists where the watch can't be trusted, restarts (by deleting), one-off runs, and logs. */
export const POD_RIGHTS: readonly ClusterRight[] = [
  { kind: POD, verbs: ['get', 'list', 'create', 'delete'] },
  { kind: POD, subresource: 'log', verbs: ['get'] },
];
