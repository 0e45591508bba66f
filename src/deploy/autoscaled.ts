import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { deploymentName } from '../kubernetes/names.ts';
import { DEPLOYMENT } from '../kubernetes/object-kind.ts';
import type { AppSnapshot } from './snapshot.ts';

/**
 * The Deployment of an autoscaled type with as many replicas as it has by now, and to be applied only if it is still the one that was
 * read: apply without the field would reset it to 1, and with an older value undo what the autoscaler has just done. Anything else as it is.
 */
export function withLiveReplicas(
  app: Pick<AppSnapshot, 'id' | 'processes'>,
  object: KubernetesObject,
  live: KubernetesObject | undefined,
): KubernetesObject {
  const { metadata, spec, kind } = object;
  const { replicas } = (live?.spec ?? {}) as { replicas?: number };
  const wanted = (spec as { replicas?: number } | undefined)?.replicas;
  // at 0 on either side the autoscaler stands still
  if (kind !== DEPLOYMENT.kind || !live?.metadata.resourceVersion || !replicas || !wanted) return object;
  const autoscaled = app.processes.some((process) => process.autoscaled && deploymentName(app.id, process.type) === metadata.name);
  if (!autoscaled) return object;
  return { ...object, metadata: { ...metadata, resourceVersion: live.metadata.resourceVersion }, spec: { ...(spec as object), replicas } };
}
