import { createHash } from 'node:crypto';
import { BadRequest } from '../http/errors.ts';
import { isJsonObject } from '../http/field-values.ts';

const LONGEST = 255;

/**
 * The key that an `Idempotency-Key` header gives. Its quotes, which the IETF's draft asks for and hardly anybody sends, don't belong to it.
 * @throws BadRequest
 */
export function keyOf(header: string): string {
  const [, quoted] = /^"(.*)"$/.exec(header) ?? [];
  const key = quoted?.replace(/\\(["\\])/g, '$1') ?? header;
  const faults = [
    ...(key === '' ? ['is empty'] : []),
    ...(key.length > LONGEST ? [`has more than ${String(LONGEST)} characters`] : []),
    ...(/^[ -~]*$/.test(key) ? [] : ['has characters that are not printable ASCII']),
  ];
  if (faults.length > 0) throw new BadRequest(`The Idempotency-Key ${faults.join(' and ')}.`);
  return key;
}

/**
 * A hash of what a request asks for, the same however its body is spelled: blanks and the order of fields don't count.
 * @param path without a query; @param body parsed
 */
export function fingerprintOf({ method, path, body }: { method: string; path: string; body: unknown }): string {
  return createHash('sha256')
    .update(JSON.stringify([method, path, sorted(body)]))
    .digest('base64url');
}

/** With the fields of objects in order, as lists: objects have numbers first. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return ['array', ...value.map(sorted)];
  if (!isJsonObject(value)) return value;
  const fields = Object.entries(value).map(([name, field]): [string, unknown] => [name, sorted(field)]);
  return ['object', ...fields.sort(([a], [b]) => (a < b ? -1 : 1))];
}
