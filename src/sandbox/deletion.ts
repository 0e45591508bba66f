import { conflict } from './api-error.ts';
import type { Resource } from './resources.ts';
import { copy, timestamp, type StoredObject } from './stored-object.ts';

export interface DeleteOptions {
  /** Everything is checked and answered, nothing is deleted. */
  dryRun?: boolean;
  gracePeriodSeconds?: number;
  uid?: string;
  resourceVersion?: string;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
}

/** Throws ApiError 409 where the object isn't the one that is meant. */
export function checkPreconditions(type: Resource, { metadata }: StoredObject, { uid, resourceVersion }: DeleteOptions): void {
  const kind = { plural: type.kind, group: type.group };
  const { name, uid: actual, resourceVersion: version } = metadata;
  if (uid && uid !== actual) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${actual})`;
    throw conflict(kind, name, `${why}. The object might have been deleted and then recreated`);
  }
  if (resourceVersion && resourceVersion !== version) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${version})`;
    throw conflict(kind, name, `${why}. The object might have been modified`);
  }
}

/** The object as a deletion leaves it, and whether it is gone with that, as nothing has to happen first. */
export function deleted(resource: string, current: StoredObject, options: DeleteOptions): { object: StoredObject; gone: boolean } {
  const next = copy(current);
  const { metadata } = next;
  const finalizers = finalizersAfter(metadata.finalizers ?? [], options.propagationPolicy);
  metadata.finalizers = finalizers.length ? finalizers : undefined;

  const grace = resource === 'pods' ? gracePeriod(current, options.gracePeriodSeconds) : 0;
  const shortens = resource === 'pods' && grace < (metadata.deletionGracePeriodSeconds ?? Infinity);
  const waits = grace > 0 || finalizers.length > 0 || isHeld(next);
  if (!waits && resource !== 'pods') return { object: copy(next), gone: true };
  if (!metadata.deletionTimestamp || shortens) {
    metadata.deletionTimestamp = timestamp(new Date(Date.now() + grace * 1000));
    metadata.deletionGracePeriodSeconds = grace;
    if (metadata.generation !== undefined) metadata.generation += 1;
  }
  if (resource === 'namespaces') {
    next.status = { ...(next.status as object | undefined), phase: 'Terminating' };
    delete metadata.deletionGracePeriodSeconds;
  }
  return { object: copy(next), gone: !waits };
}

/** Deleted, and nothing is left to wait for: no finalizer, no grace period of a pod that a kubelet still has to stop. */
export const isGone = (object: StoredObject): boolean =>
  object.metadata.deletionTimestamp !== undefined &&
  !object.metadata.finalizers?.length &&
  !object.metadata.deletionGracePeriodSeconds &&
  !isHeld(object);

function finalizersAfter(finalizers: string[], policy: DeleteOptions['propagationPolicy']): string[] {
  if (!policy) return finalizers;
  const others = finalizers.filter((each) => each !== 'orphan' && each !== 'foregroundDeletion');
  if (policy === 'Background') return others;
  return [...others, policy === 'Orphan' ? 'orphan' : 'foregroundDeletion'];
}

/** A namespace stays until it has been emptied. */
const isHeld = ({ kind, spec }: StoredObject): boolean =>
  kind === 'Namespace' && ((spec as { finalizers?: string[] } | undefined)?.finalizers?.length ?? 0) > 0;

/** Nothing has to be stopped for a pod that no node has or that has ended. */
function gracePeriod(pod: StoredObject, asked: number | undefined): number {
  const spec = pod.spec as { nodeName?: string; terminationGracePeriodSeconds?: number } | undefined;
  const phase = (pod.status as { phase?: string } | undefined)?.phase;
  if (!spec?.nodeName || phase === 'Succeeded' || phase === 'Failed') return 0;
  const wanted = asked ?? spec.terminationGracePeriodSeconds ?? 30;
  return Math.min(wanted, pod.metadata.deletionGracePeriodSeconds ?? Infinity);
}
