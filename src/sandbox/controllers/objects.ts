import type { IDeployment, IReplicaSet } from 'kubernetes-models/apps/v1';
import type { IConfigMap, IContainer, IEvent, INode, IPod, ISecret, IService } from 'kubernetes-models/v1';
import type { OwnerReference, StoredMetadata } from '../stored-object.ts';

type Stored<T> = Omit<T, 'metadata' | 'spec'> & {
  metadata: StoredMetadata & { generateName?: string };
} & (T extends { spec?: infer Spec } ? { spec: NonNullable<Spec> } : unknown);

export type Deployment = Stored<IDeployment>;
export type ReplicaSet = Stored<IReplicaSet>;
export type Pod = Stored<IPod>;
export type Node = Stored<INode>;
export type Service = Stored<IService>;
export type Event = Stored<IEvent>;
export type Secret = Stored<ISecret>;
export type ConfigMap = Stored<IConfigMap>;
export type Container = IContainer;
export type PodStatus = NonNullable<Pod['status']>;
export type ContainerStatus = NonNullable<PodStatus['containerStatuses']>[number];
export type DeploymentStatus = NonNullable<Deployment['status']>;
export type DeploymentCondition = NonNullable<DeploymentStatus['conditions']>[number];
export type ReplicaSetStatus = NonNullable<ReplicaSet['status']>;
export type ReplicaSetCondition = NonNullable<ReplicaSetStatus['conditions']>[number];

export interface Endpoints {
  apiVersion: string;
  kind: string;
  metadata: StoredMetadata;
  subsets?: EndpointSubset[];
}

export interface EndpointSubset {
  addresses?: EndpointAddress[];
  notReadyAddresses?: EndpointAddress[];
  ports?: { name?: string; port: number; protocol: string }[];
}

export interface EndpointAddress {
  ip: string;
  nodeName?: string;
  targetRef: { kind: string; name: string; namespace?: string; uid: string; resourceVersion: string };
}

/** An object to create: its metadata is completed by the store. */
export type New<T extends { metadata: unknown }> = Omit<T, 'metadata'> & {
  metadata: { name?: string; generateName?: string; namespace?: string } & Partial<
    Pick<StoredMetadata, 'labels' | 'annotations' | 'ownerReferences'>
  >;
};

/** The owner that controls the object, if any. */
export const controllerOf = ({ metadata }: { metadata: StoredMetadata }): OwnerReference | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller === true);

export const isControlledBy = (object: { metadata: StoredMetadata }, owner: { metadata: StoredMetadata }): boolean =>
  controllerOf(object)?.uid === owner.metadata.uid;

export const controllerReference = (owner: Deployment | ReplicaSet): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
});

/** Whether labels carry every one of the wanted. */
export const matches = (labels: Record<string, string> | undefined, wanted: Record<string, string>): boolean =>
  Object.entries(wanted).every(([name, value]) => labels?.[name] === value);

export const hasEnded = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** Counts as one of its ReplicaSet's: neither over nor on its way out. */
export const isActive = (pod: Pod): boolean => !hasEnded(pod) && !pod.metadata.deletionTimestamp;

const readyCondition = ({ status }: Pod) => status?.conditions?.find(({ type }) => type === 'Ready');

export const isReady = (pod: Pod): boolean => readyCondition(pod)?.status === 'True';

/** Milliseconds until the pod will have been ready for `minReadySeconds`; Infinity if it isn't ready. */
export function availableIn(pod: Pod, minReadySeconds: number): number {
  const condition = readyCondition(pod);
  if (condition?.status !== 'True') return Infinity;
  if (minReadySeconds === 0) return 0;
  return Math.max(0, Date.parse(condition.lastTransitionTime ?? '') + minReadySeconds * 1000 - Date.now());
}

interface Condition {
  type: string;
  status: string;
  reason?: string;
  lastTransitionTime?: string;
}

/** Deployments, ReplicaSets: the condition replaces the one of its type unless it says the same; the time of transition is that of the status. */
export function withCondition<T extends Condition>(conditions: T[] | undefined, condition: T): T[] {
  const present = conditions?.find(({ type }) => type === condition.type);
  if (present?.status === condition.status && present.reason === condition.reason) return conditions ?? [];
  const lastTransitionTime = present?.status === condition.status ? present.lastTransitionTime : condition.lastTransitionTime;
  return [...withoutCondition(conditions, condition.type), { ...condition, lastTransitionTime }];
}

export const withoutCondition = <T extends Condition>(conditions: T[] | undefined, type: string): T[] =>
  (conditions ?? []).filter((condition) => condition.type !== type);

/** Kubernetes leaves zero counts out of a status. */
export const unlessZero = (count: number): number | undefined => count || undefined;
