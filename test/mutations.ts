import { KubernetesObjectApi, PatchStrategy } from '@kubernetes/client-node';
import { isDeepStrictEqual } from 'node:util';
import { isObject, pathText, valueAt, type Step } from '../src/deploy/field-path.ts';
import type { FieldsV1, KubernetesObject } from '../src/kubernetes/kubernetes-object.ts';
import type { Keelson } from './keelson.ts';
import { kubeConfigOf } from './test-cluster.ts';

/** What identifies an element of a list where people read a path. */
const IDENTITIES = ['name', 'containerPort', 'port', 'ip', 'type', 'host', 'path'];
/** Texts that take one of a few values. */
const CHOICES = [
  ['TCP', 'UDP'],
  ['IfNotPresent', 'Always'],
  ['Prefix', 'Exact'],
  ['Always', 'IfNotPresent'],
];
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Random numbers that come again with the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type How = 'patch' | 'apply' | 'removal';

/** A field that one hand has changed behind Keelson's back. */
export interface Mutation {
  kind: string;
  name: string;
  /** Where a report has to name it. */
  path: string;
  steps: Step[];
  before: unknown;
  /** Undefined: nothing is at the path any more. */
  after: unknown;
  manager: string;
}

/** A field that Keelson sends, and what has one owner with it: the field itself, or the list, map or element that changes hands as a whole. */
export interface SentField {
  steps: Step[];
  whole: Step[];
}

/** The fields that Keelson sends, by what the API server says that it owns. */
export function sentFields(object: KubernetesObject): SentField[] {
  const { managedFields = [] } = object.metadata;
  const own = managedFields.filter(({ manager, operation }) => manager === 'keelson' && operation === 'Apply');
  return own.flatMap(({ fieldsV1 }) => leaves(fieldsV1 ?? {}, object, []));
}

function leaves(fields: FieldsV1, value: unknown, steps: Step[]): SentField[] {
  const parts = Object.entries(fields).filter(([part]) => part !== '.');
  if (parts.length === 0) return scalars(value, steps).map((inside) => ({ steps: inside, whole: steps }));
  return parts.flatMap(([part, inside]) => {
    if (part.startsWith('f:')) return leaves(inside, valueAt(value, [{ field: part.slice(2) }]), [...steps, { field: part.slice(2) }]);
    const keys = JSON.parse(part.slice(2)) as Record<string, unknown>;
    const element = (value as Record<string, unknown>[]).find((one) => Object.entries(keys).every(([key, is]) => one[key] === is));
    const identity = IDENTITIES.find((key) => element?.[key] !== undefined) ?? '';
    if (!element) return [];
    const at = [...steps, { key: identity, value: element[identity] }];
    // whoever changes what an element is merged by makes another element
    const keyed = new Set(Object.keys(keys).map((field) => pathText([...at, { field }])));
    return leaves(inside, element, at).map((sent) => (keyed.has(pathText(sent.steps)) ? { ...sent, whole: at } : sent));
  });
}

/**
 * Where a report names a field that changed: of an element whose very name is another, the element, which isn't found any more; of a plain
 * list that is shorter, the list.
 */
export function reportedSteps(steps: Step[], how: How): Step[] {
  const last = steps.at(-1);
  if (last && 'index' in last && how === 'removal') return steps.slice(0, -1);
  return isKey(steps) ? steps.slice(0, -1) : steps;
}

/** Whether it is what its element is told by. */
function isKey(steps: readonly Step[]): boolean {
  const [holder, last] = steps.slice(-2);
  return last !== undefined && 'field' in last && holder !== undefined && 'key' in holder && holder.key === last.field;
}

/** Of what is owned as a whole, what is in it. */
function scalars(value: unknown, steps: Step[]): Step[][] {
  if (Array.isArray(value)) {
    const identity = IDENTITIES.find((key) => value.every((element) => isObject(element) && element[key] !== undefined));
    return value.flatMap((element: unknown, index) =>
      scalars(element, [...steps, identity && isObject(element) ? { key: identity, value: element[identity] } : { index }]),
    );
  }
  if (isObject(value)) return Object.entries(value).flatMap(([field, inside]) => scalars(inside, [...steps, { field }]));
  return value === undefined || value === null ? [] : [steps];
}

/** Another value of the same form. @param number of the mutation: no two elements may get the same name */
function another(value: unknown, steps: readonly Step[], number: number): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  const text = String(value);
  const [first, second] = steps;
  if (first && 'field' in first && first.field === 'data') {
    return base64(
      second && 'field' in second && second.field === '.dockerconfigjson' ? '{"auths":{"other.example.com":{}}}' : `other ${text}`,
    );
  }
  const choice = CHOICES.find(([from]) => from === text);
  if (choice) return choice[1];
  if (/^\d/.test(text)) return text.replace(/^\d+/, (digits) => String(Number(digits) + 1));
  return text.includes('.') && !text.includes('/') ? `other${String(number)}.${text}` : `${text}x${String(number)}`;
}

/** Hands that change things behind Keelson's back, as other field managers. */
export class Hands {
  private readonly objects: KubernetesObjectApi;
  private tried = 0;

  constructor(keelson: Keelson) {
    this.objects = KubernetesObjectApi.makeApiClient(kubeConfigOf(keelson));
  }

  async read({ apiVersion, kind, metadata: { name, namespace } }: KubernetesObject): Promise<KubernetesObject> {
    const read = await this.objects.read({ apiVersion, kind, metadata: { name, namespace: namespace ?? '' } });
    return JSON.parse(JSON.stringify(read)) as KubernetesObject;
  }

  async remove({ apiVersion, kind, metadata: { name, namespace = '' } }: KubernetesObject): Promise<void> {
    const object = { apiVersion, kind, metadata: { name, namespace } };
    await this.objects.delete(object, undefined, undefined, undefined, undefined, 'Background');
  }

  async patch(object: KubernetesObject, patch: object): Promise<void> {
    const { apiVersion, kind, metadata } = object;
    const body = { apiVersion, kind, ...patch, metadata: { ...(patch as { metadata?: object }).metadata, ...nameOf(metadata) } };
    await this.objects.patch(body, undefined, undefined, 'drill-patch', undefined, PatchStrategy.MergePatch);
  }

  /** Sets a field of a live object to something else, or takes it away. Null: the API server refuses it, or makes the same of it. */
  async mutate(object: KubernetesObject, steps: Step[], how: How): Promise<Mutation | null> {
    const live = await this.read(object);
    const before = valueAt(live, steps);
    if (before === undefined) return null;
    // an element without what it is merged by: Kubernetes 1.20 applies nothing to that object any more
    if (how === 'removal' && isKey(steps)) return null;
    const after = how === 'removal' ? undefined : another(before, steps, (this.tried += 1));
    // who applies another configuration takes back what he applied before
    const manager = how === 'apply' ? `drill-apply-${String(this.tried)}` : 'drill-patch';
    try {
      if (how === 'apply') {
        const { apiVersion, kind, metadata } = live;
        const config = applied(live, steps, after) as { metadata?: object };
        const body = { apiVersion, kind, ...config, metadata: { ...config.metadata, ...nameOf(metadata) } };
        await this.objects.patch(body, undefined, undefined, manager, true, PatchStrategy.ServerSideApply);
      } else {
        await this.patch(live, merged(live, steps, after));
      }
    } catch (error) {
      const { code, body } = error as { code?: unknown; body?: unknown };
      if (typeof code === 'number' && code >= 400 && code < 500) return null;
      // two elements of one name: no apply is possible any more
      if (code === 500 && String(body).includes('duplicate entries')) return null;
      throw error;
    }
    const now = await this.read(object);
    if (isDeepStrictEqual(valueAt(now, steps), before)) return null;
    const named = reportedSteps(steps, how);
    const owned = named.length === steps.length ? after : undefined;
    return { kind: live.kind, name: live.metadata.name, path: pathText(named), steps, before, after: owned, manager };
  }
}

const nameOf = ({ name, namespace }: KubernetesObject['metadata']): object => ({ name, ...(namespace && { namespace }) });

/** A merge patch: maps as far as they go, then whole lists. */
function merged(live: unknown, steps: readonly Step[], value: unknown): object {
  return mergedValue(live, steps, value) as object;
}

function mergedValue(live: unknown, [step, ...rest]: readonly Step[], value: unknown): unknown {
  if (!step) return value ?? null;
  if ('field' in step) return { [step.field]: mergedValue(valueAt(live, [step]), rest, value) };
  return replaced(live, [step, ...rest], value);
}

/** The value with one field of it made another. */
function replaced(live: unknown, [step, ...rest]: readonly Step[], value: unknown): unknown {
  if (!step) return value;
  if (Array.isArray(live)) {
    const at = live.indexOf(valueAt(live, [step]));
    const element = replaced(live[at], rest, value);
    return live.flatMap((one: unknown, index) => (index !== at ? [one] : element === undefined ? [] : [element]));
  }
  const entries = { ...(live as Record<string, unknown>) };
  const { field } = step as { field: string };
  const inside = replaced(entries[field], rest, value);
  if (inside === undefined) Reflect.deleteProperty(entries, field);
  else entries[field] = inside;
  return entries;
}

/** A configuration to apply with this field alone, and what names the elements on its way. */
function applied(live: unknown, [step, ...rest]: readonly Step[], value: unknown): unknown {
  if (!step) return value;
  if ('field' in step) return { [step.field]: applied(valueAt(live, [step]), rest, value) };
  const element = valueAt(live, [step]);
  // ports and containers are merged element by element, all else as a whole
  const keys = ['name', 'port', 'containerPort', 'protocol'].filter(
    (key) => isObject(element) && typeof element[key] !== 'object' && key in element,
  );
  const merges = isObject(element) && ('name' in element || 'port' in element);
  if (!merges) return replaced(live, [step, ...rest], value);
  const identity = Object.fromEntries(keys.map((key) => [key, element[key]]));
  return [Object.assign(identity, applied(element, rest, value))];
}
