import type { Autoscale } from '../app-settings/app-settings.entity.ts';
import { entryOf } from '../config/config-fields.ts';
import { isJsonObject } from '../http/field-values.ts';
import { BadRequest, Conflict, NotFound } from '../http/errors.ts';

/** More pods of one type than any cluster of the platform runs: a slip of the keyboard. */
const MAX_COUNT = 10_000;

function countFault(count: unknown): string | null {
  const number = typeof count === 'string' && /^-?\d+$/.test(count) ? Number(count) : count;
  if (typeof number !== 'number' || !Number.isInteger(number)) return 'Must be a whole number';
  if (number < 0) return 'Must be greater than or equal to zero';
  return number > MAX_COUNT ? `Must be less than or equal to ${MAX_COUNT}` : null;
}

/**
 * The body of a scale request: counts by process type. Numeric strings are taken for numbers.
 *
 * Throws `BadRequest` naming every count at fault, else `NotFound` for the first type that the app doesn't have.
 *
 * @param types what the release can run
 */
export function parseScale(body: unknown, types: readonly string[]): Record<string, number> {
  if (!isJsonObject(body)) throw new BadRequest('Invalid scaling format: Must be an object of process types and counts');
  const faults = Object.keys(body).flatMap((type) => {
    const fault = countFault(entryOf(body, type));
    return fault === null ? [] : [`${type}: ${fault}`];
  });
  if (faults.length > 0) throw new BadRequest(`Invalid scaling format: ${faults.join(', ')}`);
  assertKnown(Object.keys(body), types);
  return Object.fromEntries(Object.entries(body).map(([type, count]) => [type, Number(count)]));
}

/** Throws `Conflict` with the range of the first type whose pods the cluster's autoscaler counts: it would undo the scale at once. */
export function assertNotAutoscaled(types: readonly string[], autoscale: Readonly<Record<string, Autoscale>>): void {
  for (const type of types) {
    const rule = entryOf(autoscale, type);
    if (!rule) continue;
    throw new Conflict(`${type} is autoscaled between ${rule.min} and ${rule.max} pods: change or remove its autoscale rule instead`);
  }
}

/** The process types that a request to stop or start names, each once. Throws `BadRequest` without any. */
export function parseTypes(types: readonly string[] | null | undefined): string[] {
  if (!types || types.length === 0) throw new BadRequest('types is a required field');
  return [...new Set(types)];
}

/**
 * The counts that process types stop from, and start to.
 *
 * Throws `NotFound` for the first type that the app doesn't have, else `BadRequest` naming all that have no pods anyway.
 *
 * @param known what the release can run
 * @param rows the structure by process type
 * @param autoscale rules, which give a type pods whatever its count
 */
export function storedCounts(
  types: readonly string[],
  known: readonly string[],
  rows: ReadonlyMap<string, { count: number }>,
  autoscale: Readonly<Record<string, Autoscale>>,
): { type: string; count: number }[] {
  assertKnown(types, known);
  const stored = types.map((type) => ({ type, count: rows.get(type)?.count ?? 0 }));
  const runs = (type: string, count: number): boolean => count > 0 || (rows.has(type) && entryOf(autoscale, type) !== undefined);
  const zeros = stored.filter(({ type, count }) => !runs(type, count)).map(({ type }) => type);
  if (zeros.length > 0) throw new BadRequest(`process ${zeros.join(', ')} replicas is zero`);
  return stored;
}

function assertKnown(types: readonly string[], known: readonly string[]): void {
  // One-off runs are started one by one.
  const unknown = types.find((type) => type === 'run' || !known.includes(type));
  if (unknown !== undefined) throw new NotFound(`Container type ${unknown} does not exist in application`);
}
