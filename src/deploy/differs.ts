import { createHash } from 'node:crypto';
import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { APPLIED } from '../kubernetes/labels.ts';
import { applied, owns } from './field-owners.ts';
import { isObject, pathText, type Step } from './field-path.ts';

/** Fields whose text is a quantity: `1` and `1000m` are the same there. */
const QUANTITIES = new Set(['limits', 'requests', 'hard', 'capacity', 'min', 'max', 'default', 'defaultRequest', 'maxLimitRequestRatio']);

/** What identifies an element of a list, in order of preference: the keys that server-side apply merges such lists by. */
const KEYS = ['name', 'containerPort', 'port', 'ip', 'type', 'host', 'path'] as const;

const SUFFIXES: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The value of a Kubernetes quantity; NaN if it is none. */
export function quantity(text: string | number): number {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/.exec(String(text));
  return match ? Number(match[1]) * (SUFFIXES[match[2] ?? ''] ?? NaN) : NaN;
}

/**
 * The manifest with a hash of itself, by which fields that it no longer has are noticed. Replicas are always there, and change by
 * themselves where they are autoscaled.
 */
export function stamped(manifest: KubernetesObject): KubernetesObject {
  const spec = isObject(manifest.spec) ? { ...manifest.spec, replicas: undefined } : manifest.spec;
  const hash = createHash('sha256')
    .update(JSON.stringify({ ...manifest, spec }))
    .digest('hex')
    .slice(0, 32);
  const { metadata } = manifest;
  return { ...manifest, metadata: { ...metadata, annotations: { ...metadata.annotations, [APPLIED]: hash } } };
}

/** A field that isn't as wanted. */
export interface Difference {
  /** e.g. `spec.ports[name=http].port` */
  path: string;
  steps: readonly Step[];
  wanted: unknown;
  /** The same as `wanted` where the value is right and only Keelson doesn't own it any more; undefined where there is none. */
  found: unknown;
}

/**
 * The fields in which a live object isn't as wanted; none when it is. Defaults of the server don't count, nor what others added. A field
 * that has the wanted value counts too, if the live object tells who owns its fields and Keelson isn't among them: apply would not take
 * it away any more when it is no longer wanted, and of a list that has one owner somebody else decides.
 */
export function differences(desired: KubernetesObject, live: KubernetesObject): Difference[] {
  const { managedFields } = live.metadata;
  const ours = managedFields && applied(managedFields);
  const found: Difference[] = [];
  compare(desired, live, [], false, (same, steps, wanted, is) => {
    if (same && (!ours || !isOwned(steps) || owns(ours, live, steps))) return;
    found.push({ path: pathText(steps), steps, wanted, found: is });
  });
  return found;
}

export function differs(desired: KubernetesObject, live: KubernetesObject): boolean {
  return differences(desired, live).length > 0;
}

/** Whether a field has owners: what names the object has none. Replicas may be the autoscaler's. */
function isOwned([first, second]: readonly Step[]): boolean {
  const [outer, inner] = [first, second].map((step) => (step && 'field' in step ? step.field : ''));
  if (outer === 'metadata') return inner === 'labels' || inner === 'annotations';
  return outer !== 'apiVersion' && outer !== 'kind' && !(outer === 'spec' && inner === 'replicas');
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.values(value).every(isEmpty);
}

/** Told of every leaf that is wanted. */
type Visit = (same: boolean, steps: readonly Step[], wanted: unknown, found: unknown) => void;

function compare(wanted: unknown, found: unknown, steps: readonly Step[], quantities: boolean, visit: Visit): void {
  if (wanted === undefined) return;
  if (isEmpty(wanted) && isEmpty(found)) return;
  if (isObject(wanted)) {
    if (found !== undefined && found !== null && !isObject(found)) {
      visit(false, steps, wanted, found);
      return;
    }
    for (const [key, value] of Object.entries(wanted)) {
      compare(value, found?.[key], [...steps, { field: key }], quantities || QUANTITIES.has(key), visit);
    }
    return;
  }
  if (Array.isArray(wanted)) {
    if (Array.isArray(found)) compareLists(wanted, found, steps, quantities, visit);
    else visit(false, steps, wanted, found);
    return;
  }
  const same = wanted === found || (quantities && isScalar(wanted) && isScalar(found) && quantity(wanted) === quantity(found));
  visit(same, steps, wanted, found);
}

const isScalar = (value: unknown): value is string | number => typeof value === 'string' || typeof value === 'number';

function compareLists(wanted: unknown[], found: unknown[], steps: readonly Step[], quantities: boolean, visit: Visit): void {
  const key = KEYS.find((name) => wanted.every((element) => isObject(element) && element[name] !== undefined));
  if (!key) {
    if (wanted.length !== found.length) {
      visit(false, steps, wanted, found);
      return;
    }
    for (const [index, element] of wanted.entries()) compare(element, found[index], [...steps, { index }], quantities, visit);
    return;
  }
  for (const element of wanted) {
    const value = (element as Record<string, unknown>)[key];
    const match: unknown = found.find((other) => isObject(other) && other[key] === value);
    const at = [...steps, { key, value }];
    if (match === undefined) visit(false, at, element, undefined);
    else compare(element, match, at, quantities, visit);
  }
}
