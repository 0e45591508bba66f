import type { IPod, IResourceQuota, IService } from 'kubernetes-models/v1';
import { forbidden } from './api-error.ts';
import { totals } from './limit-ranges.ts';
import { nano, sum } from './quantity.ts';
import { resourceOf, type Resource } from './resources.ts';
import type { StoredObject, StoredObjects } from './stored-object.ts';

type Usage = Record<string, string>;
export type StoredQuota = IResourceQuota & StoredObject;

/** Counted by their plain name, too, not only as `count/secrets`. */
const counted = ['configmaps', 'resourcequotas', 'secrets', 'services'];
const compute = ['cpu', 'memory', 'ephemeral-storage'];

/** Throws ApiError 403 where the object would take more than a quota of its namespace has left. */
export function enforceQuotas(store: StoredObjects, type: Resource, object: StoredObject): void {
  for (const quota of store.list<StoredQuota>('resourcequotas', object.metadata.namespace)) {
    const hard = quota.spec?.hard ?? {};
    if (!covers(quota, type.plural, object)) continue;
    if (type.plural === 'pods') demandResources(quota, object as unknown as IPod & StoredObject);
    const wanted = usageOf(type, object);
    const used = usage(store, quota);
    const exceeded = Object.keys(hard)
      .filter((name) => wanted[name] !== undefined && nano(used[name]) + nano(wanted[name]) > nano(hard[name]))
      .sort();
    if (exceeded.length === 0) continue;
    const list = (amounts: Record<string, string | number | undefined>): string =>
      exceeded.map((name) => `${name}=${amounts[name] ?? 0}`).join(',');
    const words = `exceeded quota: ${quota.metadata.name}, requested: ${list(wanted)}, used: ${list(used)}, limited: ${list(hard)}`;
    throw forbidden(type, object.metadata.name, words);
  }
}

/** How much of what the quota limits is in use. */
export function usage(store: StoredObjects, quota: StoredQuota): Usage {
  const { namespace } = quota.metadata;
  const hard = Object.keys(quota.spec?.hard ?? {});
  const plurals = [...new Set(hard.map(pluralOf))];
  const usages = plurals.flatMap((plural) => {
    const type = resourceNamed(plural);
    if (!type) return [];
    const objects = store.list(plural, namespace).filter((object) => covers(quota, plural, object));
    return objects.map((object) => usageOf(type, object));
  });
  return Object.fromEntries(hard.map((name) => [name, sum(usages.flatMap((each) => each[name] ?? []))]));
}

function resourceNamed(plural: string): Resource | undefined {
  try {
    return resourceOf(plural);
  } catch {
    return undefined;
  }
}

/** The kind of object that uses what a quota names: `requests.cpu` is used by pods, `count/deployments.apps` by deployments. */
function pluralOf(name: string): string {
  if (name.startsWith('count/')) return name.slice('count/'.length).split('.')[0] ?? '';
  if (name.startsWith('services.')) return 'services';
  return counted.includes(name) ? name : 'pods';
}

function usageOf(type: Resource, object: StoredObject): Usage {
  const one = { [`count/${type.plural}${type.group ? `.${type.group}` : ''}`]: '1' };
  if (type.plural === 'pods') return { ...one, ...podUsage(object as unknown as IPod) };
  if (type.plural === 'services') return { ...one, ...serviceUsage(object as unknown as IService) };
  return counted.includes(type.plural) ? { ...one, [type.plural]: '1' } : one;
}

/** A pod that has ended takes nothing but its place among the objects. */
function podUsage(pod: IPod): Usage {
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return {};
  const used: Usage = { pods: '1' };
  for (const [name, amount] of Object.entries(totals(pod, 'requests'))) {
    used[`requests.${name}`] = String(amount);
    if (compute.includes(name)) used[name] = String(amount);
  }
  for (const [name, amount] of Object.entries(totals(pod, 'limits'))) used[`limits.${name}`] = String(amount);
  return used;
}

function serviceUsage({ spec }: IService): Usage {
  const ports = String(spec?.ports?.length ?? 0);
  if (spec?.type === 'NodePort') return { services: '1', 'services.nodeports': ports };
  if (spec?.type === 'LoadBalancer') return { services: '1', 'services.nodeports': ports, 'services.loadbalancers': '1' };
  return { services: '1' };
}

/** Where a quota limits cpu or memory, every container has to say how much it wants. */
function demandResources(quota: StoredQuota, { metadata, spec }: IPod & StoredObject): void {
  const missing = Object.keys(quota.spec?.hard ?? {}).filter((name) => {
    const [, kind = 'requests', resource = ''] = /^(?:(requests|limits)\.)?(cpu|memory)$/.exec(name) ?? [];
    if (!resource) return false;
    const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
    return containers.some(({ resources }) => resources?.[kind as 'requests' | 'limits']?.[resource] === undefined);
  });
  if (missing.length === 0) return;
  throw forbidden(resourceOf('pods'), metadata.name, `failed quota: ${quota.metadata.name}: must specify ${missing.sort().join(',')}`);
}

/** Whether the quota's scopes take the object in. */
function covers({ spec }: StoredQuota, plural: string, object: StoredObject): boolean {
  const scopes = spec?.scopes ?? [];
  if (scopes.length === 0) return true;
  if (plural !== 'pods') return false;
  const pod = object as unknown as IPod;
  const isTerminating = pod.spec?.activeDeadlineSeconds !== undefined;
  const isBestEffort = pod.status?.qosClass === 'BestEffort';
  const fits: Record<string, boolean> = {
    Terminating: isTerminating,
    NotTerminating: !isTerminating,
    BestEffort: isBestEffort,
    NotBestEffort: !isBestEffort,
  };
  return scopes.every((scope) => fits[scope] ?? false);
}
