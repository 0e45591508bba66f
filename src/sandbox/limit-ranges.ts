import type { IContainer, ILimitRange, IPod } from 'kubernetes-models/v1';
import { forbidden } from './api-error.ts';
import { nano, sum } from './quantity.ts';
import { resourceOf } from './resources.ts';
import type { StoredObject, StoredObjects } from './stored-object.ts';

type Amounts = Record<string, string | number>;
type Item = NonNullable<ILimitRange['spec']>['limits'][number];

const containersOf = ({ spec }: IPod): IContainer[] => [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];

/** Gives the pod's containers the requests and limits that the namespace's LimitRanges have by default. */
export function applyLimitRanges(store: StoredObjects, pod: IPod & StoredObject): void {
  for (const item of itemsIn(store, pod)) {
    if (item.type !== 'Container') continue;
    for (const container of containersOf(pod)) {
      const { limits, requests } = container.resources ?? {};
      container.resources = {
        ...container.resources,
        ...(item.default || limits ? { limits: { ...item.default, ...limits } } : {}),
        ...(item.defaultRequest || requests ? { requests: { ...item.defaultRequest, ...requests } } : {}),
      };
    }
  }
}

/** Throws ApiError 403 where the pod is outside what a LimitRange allows. */
export function enforceLimitRanges(store: StoredObjects, pod: IPod & StoredObject): void {
  const faults = itemsIn(store, pod).flatMap((item) => {
    if (item.type === 'Container')
      return containersOf(pod).flatMap(({ resources }) => itemFaults(item, resources?.requests, resources?.limits));
    return item.type === 'Pod' ? itemFaults(item, totals(pod, 'requests'), totals(pod, 'limits')) : [];
  });
  if (faults.length === 0) return;
  throw forbidden(resourceOf('pods'), pod.metadata.name, faults.length === 1 ? (faults[0] ?? '') : `[${faults.join(', ')}]`);
}

const itemsIn = (store: StoredObjects, { metadata }: StoredObject): Item[] =>
  store.list<ILimitRange>('limitranges', metadata.namespace).flatMap(({ spec }) => spec?.limits ?? []);

/** What the pod as a whole requests or is limited to: its containers together, or a single init container that takes more. */
export function totals({ spec }: IPod, kind: 'requests' | 'limits'): Amounts {
  const amounts = (containers: IContainer[]): Amounts[] => containers.map(({ resources }) => resources?.[kind] ?? {});
  const together = amounts(spec?.containers ?? []);
  const names = new Set([...together, ...amounts(spec?.initContainers ?? [])].flatMap((each) => Object.keys(each)));
  return Object.fromEntries(
    [...names].map((name) => {
      const running = sum(together.flatMap((each) => each[name] ?? []));
      const largest = amounts(spec?.initContainers ?? []).reduce(
        (most, each) => (nano(each[name]) > nano(most) ? String(each[name]) : most),
        running,
      );
      return [name, largest];
    }),
  );
}

function itemFaults(item: Item, requests: Amounts = {}, limits: Amounts = {}): string[] {
  const bound = (kind: 'minimum' | 'maximum', name: string, enforced: string | number): string[] => {
    const request = requests[name];
    const limit = limits[name];
    const words = `${kind} ${name} usage per ${item.type} is ${enforced}`;
    if (kind === 'minimum') {
      if (request === undefined) return [`${words}.  No request is specified`];
      if (nano(request) < nano(enforced)) return [`${words}, but request is ${request}`];
      return limit !== undefined && nano(limit) < nano(enforced) ? [`${words}, but limit is ${limit}`] : [];
    }
    if (limit === undefined) return [`${words}.  No limit is specified`];
    if (nano(limit) > nano(enforced)) return [`${words}, but limit is ${limit}`];
    return request !== undefined && nano(request) > nano(enforced) ? [`${words}, but request is ${request}`] : [];
  };
  return [
    ...Object.entries(item.min ?? {}).flatMap(([name, enforced]) => bound('minimum', name, enforced)),
    ...Object.entries(item.max ?? {}).flatMap(([name, enforced]) => bound('maximum', name, enforced)),
  ];
}
