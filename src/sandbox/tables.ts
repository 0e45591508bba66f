import type { IDeployment, IReplicaSet } from 'kubernetes-models/apps/v1';
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v1';
import type { IIngress, INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import type { IRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import type { IConfigMap, IContainer, IEvent, INode, IResourceQuota, ISecret, IService, IServiceAccount } from 'kubernetes-models/v1';
import { podRow, type ListedPod } from './pod-row.ts';
import type { Resource } from './resources.ts';
import type { StoredObject } from './stored-object.ts';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

type Cell = string | number;

interface Column {
  name: string;
  type?: 'integer';
  /** Shown by `kubectl get -o wide` alone. */
  wide?: boolean;
}

interface ListedEndpoints {
  metadata?: { name?: string; creationTimestamp?: string };
  subsets?: { addresses?: { ip: string }[]; ports?: { port: number }[] }[];
}

interface Layout {
  columns: Column[];
  row: (object: never) => Cell[];
}

/** What `kubectl get` prints: a column for each fact that matters of the kind, a row for each object. */
export function table(type: Resource, items: StoredObject[], metadata: object, include: IncludeObject): object {
  const { columns, row } = layouts[type.plural] ?? anyLayout;
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: columns.map(({ name, type: of = 'string', wide }) => ({
      name,
      type: of,
      format: name === 'Name' ? 'name' : '',
      description: name,
      priority: wide ? 1 : 0,
    })),
    rows: items.map((item) => ({
      cells: row(item as never),
      ...(include === 'None'
        ? {}
        : {
            object: include === 'Object' ? item : { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: item.metadata },
          }),
    })),
  };
}

/** `3s`, `5m12s`, `4h`, `12d`: as precise as a person wants it. */
export function duration(seconds: number): string {
  const parts = (large: number, small: number, [big, little]: [string, string]): string =>
    `${large}${big}${small ? `${small}${little}` : ''}`;
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (seconds < 120) return `${Math.max(0, Math.floor(seconds))}s`;
  if (minutes < 10) return parts(minutes, Math.floor(seconds) % 60, ['m', 's']);
  if (hours < 3) return `${minutes}m`;
  if (hours < 8) return parts(hours, minutes % 60, ['h', 'm']);
  if (hours < 48) return `${hours}h`;
  return days < 8 ? parts(days, hours % 24, ['d', 'h']) : `${days}d`;
}

export const since = (time: string | undefined): string => (time ? duration((Date.now() - Date.parse(time)) / 1000) : '<unknown>');

const ageOf = (object: { metadata?: { creationTimestamp?: string } }): string => since(object.metadata?.creationTimestamp);
const nameOf = (object: { metadata?: { name?: string } }): string => object.metadata?.name ?? '';
const listed = (items: readonly string[], none = '<none>'): string => (items.length ? items.join(',') : none);
const labelled = (labels: Record<string, string> | undefined): string =>
  listed(Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`));

const shown = (...names: string[]): Column[] => names.map((name) => ({ name }));
const wide = (...names: string[]): Column[] => names.map((name) => ({ name, wide: true }));
const counts = (...names: string[]): Column[] => names.map((name) => ({ name, type: 'integer' }));

const anyLayout: Layout = {
  columns: shown('Name', 'Created At'),
  row: ({ metadata }: StoredObject) => [metadata.name, metadata.creationTimestamp],
};

const containerCells = (containers: IContainer[] | undefined, labels: Record<string, string> | undefined): Cell[] => [
  (containers ?? []).map(({ name }) => name).join(','),
  (containers ?? []).map(({ image }) => image ?? '').join(','),
  labelled(labels),
];

const layouts: Record<string, Layout> = {
  configmaps: {
    columns: shown('Name', 'Data', 'Age'),
    row: (map: IConfigMap) => [nameOf(map), Object.keys({ ...map.data, ...map.binaryData }).length, ageOf(map)],
  },
  deployments: {
    columns: [...shown('Name', 'Ready', 'Up-to-date', 'Available', 'Age'), ...wide('Containers', 'Images', 'Selector')],
    row: (deployment: IDeployment) => {
      const { spec, status } = deployment;
      return [
        nameOf(deployment),
        `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
        status?.updatedReplicas ?? 0,
        status?.availableReplicas ?? 0,
        ageOf(deployment),
        ...containerCells(spec?.template.spec?.containers, spec?.selector.matchLabels),
      ];
    },
  },
  endpoints: {
    columns: shown('Name', 'Endpoints', 'Age'),
    row: (endpoints: ListedEndpoints) => {
      const addresses = (endpoints.subsets ?? []).flatMap(({ addresses: each = [], ports = [] }) =>
        each.flatMap(({ ip }) => ports.map(({ port }) => `${ip}:${port}`)),
      );
      return [nameOf(endpoints), listed(addresses), ageOf(endpoints)];
    },
  },
  events: {
    columns: [
      ...shown('Last Seen', 'Type', 'Reason', 'Object'),
      ...wide('Subobject', 'Source'),
      ...shown('Message'),
      ...wide('First Seen', 'Count', 'Name'),
    ],
    row: (event: IEvent) => [
      since(event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp),
      event.type ?? '',
      event.reason ?? '',
      `${(event.involvedObject.kind ?? '').toLowerCase()}/${event.involvedObject.name ?? ''}`,
      event.involvedObject.fieldPath ?? '',
      listed(
        [event.source?.component, event.source?.host].filter((each) => each !== undefined),
        '',
      ),
      (event.message ?? '').trim(),
      since(event.firstTimestamp ?? event.eventTime),
      event.count ?? 1,
      nameOf(event),
    ],
  },
  horizontalpodautoscalers: {
    columns: shown('Name', 'Reference', 'Targets', 'MinPods', 'MaxPods', 'Replicas', 'Age'),
    row: (autoscaler: IHorizontalPodAutoscaler) => {
      const { spec, status } = autoscaler;
      const current = status?.currentCPUUtilizationPercentage;
      return [
        nameOf(autoscaler),
        `${spec?.scaleTargetRef.kind ?? ''}/${spec?.scaleTargetRef.name ?? ''}`,
        `${current === undefined ? '<unknown>' : `${current}%`}/${spec?.targetCPUUtilizationPercentage ?? 80}%`,
        spec?.minReplicas ?? 1,
        spec?.maxReplicas ?? 0,
        status?.currentReplicas ?? 0,
        ageOf(autoscaler),
      ];
    },
  },
  ingresses: {
    columns: shown('Name', 'Class', 'Hosts', 'Address', 'Ports', 'Age'),
    row: (ingress: IIngress) => {
      const { spec, status } = ingress;
      const hosts = (spec?.rules ?? []).flatMap(({ host }) => host ?? []);
      const addresses = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? []);
      return [
        nameOf(ingress),
        spec?.ingressClassName ?? '<none>',
        listed(hosts, '*'),
        addresses.join(','),
        spec?.tls?.length ? '80, 443' : '80',
        ageOf(ingress),
      ];
    },
  },
  namespaces: {
    columns: shown('Name', 'Status', 'Age'),
    row: (namespace: StoredObject) => [nameOf(namespace), (namespace.status as { phase?: string }).phase ?? '', ageOf(namespace)],
  },
  nodes: {
    columns: [
      ...shown('Name', 'Status', 'Roles', 'Age', 'Version'),
      ...wide('Internal-IP', 'External-IP', 'OS-Image', 'Kernel-Version', 'Container-Runtime'),
    ],
    row: (node: INode) => {
      const { conditions, nodeInfo, addresses } = node.status ?? {};
      const ready = conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
      const address = (kind: string): string => addresses?.find(({ type }) => type === kind)?.address ?? '<none>';
      return [
        nameOf(node),
        `${ready ? 'Ready' : 'NotReady'}${node.spec?.unschedulable ? ',SchedulingDisabled' : ''}`,
        '<none>',
        ageOf(node),
        nodeInfo?.kubeletVersion ?? '',
        address('InternalIP'),
        address('ExternalIP'),
        nodeInfo?.osImage ?? '',
        nodeInfo?.kernelVersion ?? '',
        nodeInfo?.containerRuntimeVersion ?? '',
      ];
    },
  },
  pods: {
    columns: [
      ...shown('Name', 'Ready', 'Status'),
      ...counts('Restarts'),
      ...shown('Age'),
      ...wide('IP', 'Node', 'Nominated Node', 'Readiness Gates'),
    ],
    row: (pod: ListedPod) => {
      const { ready, containers, reason, restarts } = podRow(pod);
      const { podIP, nominatedNodeName } = pod.status ?? {};
      return [
        nameOf(pod),
        `${ready}/${containers}`,
        reason,
        restarts,
        ageOf(pod),
        podIP ?? '<none>',
        pod.spec?.nodeName ?? '<none>',
        nominatedNodeName ?? '<none>',
        '<none>',
      ];
    },
  },
  replicasets: {
    columns: [...shown('Name'), ...counts('Desired', 'Current', 'Ready'), ...shown('Age'), ...wide('Containers', 'Images', 'Selector')],
    row: (set: IReplicaSet) => {
      const { spec, status } = set;
      return [
        nameOf(set),
        spec?.replicas ?? 0,
        status?.replicas ?? 0,
        status?.readyReplicas ?? 0,
        ageOf(set),
        ...containerCells(spec?.template?.spec?.containers, spec?.selector.matchLabels),
      ];
    },
  },
  resourcequotas: {
    columns: shown('Name', 'Age', 'Request', 'Limit'),
    row: (quota: IResourceQuota) => {
      const { hard = {}, used = {} } = quota.status ?? {};
      const amounts = (limits: boolean): string =>
        Object.keys(hard)
          .filter((name) => name.startsWith('limits.') === limits)
          .sort()
          .map((name) => `${name}: ${used[name] ?? 0}/${hard[name] ?? 0}`)
          .join(', ');
      return [nameOf(quota), ageOf(quota), amounts(false), amounts(true)];
    },
  },
  networkpolicies: {
    columns: shown('Name', 'Pod-Selector', 'Age'),
    row: (policy: INetworkPolicy) => [nameOf(policy), labelled(policy.spec?.podSelector.matchLabels), ageOf(policy)],
  },
  rolebindings: {
    columns: [...shown('Name', 'Role', 'Age'), ...wide('Users', 'Groups', 'ServiceAccounts')],
    row: (binding: IRoleBinding) => {
      const subjects = (kind: string): string =>
        (binding.subjects ?? [])
          .filter((each) => each.kind === kind)
          .map(({ namespace, name }) => (namespace ? `${namespace}/${name}` : name))
          .join(', ');
      const role = `${binding.roleRef.kind}/${binding.roleRef.name}`;
      return [nameOf(binding), role, ageOf(binding), subjects('User'), subjects('Group'), subjects('ServiceAccount')];
    },
  },
  secrets: {
    columns: shown('Name', 'Type', 'Data', 'Age'),
    row: (secret: ISecret) => [nameOf(secret), secret.type ?? '', Object.keys(secret.data ?? {}).length, ageOf(secret)],
  },
  serviceaccounts: {
    columns: shown('Name', 'Secrets', 'Age'),
    row: (account: IServiceAccount) => [nameOf(account), account.secrets?.length ?? 0, ageOf(account)],
  },
  services: {
    columns: [...shown('Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age'), ...wide('Selector')],
    row: (service: IService) => {
      const { type, clusterIP, ports = [], selector, externalName } = service.spec ?? {};
      const external = type === 'LoadBalancer' ? '<pending>' : (externalName ?? '<none>');
      const port = ports.map(({ port: number, nodePort, protocol }) => `${number}${nodePort ? `:${nodePort}` : ''}/${protocol ?? 'TCP'}`);
      return [nameOf(service), type ?? '', clusterIP ?? '<none>', external, listed(port), ageOf(service), labelled(selector)];
    },
  },
};
