import type { SealedValue } from '../database/sealed-columns.ts';
import { nameOf } from './sealed-check.ts';

/** A text that must not be in a dump, and whose it is. */
export interface Sought {
  text: string;
  /** Names it without telling it. */
  name: string;
}

/** Shorter texts are found everywhere, by chance. */
const MIN_LENGTH = 6;

/**
 * Of these, parts are in clear elsewhere by design: commands in the audit log, masked; names, states and summaries in their own tables.
 * Config values in them are sought all the same, as those of the configs that they come from.
 */
const TOLD = new Set([
  'run.command',
  'run.output',
  'release.change',
  'release.exception',
  'operation.cause',
  'operation.outcome',
  'app_event.data',
  'app_log.line',
  'idempotency.remembered',
  'idempotency.answer',
]);

/** Fields of JSON that are no secrets. */
const PLAIN_FIELDS = new Set(['username', 'hostname']);

/** What of a sealed value must not be in a dump: a text as it is, of JSON every text and number in it. */
export function soughtIn(value: SealedValue, clear: string): Sought[] {
  const { name, json } = value.column;
  if (TOLD.has(name)) return [];
  const texts: Sought[] = json ? leavesOf(JSON.parse(clear), nameOf(value)) : [{ text: clear, name: nameOf(value) }];
  return texts.filter(({ text }) => text.length >= MIN_LENGTH);
}

function leavesOf(value: unknown, name: string): Sought[] {
  if (typeof value === 'string' || typeof value === 'number') return [{ text: String(value), name }];
  if (Array.isArray(value)) return value.flatMap((one: unknown) => leavesOf(one, name));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([field, one]: [string, unknown]) =>
    PLAIN_FIELDS.has(field) ? [] : leavesOf(one, `${name}, ${field}`),
  );
}
