import * as client from '@kubernetes/client-node';
import { Deployment, StatefulSet } from 'kubernetes-models/apps/v1';
import { Job } from 'kubernetes-models/batch/v1';
import { Ingress, NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { PodDisruptionBudget as PodDisruptionBudgetV1Beta1 } from 'kubernetes-models/policy/v1beta1';
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import { ConfigMap, Secret, Service, ServiceAccount } from 'kubernetes-models/v1';

/** An object of a rendered chart. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  [field: string]: unknown;
}

interface Attribute {
  baseName: string;
  type: string;
}

type Model = new (data: never) => { validate(): void };

/** By apiVersion and kind, with the name of the client's model: it knows no v1beta1 of a budget, whose fields are the same. */
const MODELS: Record<string, [Model, string]> = {
  'apps/v1 Deployment': [Deployment, 'V1Deployment'],
  'apps/v1 StatefulSet': [StatefulSet, 'V1StatefulSet'],
  'batch/v1 Job': [Job, 'V1Job'],
  'networking.k8s.io/v1 Ingress': [Ingress, 'V1Ingress'],
  'networking.k8s.io/v1 NetworkPolicy': [NetworkPolicy, 'V1NetworkPolicy'],
  'policy/v1 PodDisruptionBudget': [PodDisruptionBudget, 'V1PodDisruptionBudget'],
  'policy/v1beta1 PodDisruptionBudget': [PodDisruptionBudgetV1Beta1, 'V1PodDisruptionBudget'],
  'rbac.authorization.k8s.io/v1 ClusterRole': [ClusterRole, 'V1ClusterRole'],
  'rbac.authorization.k8s.io/v1 ClusterRoleBinding': [ClusterRoleBinding, 'V1ClusterRoleBinding'],
  'rbac.authorization.k8s.io/v1 Role': [Role, 'V1Role'],
  'rbac.authorization.k8s.io/v1 RoleBinding': [RoleBinding, 'V1RoleBinding'],
  'v1 ConfigMap': [ConfigMap, 'V1ConfigMap'],
  'v1 Secret': [Secret, 'V1Secret'],
  'v1 Service': [Service, 'V1Service'],
  'v1 ServiceAccount': [ServiceAccount, 'V1ServiceAccount'],
};

/** Of the Prometheus operator: no schema is at hand. */
const UNCHECKED = new Set(['monitoring.coreos.com/v1 ServiceMonitor', 'monitoring.coreos.com/v1 PrometheusRule']);

/** The same fields in all versions since 1.20 but these, which came later: using one would be refused there, or dropped. */
const SINCE = new Set([
  'minReadySeconds of V1StatefulSetSpec',
  'persistentVolumeClaimRetentionPolicy of V1StatefulSetSpec',
  'unhealthyPodEvictionPolicy of V1PodDisruptionBudgetSpec',
  'grpc of V1Probe',
  'terminationGracePeriodSeconds of V1Probe',
  'sleep of V1LifecycleHandler',
  'suspend of V1JobSpec',
  'podFailurePolicy of V1JobSpec',
  'os of V1PodSpec',
  'hostUsers of V1PodSpec',
  'restartPolicy of V1Container',
  'resizePolicy of V1Container',
  'endPort of V1NetworkPolicyPort',
  'internalTrafficPolicy of V1ServiceSpec',
  'minDomains of V1TopologySpreadConstraint',
  'matchLabelKeys of V1TopologySpreadConstraint',
  'namespaceSelector of V1PodAffinityTerm',
  'appArmorProfile of V1SecurityContext',
]);

/**
 * Objects out of what helm printed. The client would make models of them, without the fields that it doesn't know; of what it finds below
 * something else it makes nothing.
 */
export function manifestsIn(yaml: string): Manifest[] {
  const documents = yaml.split(/^---$/m).map((document) => `object:\n${document.replace(/^/gm, '  ')}`);
  return documents.map((document) => client.loadYaml<{ object: Manifest | null }>(document).object).filter((object) => object !== null);
}

/** What is wrong with an object by the schemas of Kubernetes: types, what is missing, and fields that there aren't. */
export function faultsOf(manifest: Manifest): string[] {
  const key = `${manifest.apiVersion} ${manifest.kind}`;
  if (UNCHECKED.has(key)) return [];
  const known = MODELS[key];
  if (!known) return [`${key}: no schema is known`];
  const [Model, name] = known;
  const faults = fieldFaults(manifest, name, key);
  try {
    new Model(manifest as never).validate();
  } catch (error) {
    faults.push(`${key}: ${String(error)}`);
  }
  return faults;
}

function fieldFaults(value: unknown, type: string, path: string): string[] {
  const list = /^Array<(.+)>$/.exec(type)?.[1];
  if (list)
    return Array.isArray(value)
      ? value.flatMap((item, index) => fieldFaults(item, list, `${path}[${String(index)}]`))
      : [`${path}: no list`];
  const map = /^{ \[key: string\]: (.+); }$/.exec(type)?.[1];
  if (map) {
    if (!isObject(value)) return [`${path}: no map`];
    return Object.entries(value).flatMap(([name, item]) => fieldFaults(item, map, `${path}.${name}`));
  }
  const scalar = { string: 'string', number: 'number', boolean: 'boolean' }[type];
  if (scalar) return typeof value === scalar ? [] : [`${path}: ${JSON.stringify(value)} is no ${scalar}`];
  const model = (client as unknown as Record<string, { getAttributeTypeMap?: () => Attribute[] } | undefined>)[type];
  if (!model?.getAttributeTypeMap) return [];
  if (!isObject(value)) return [`${path}: no object`];
  const attributes = new Map(model.getAttributeTypeMap().map(({ baseName, type: of }) => [baseName, of]));
  return Object.entries(value).flatMap(([name, item]) => {
    const of = attributes.get(name);
    if (of === undefined) return [`${path}: there is no field ${name}`];
    if (SINCE.has(`${name} of ${type}`)) return [`${path}: ${name} is newer than Kubernetes 1.20`];
    return fieldFaults(item, of, `${path}.${name}`);
  });
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
