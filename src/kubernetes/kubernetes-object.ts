/** Any object of the API, as far as the engine looks at all of them alike. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string | Date;
  deletionTimestamp?: string | Date;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** In what the cache holds, Keelson's own alone. */
  managedFields?: ManagedFields[];
  ownerReferences?: { kind: string; name: string; uid: string; controller?: boolean }[];
}

/** A set of fields, as nested maps: `f:<field>`, `k:<JSON of an element's keys>`, `v:<JSON of an element>`, `.` the thing itself. */
export interface FieldsV1 {
  [part: string]: FieldsV1;
}

/** Who owns which fields of an object. */
export interface ManagedFields {
  manager: string;
  /** `Apply`, or `Update` for every other way to write. */
  operation: string;
  apiVersion?: string;
  /** RFC 3339, in seconds: when the manager last changed something. */
  time?: string;
  fieldsV1?: FieldsV1;
}
