import { invalid } from './api-error.ts';
import type { JsonObject } from './schema.ts';
import { copy, type StoredObject } from './stored-object.ts';

interface Scalable {
  replicas?: number;
  selector?: { matchLabels?: Record<string, string> };
}

/** A Deployment or ReplicaSet as its scale subresource shows it. */
export function scaleOf({ metadata, spec, status }: StoredObject): object {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const { replicas, selector } = spec as Scalable;
  const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas ? { replicas } : {},
    status: { replicas: (status as Scalable | undefined)?.replicas ?? 0, selector: labels.sort().join(',') },
  };
}

/** The object with the replicas that the Scale asks for. Throws ApiError 422. */
export function withScale(object: StoredObject, scale: JsonObject): StoredObject {
  const replicas = (scale.spec as Scalable | undefined)?.replicas ?? 0;
  if (!Number.isInteger(replicas) || replicas < 0) {
    const message = `Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`;
    throw invalid('Scale', 'autoscaling', object.metadata.name, [{ field: 'spec.replicas', reason: 'FieldValueInvalid', message }]);
  }
  const { resourceVersion } = scale.metadata as { resourceVersion?: string };
  const scaled = copy(object);
  return {
    ...scaled,
    metadata: { ...scaled.metadata, resourceVersion: resourceVersion ?? '' },
    spec: { ...(scaled.spec as object), replicas },
  };
}
