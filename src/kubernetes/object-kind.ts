/** A kind of object, with what is needed to address it. */
export interface ObjectKind {
  apiVersion: string;
  kind: string;
  /** The name in URLs. */
  plural: string;
  namespaced: boolean;
  /** Of another project: a cluster may lack it, and then nothing is asked about it. */
  optional?: true;
}

/** The path of all objects of a kind. @param namespace undefined: those of all namespaces, or of none */
export function pathOf({ apiVersion, plural }: ObjectKind, namespace?: string): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespace === undefined ? `${root}/${plural}` : `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}

export const NAMESPACE: ObjectKind = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false };
export const NODE: ObjectKind = { apiVersion: 'v1', kind: 'Node', plural: 'nodes', namespaced: false };
export const POD: ObjectKind = { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
export const EVENT: ObjectKind = { apiVersion: 'v1', kind: 'Event', plural: 'events', namespaced: true };
export const SECRET: ObjectKind = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true };
export const SERVICE: ObjectKind = { apiVersion: 'v1', kind: 'Service', plural: 'services', namespaced: true };
export const RESOURCE_QUOTA: ObjectKind = { apiVersion: 'v1', kind: 'ResourceQuota', plural: 'resourcequotas', namespaced: true };
export const LIMIT_RANGE: ObjectKind = { apiVersion: 'v1', kind: 'LimitRange', plural: 'limitranges', namespaced: true };
export const DEPLOYMENT: ObjectKind = { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments', namespaced: true };
export const REPLICA_SET: ObjectKind = { apiVersion: 'apps/v1', kind: 'ReplicaSet', plural: 'replicasets', namespaced: true };
export const INGRESS: ObjectKind = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', plural: 'ingresses', namespaced: true };
export const HORIZONTAL_POD_AUTOSCALER: ObjectKind = {
  apiVersion: 'autoscaling/v1',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  namespaced: true,
};
export const ROLE_BINDING: ObjectKind = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  namespaced: true,
};
export const NETWORK_POLICY: ObjectKind = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  namespaced: true,
};
/** Of cert-manager: a cluster may lack it. */
export const CERTIFICATE: ObjectKind = {
  apiVersion: 'cert-manager.io/v1',
  kind: 'Certificate',
  plural: 'certificates',
  namespaced: true,
  optional: true,
};
/** Of Traefik, 2.11 or newer: a cluster may lack it. */
export const MIDDLEWARE: ObjectKind = {
  apiVersion: 'traefik.io/v1alpha1',
  kind: 'Middleware',
  plural: 'middlewares',
  namespaced: true,
  optional: true,
};
