import type { KubernetesObject as ClientObject } from '@kubernetes/client-node';
import type { KubernetesObject } from './kubernetes-object.ts';
import { LIMIT_RANGE, NETWORK_POLICY } from './object-kind.ts';

/**
 * Fields whose names TypeScript keeps for itself: the client has its own for them, with `_` in front. By kind, the list of the spec in whose
 * elements they are; of what Keelson sends only these have such a one.
 */
const RESERVED: Record<string, { list: string; field: string } | undefined> = {
  [LIMIT_RANGE.kind]: { list: 'limits', field: 'default' },
  [NETWORK_POLICY.kind]: { list: 'ingress', field: 'from' },
};

/** An object as the client takes it: what it doesn't know by its own names, it leaves out. */
export const toClient = (object: KubernetesObject): ClientObject => renamed(object, (field) => [field, `_${field}`]) as ClientObject;

/** An object as it goes over the wire. The client hands out instances of classes, with Dates. */
export function fromClient(object: unknown): KubernetesObject {
  const plain = JSON.parse(JSON.stringify(object)) as KubernetesObject;
  return renamed(plain, (field) => [`_${field}`, field]);
}

function renamed(object: KubernetesObject, names: (field: string) => [from: string, to: string]): KubernetesObject {
  const reserved = RESERVED[object.kind];
  if (!reserved) return object;
  const [from, to] = names(reserved.field);
  const spec = object.spec as Record<string, Record<string, unknown>[] | undefined> | undefined;
  const elements = spec?.[reserved.list]?.map((element) =>
    Object.fromEntries(Object.entries(element).map(([name, value]) => [name === from ? to : name, value])),
  );
  return elements ? { ...object, spec: { ...spec, [reserved.list]: elements } } : object;
}
