import { isDeepStrictEqual } from 'node:util';
import { APP_UUID, KEELSON, RUN_UUID } from './labels.ts';
import type { KubernetesObject, ObjectMeta } from './kubernetes-object.ts';

/** A condition of a pod, ReplicaSet, Deployment or node. */
export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

export interface ContainerState {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt?: string };
  terminated?: { exitCode: number; reason?: string; message?: string; startedAt?: string; finishedAt?: string };
}

export interface ContainerStatus {
  name: string;
  ready: boolean;
  restartCount: number;
  state?: ContainerState;
  lastState?: ContainerState;
}

/** What is kept of a pod: what is read, not the object, for there are many. Times are RFC 3339. */
export interface CachedPod {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  /** `type` and `version`. */
  labels: Record<string, string>;
  /** uid of the controlling ReplicaSet. */
  owner: string | null;
  /** uuid of the run's row, on one-off pods. */
  run: string | null;
  created: string;
  deleted: string | null;
  started: string | null;
  phase: string;
  reason: string | null;
  message: string | null;
  node: string | null;
  /** `Ready` and `PodScheduled`. */
  conditions: Condition[];
  containers: ContainerStatus[];
  /** Secrets that its environment comes from. */
  secrets: string[];
}

export interface CachedReplicaSet {
  name: string;
  namespace: string;
  uid: string;
  labels: Record<string, string>;
  /** uid of the controlling Deployment. */
  owner: string | null;
  revision: number;
  replicas: number;
  conditions: Condition[];
  created: string;
  secrets: string[];
}

export interface CachedNamespace {
  name: string;
  uid: string;
  labels: Record<string, string>;
  /** uuid of the app that it was made for. */
  app: string | null;
  terminating: boolean;
  /** All of it, to be compared with what is wanted. */
  object: KubernetesObject;
}

export interface CachedNode {
  name: string;
  labels: Record<string, string>;
  ready: boolean;
  /** RFC 3339, since when it is ready or not. */
  since: string | null;
}

interface PodTemplate {
  containers?: { env?: { valueFrom?: { secretKeyRef?: { name?: string } } }[]; envFrom?: { secretRef?: { name?: string } }[] }[];
}

const POD_LABELS = ['type', 'version'];
const POD_CONDITIONS = ['Ready', 'PodScheduled'];

const time = (value: string | Date | undefined): string | null => (value === undefined ? null : new Date(value).toISOString());

const controller = (metadata: ObjectMeta): string | null => metadata.ownerReferences?.find((owner) => owner.controller)?.uid ?? null;

function secretsOf(spec: PodTemplate | undefined): string[] {
  const names = (spec?.containers ?? []).flatMap((container) => [
    ...(container.env ?? []).map((variable) => variable.valueFrom?.secretKeyRef?.name),
    ...(container.envFrom ?? []).map((source) => source.secretRef?.name),
  ]);
  return [...new Set(names.filter((name) => name !== undefined))];
}

export function cachedPod(object: KubernetesObject): CachedPod {
  const { metadata } = object;
  const spec = object.spec as (PodTemplate & { nodeName?: string }) | undefined;
  const status = (object.status ?? {}) as {
    phase?: string;
    reason?: string;
    message?: string;
    startTime?: string;
    conditions?: Condition[];
    containerStatuses?: ContainerStatus[];
  };
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? '',
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '0',
    labels: Object.fromEntries(Object.entries(metadata.labels ?? {}).filter(([name]) => POD_LABELS.includes(name))),
    owner: controller(metadata),
    run: metadata.labels?.[RUN_UUID] ?? metadata.annotations?.[RUN_UUID] ?? null,
    created: time(metadata.creationTimestamp) ?? '',
    deleted: time(metadata.deletionTimestamp),
    started: time(status.startTime),
    phase: status.phase ?? 'Pending',
    reason: status.reason ?? null,
    message: status.message ?? null,
    node: spec?.nodeName ?? null,
    conditions: (status.conditions ?? [])
      .filter(({ type }) => POD_CONDITIONS.includes(type))
      .map(({ type, status, reason, message }) => ({ type, status, ...(reason && { reason }), ...(message && { message }) })),
    containers: (status.containerStatuses ?? []).map(({ name, ready, restartCount, state, lastState }) => ({
      name,
      ready,
      restartCount,
      state,
      lastState,
    })),
    secrets: secretsOf(spec),
  };
}

export function cachedReplicaSet(object: KubernetesObject): CachedReplicaSet {
  const { metadata } = object;
  const spec = (object.spec ?? {}) as { replicas?: number; template?: { spec?: PodTemplate } };
  const status = (object.status ?? {}) as { conditions?: Condition[] };
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? '',
    uid: metadata.uid ?? '',
    labels: metadata.labels ?? {},
    owner: controller(metadata),
    revision: Number(metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0),
    replicas: spec.replicas ?? 0,
    conditions: status.conditions ?? [],
    created: time(metadata.creationTimestamp) ?? '',
    secrets: secretsOf(spec.template?.spec),
  };
}

export function cachedNamespace(object: KubernetesObject): CachedNamespace {
  const { metadata } = object;
  return {
    name: metadata.name,
    uid: metadata.uid ?? '',
    labels: metadata.labels ?? {},
    app: metadata.annotations?.[APP_UUID] ?? null,
    terminating: metadata.deletionTimestamp !== undefined,
    object: cachedObject(object),
  };
}

export function cachedNode(object: KubernetesObject): CachedNode {
  const status = (object.status ?? {}) as { conditions?: Condition[] };
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  return {
    name: object.metadata.name,
    labels: object.metadata.labels ?? {},
    ready: ready?.status === 'True',
    since: time(ready?.lastTransitionTime),
  };
}

/** The whole object but for what other managers own of its fields: that bookkeeping is most of its size. */
export function cachedObject(object: KubernetesObject): KubernetesObject {
  const { managedFields, ...metadata } = object.metadata;
  const own = managedFields?.filter(({ manager, operation }) => manager === KEELSON && operation === 'Apply');
  return { ...object, metadata: { ...metadata, ...(own && { managedFields: own }) } };
}

/** Whether what people and managers decide is the same in two versions of an object: all but its status. */
export function sameIntent(before: KubernetesObject, after: KubernetesObject): boolean {
  return isDeepStrictEqual(intent(before), intent(after));
}

function intent({ metadata, status: _, ...object }: KubernetesObject): object {
  const { uid, labels, annotations, managedFields, deletionTimestamp } = metadata;
  const owned = managedFields?.map(({ fieldsV1 }) => fieldsV1);
  return { ...object, uid, labels, annotations, owned, deletionTimestamp };
}
