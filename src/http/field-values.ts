import { parseJson } from './json.ts';

/** Messages of generic faults, word for word as clients know them. */
export const NOT_NULL = 'This field may not be null.';
export const NOT_A_MAP = 'Expected an object, or a string with the JSON of one.';

export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A map field as clients send it: an object, or a string that holds one as JSON. Null: neither. */
export function readMap(value: unknown): Record<string, unknown> | null {
  if (typeof value !== 'string') return isJsonObject(value) ? value : null;
  try {
    const parsed = parseJson(value);
    return isJsonObject(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

/** A scalar as the string that it is stored as; null for anything else, null and lists included. */
export function readScalar(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

/** What PostgreSQL cannot hold in text or jsonb, nor UTF-8 carry: NUL, and halves of surrogate pairs. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;

export const isStorable = (text: string): boolean => !UNSTORABLE.test(text);
