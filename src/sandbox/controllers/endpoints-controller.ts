import type { Change, Store } from '../store.ts';
import {
  hasEnded,
  isReady,
  matches,
  type EndpointAddress,
  type Endpoints,
  type EndpointSubset,
  type New,
  type Pod,
  type Service,
} from './objects.ts';
import { fromKey, keyOf, WorkQueue } from './work-queue.ts';

/** Lists the addresses of the pods that each Service selects, as `kubectl describe service` shows them. */
export class EndpointsController {
  private readonly queue = new WorkQueue((key) => {
    this.reconcile(key);
  });
  private readonly unsubscribe: () => void;

  constructor(private readonly store: Store) {
    this.unsubscribe = store.onChange((change) => {
      this.hear(change);
    });
    for (const { metadata } of store.list('services')) this.queue.add(keyOf(metadata));
  }

  stop(): void {
    this.unsubscribe();
    this.queue.stop();
  }

  private hear({ resource, object, previous }: Change): void {
    if (resource === 'services') this.queue.add(keyOf(object.metadata));
    if (resource !== 'pods') return;
    for (const { metadata, spec } of this.store.list<Service>('services', object.metadata.namespace)) {
      const selects = [object, previous].some((pod) => matches(pod?.metadata.labels, spec.selector ?? {}));
      if (selects) this.queue.add(keyOf(metadata));
    }
  }

  private reconcile(key: string): void {
    const { namespace, name } = fromKey(key);
    const service = this.store.get<Service>('services', namespace, name);
    const present = this.store.get<Endpoints>('endpoints', namespace, name);
    if (!service) {
      if (present) this.store.delete('endpoints', namespace, name);
      return;
    }
    const { selector, ports = [] } = service.spec;
    if (!selector || Object.keys(selector).length === 0) return;
    const subsets = subsetsOf(
      ports,
      this.store.list<Pod>('pods', namespace).filter((pod) => matches(pod.metadata.labels, selector)),
    );
    if (present) this.store.update('endpoints', { ...present, subsets });
    else {
      const { labels } = service.metadata;
      const endpoints: New<Endpoints> = { apiVersion: 'v1', kind: 'Endpoints', metadata: { name, namespace, labels }, subsets };
      this.store.create('endpoints', endpoints);
    }
  }
}

type ServicePort = NonNullable<Service['spec']['ports']>[number];

/** Pods that answer on the same ports stand together; those that are ready apart from those that aren't. */
function subsetsOf(ports: ServicePort[], pods: Pod[]): EndpointSubset[] | undefined {
  const groups = new Map<string, Required<EndpointSubset>>();
  for (const pod of pods) {
    const ip = pod.status?.podIP;
    if (!ip || hasEnded(pod) || pod.metadata.deletionTimestamp) continue;
    const open = ports.flatMap((port) => {
      const number = targetPort(port, pod);
      return number === undefined ? [] : [{ name: port.name, port: number, protocol: port.protocol ?? ('TCP' as const) }];
    });
    const group = JSON.stringify(open);
    const subset = groups.get(group) ?? { addresses: [], notReadyAddresses: [], ports: open };
    groups.set(group, subset);
    (isReady(pod) ? subset.addresses : subset.notReadyAddresses).push(addressOf(pod, ip));
  }
  const subsets = [...groups.values()].map(({ addresses, notReadyAddresses, ports: open }) => ({
    ...(addresses.length ? { addresses } : {}),
    ...(notReadyAddresses.length ? { notReadyAddresses } : {}),
    ports: open,
  }));
  return subsets.length ? subsets : undefined;
}

function targetPort({ targetPort: target, port }: ServicePort, pod: Pod): number | undefined {
  if (typeof target === 'number') return target;
  if (target === undefined) return port;
  return pod.spec.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === target)?.containerPort;
}

const addressOf = (pod: Pod, ip: string): EndpointAddress => ({
  ip,
  nodeName: pod.spec.nodeName,
  targetRef: {
    kind: 'Pod',
    name: pod.metadata.name,
    namespace: pod.metadata.namespace,
    uid: pod.metadata.uid,
    resourceVersion: pod.metadata.resourceVersion,
  },
});
