export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface StoredMetadata {
  name: string;
  generateName?: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: unknown[];
}

/** An object as the API carries it: JSON, with times as strings. */
export interface StoredObject {
  apiVersion: string;
  kind: string;
  metadata: StoredMetadata;
  [field: string]: unknown;
}

/** What is stored, to be looked at. */
export interface StoredObjects {
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- it names the type of the answer
  get<T = StoredObject>(resource: string, namespace: string | undefined, name: string): T | undefined;
  list<T = StoredObject>(resource: string, namespace?: string): T[];
}

/** Seconds are all that Kubernetes keeps of a time. */
export const timestamp = (at: Date = new Date()): string => `${at.toISOString().slice(0, 19)}Z`;

/** A mutable JSON copy: no undefined, dates as timestamps. */
export function copy<T>(value: T): T {
  if (value instanceof Date) return timestamp(value) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => copy(item)) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name, copy<unknown>(field)]),
  ) as T;
}

/** The same value, not to be changed any more. */
export function freeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    for (const field of Object.values(value)) freeze(field);
    Object.freeze(value);
  }
  return value;
}
