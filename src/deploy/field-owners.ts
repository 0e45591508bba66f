import type { FieldsV1, ManagedFields } from '../kubernetes/kubernetes-object.ts';
import { KEELSON } from '../kubernetes/labels.ts';
import { isObject, stepInto, type Step } from './field-path.ts';

/** The fields that Keelson applied and still owns. */
export function applied(managedFields: readonly ManagedFields[]): FieldsV1 {
  return managedFields.find(({ manager, operation }) => manager === KEELSON && operation === 'Apply')?.fieldsV1 ?? {};
}

/**
 * Whether a set of fields has the one at this path, by itself or as part of what only has one owner as a whole.
 * @param fields in the form of metadata.managedFields: `f:<field>`, `k:<keys of an element>`, `v:<value of an element>`; nothing further
 * inside: all of it
 * @param live the object, which tells the keys of elements
 */
export function owns(fields: FieldsV1, live: unknown, steps: readonly Step[]): boolean {
  let at = fields;
  let value = live;
  for (const [depth, step] of steps.entries()) {
    if (depth > 0 && Object.keys(at).length === 0) return true;
    value = stepInto(value, step);
    const next = 'field' in step ? at[`f:${step.field}`] : elementOf(at, value);
    if (!next) return false;
    at = next;
  }
  return true;
}

function elementOf(fields: FieldsV1, element: unknown): FieldsV1 | undefined {
  return Object.entries(fields).find(([name]) => isElement(name, element))?.[1];
}

/** @param name `k:<keys of an element>` or `v:<value of an element>` */
function isElement(name: string, element: unknown): boolean {
  if (name.startsWith('v:')) return JSON.stringify(element) === name.slice(2);
  if (!name.startsWith('k:') || !isObject(element)) return false;
  const keys = JSON.parse(name.slice(2)) as Record<string, unknown>;
  return Object.entries(keys).every(([key, wanted]) => element[key] === wanted);
}

/** Whether a set of fields has only what is in the value too. @param fields in the form of metadata.managedFields */
export function isWithin(fields: FieldsV1, value: unknown): boolean {
  return Object.entries(fields).every(([name, inner]) => {
    if (name === '.') return true;
    if (name.startsWith('f:')) {
      const there = stepInto(value, { field: name.slice(2) });
      return there !== undefined && isWithin(inner, there);
    }
    const element: unknown = Array.isArray(value) ? value.find((candidate) => isElement(name, candidate)) : undefined;
    return element !== undefined && isWithin(inner, element);
  });
}

/** Who set the field as it is and when: of several owners the one that isn't Keelson, and came last; null where nobody is recorded. */
export function ownerOf(
  managedFields: readonly ManagedFields[],
  live: unknown,
  steps: readonly Step[],
): { manager: string; time: string | null } | null {
  const [owner] = managedFields
    .filter(({ fieldsV1 }) => fieldsV1 && owns(fieldsV1, live, steps))
    .sort((a, b) => Number(a.manager === KEELSON) - Number(b.manager === KEELSON) || ((a.time ?? '') < (b.time ?? '') ? 1 : -1));
  return owner ? { manager: owner.manager, time: owner.time ?? null } : null;
}
