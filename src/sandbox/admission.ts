import type { IPod, IService } from 'kubernetes-models/v1';
import { forbidden, notFound } from './api-error.ts';
import { ClusterAddresses } from './cluster-addresses.ts';
import { applyDefaults, qualityOfService } from './defaults.ts';
import { applyLimitRanges, enforceLimitRanges } from './limit-ranges.ts';
import { enforceQuotas } from './quota.ts';
import { resourceOf, type Resource } from './resources.ts';
import { decode } from './schema.ts';
import type { StoredObject, StoredObjects } from './stored-object.ts';
import { validate } from './validation.ts';

/** What the API fills in before anybody looks at a new object; it is changed in place. */
export function completeNew(type: Resource, object: StoredObject): void {
  if (type.status && type.plural !== 'nodes') object.status = decode(type.kind, {}).value.status;
  applyDefaults(type.plural, object);
}

/** Gives the object its place in this cluster, and checks it; it is changed in place. Throws ApiError: 403, 404, 422. */
export function admitNew(store: StoredObjects, type: Resource, object: StoredObject): void {
  if (type.namespaced) checkNamespace(store, type, object);
  else delete object.metadata.namespace;
  if (type.plural === 'namespaces') object.spec = { finalizers: ['kubernetes'] };
  if (type.plural === 'pods') placePod(store, object as unknown as IPod & StoredObject);
  validate(type, object);
  if (type.plural === 'services') new ClusterAddresses(store).fill(object as unknown as IService);
  if (type.plural === 'pods') enforceLimitRanges(store, object as unknown as IPod & StoredObject);
  enforceQuotas(store, type, object);
}

/** Completes an object that replaces another, in place. */
export function completeChange(type: Resource, object: StoredObject, current: StoredObject): void {
  if (type.plural === 'services') keepAddresses(object as unknown as IService, current as unknown as IService);
  applyDefaults(type.plural, object);
}

/** Checks an object against the one it replaces. Throws ApiError 422. */
export function admitChange(store: StoredObjects, type: Resource, object: StoredObject, current: StoredObject): void {
  validate(type, object, current);
  if (type.plural === 'services') new ClusterAddresses(store).fill(object as unknown as IService);
}

function placePod(store: StoredObjects, pod: IPod & StoredObject): void {
  if (!pod.spec) return;
  useServiceAccount(pod, store);
  pod.spec.priority ??= 0;
  pod.spec.preemptionPolicy ??= 'PreemptLowerPriority';
  tolerate(pod.spec);
  applyLimitRanges(store, pod);
  pod.status = { phase: 'Pending', qosClass: qualityOfService(pod.spec) };
}

function checkNamespace(store: StoredObjects, type: Resource, { metadata }: StoredObject): void {
  const name = metadata.namespace ?? '';
  const namespace = store.get('namespaces', undefined, name);
  if (!namespace) throw notFound(resourceOf('namespaces'), name);
  if (!namespace.metadata.deletionTimestamp) return;
  const why = `unable to create new content in namespace ${name} because it is being terminated`;
  throw forbidden(type, metadata.name, why, [
    { reason: 'NamespaceTerminating', message: `namespace ${name} is being terminated`, field: 'metadata.namespace' },
  ]);
}

function useServiceAccount({ metadata, spec }: IPod & StoredObject, store: StoredObjects): void {
  if (!spec) return;
  spec.serviceAccountName ??= 'default';
  spec.serviceAccount = spec.serviceAccountName;
  const account = store.get<{ imagePullSecrets?: { name?: string }[] }>('serviceaccounts', metadata.namespace, spec.serviceAccountName);
  if (!account) {
    const why = `error looking up service account ${metadata.namespace ?? ''}/${spec.serviceAccountName}: serviceaccount "${spec.serviceAccountName}" not found`;
    throw forbidden(resourceOf('pods'), metadata.name, why);
  }
  if (!spec.imagePullSecrets?.length && account.imagePullSecrets)
    spec.imagePullSecrets = account.imagePullSecrets.map(({ name }) => ({ name }));
}

/** A pod stays for five minutes on a node that has gone away, unless it says otherwise. */
function tolerate(spec: NonNullable<IPod['spec']>): void {
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const tolerates = spec.tolerations?.some((each) => (!each.key || each.key === key) && (!each.effect || each.effect === 'NoExecute'));
    if (!tolerates)
      spec.tolerations = [...(spec.tolerations ?? []), { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }];
  }
}

/** An address once given stays, also where a write leaves it out. */
function keepAddresses({ spec }: IService, { spec: before }: IService): void {
  if (!spec || !before || spec.type === 'ExternalName') return;
  spec.clusterIP ??= before.clusterIP;
  if (spec.type === 'ClusterIP' && before.type !== 'ClusterIP') delete spec.externalTrafficPolicy;
  if (spec.clusterIP === before.clusterIP) spec.clusterIPs ??= before.clusterIPs;
  for (const port of spec.ports ?? []) {
    port.nodePort ??= before.ports?.find((each) => each.port === port.port && each.protocol === (port.protocol ?? 'TCP'))?.nodePort;
  }
}
