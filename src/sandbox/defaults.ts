import type { IDeployment, IReplicaSet } from 'kubernetes-models/apps/v1';
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v1';
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import type { IRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import type { IContainer, ILimitRange, INamespace, INode, IPod, IPodSpec, IProbe, ISecret, IService, IVolume } from 'kubernetes-models/v1';
import { nano } from './quantity.ts';
import type { StoredObject } from './stored-object.ts';

/** Fills in what Kubernetes fills in for a field that nobody set, kind by kind. The object is changed in place. */
export function applyDefaults(resource: string, object: StoredObject): void {
  defaults[resource]?.(object as never);
}

const defaults: Record<string, (object: never) => void> = {
  deployments: ({ spec }: IDeployment) => {
    if (!spec) return;
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
    spec.strategy ??= {};
    spec.strategy.type ??= 'RollingUpdate';
    if (spec.strategy.type === 'RollingUpdate') {
      spec.strategy.rollingUpdate ??= {};
      spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
      spec.strategy.rollingUpdate.maxSurge ??= '25%';
    }
    if (spec.template.spec) podSpec(spec.template.spec);
  },
  endpoints: ({ subsets }: { subsets?: { ports?: { protocol?: string }[] }[] }) => {
    for (const { ports } of subsets ?? []) for (const port of ports ?? []) port.protocol ??= 'TCP';
  },
  horizontalpodautoscalers: ({ spec }: IHorizontalPodAutoscaler) => {
    if (!spec) return;
    spec.minReplicas ??= 1;
    spec.targetCPUUtilizationPercentage ??= 80;
  },
  limitranges: ({ spec }: ILimitRange) => {
    for (const item of spec?.limits ?? []) {
      if (item.type !== 'Container') continue;
      if (item.max) item.default = { ...item.max, ...item.default };
      if (item.default) item.defaultRequest = { ...item.default, ...item.defaultRequest };
      if (item.min) item.defaultRequest = { ...item.min, ...item.defaultRequest };
    }
  },
  namespaces: (namespace: INamespace) => {
    namespace.status = { ...namespace.status, phase: namespace.status?.phase ?? 'Active' };
  },
  networkpolicies: ({ spec }: INetworkPolicy) => {
    if (!spec) return;
    spec.policyTypes ??= spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
    for (const { ports } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) for (const port of ports ?? []) port.protocol ??= 'TCP';
  },
  nodes: ({ status }: INode) => {
    if (status?.capacity) status.allocatable ??= { ...status.capacity };
  },
  pods: ({ spec }: IPod) => {
    if (!spec) return;
    podSpec(spec);
    spec.enableServiceLinks ??= true;
    for (const { resources } of [...spec.containers, ...(spec.initContainers ?? [])]) {
      if (resources?.limits) resources.requests = { ...resources.limits, ...resources.requests };
    }
  },
  replicasets: ({ spec }: IReplicaSet) => {
    if (!spec) return;
    spec.replicas ??= 1;
    if (spec.template?.spec) podSpec(spec.template.spec);
  },
  rolebindings: ({ roleRef, subjects }: IRoleBinding) => {
    roleRef.apiGroup ||= 'rbac.authorization.k8s.io';
    for (const subject of subjects ?? []) if (subject.kind !== 'ServiceAccount') subject.apiGroup ??= 'rbac.authorization.k8s.io';
  },
  secrets: (secret: ISecret) => {
    secret.type ??= 'Opaque';
    for (const [name, text] of Object.entries(secret.stringData ?? {})) {
      secret.data = { ...secret.data, [name]: Buffer.from(text).toString('base64') };
    }
    delete secret.stringData;
  },
  services: ({ spec }: IService) => {
    if (!spec) return;
    spec.type ??= 'ClusterIP';
    spec.sessionAffinity ??= 'None';
    if (spec.sessionAffinity === 'ClientIP') spec.sessionAffinityConfig ??= { clientIP: { timeoutSeconds: 10800 } };
    if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') spec.externalTrafficPolicy ??= 'Cluster';
    for (const port of spec.ports ?? []) {
      port.protocol ??= 'TCP';
      if (!port.targetPort) port.targetPort = port.port;
    }
  },
};

function podSpec(spec: IPodSpec): void {
  spec.dnsPolicy ??= 'ClusterFirst';
  spec.restartPolicy ??= 'Always';
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ??= 'default-scheduler';
  spec.securityContext ??= {};
  const account = spec.serviceAccountName ?? spec.serviceAccount;
  if (account) Object.assign(spec, { serviceAccountName: account, serviceAccount: account });
  for (const each of [...spec.containers, ...(spec.initContainers ?? [])]) container(each, spec.hostNetwork ?? false);
  for (const each of spec.volumes ?? []) volume(each);
}

function container(each: IContainer, hostNetwork: boolean): void {
  each.imagePullPolicy ??= pullPolicy(each.image ?? '');
  each.terminationMessagePath ??= '/dev/termination-log';
  each.terminationMessagePolicy ??= 'File';
  for (const port of each.ports ?? []) {
    port.protocol ??= 'TCP';
    if (hostNetwork) port.hostPort ??= port.containerPort;
  }
  for (const check of [each.livenessProbe, each.readinessProbe, each.startupProbe]) if (check) probe(check);
  for (const hook of [each.lifecycle?.postStart, each.lifecycle?.preStop]) if (hook?.httpGet) httpGet(hook.httpGet);
  for (const { valueFrom } of each.env ?? []) {
    if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion ??= 'v1';
    if (valueFrom?.resourceFieldRef) valueFrom.resourceFieldRef.divisor ??= '0';
  }
}

/** `latest`, said or meant, is pulled each time. */
function pullPolicy(image: string): 'Always' | 'IfNotPresent' {
  const [, tag, digest] = /^[^@]*?(?::([^/:@]+))?(@.+)?$/.exec(image) ?? [];
  return (tag === undefined && digest === undefined) || tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function probe(check: IProbe): void {
  check.timeoutSeconds ??= 1;
  check.periodSeconds ??= 10;
  check.successThreshold ??= 1;
  check.failureThreshold ??= 3;
  if (check.httpGet) httpGet(check.httpGet);
}

function httpGet(action: NonNullable<IProbe['httpGet']>): void {
  action.path ??= '/';
  action.scheme ??= 'HTTP';
}

const fileMode = 0o644;

function volume(each: IVolume): void {
  const files = [each.secret, each.configMap, each.downwardAPI, each.projected];
  for (const source of files) if (source) source.defaultMode ??= fileMode;
  for (const { serviceAccountToken } of each.projected?.sources ?? [])
    if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= 3600;
  if (each.hostPath) each.hostPath.type ??= '';
  if (Object.keys(each).length === 1) each.emptyDir = {};
}

/** The pod's quality of service, as its resources make it. */
export function qualityOfService({ containers, initContainers }: IPodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const resources = [...containers, ...(initContainers ?? [])].map((each) => each.resources ?? {});
  const compute = ['cpu', 'memory'];
  const amounts = resources.flatMap(({ limits, requests }) => compute.flatMap((name) => [limits?.[name], requests?.[name]]));
  if (amounts.every((amount) => nano(amount) === 0n)) return 'BestEffort';
  const isGuaranteed = resources.every(({ limits, requests }) =>
    compute.every((name) => nano(limits?.[name]) !== 0n && nano(limits?.[name]) === nano(requests?.[name] ?? limits?.[name])),
  );
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}
