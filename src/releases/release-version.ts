import { BadRequest } from '../http/errors.ts';

/** PostgreSQL's `integer`: no release is ever numbered higher. */
const MAX_VERSION = 2 ** 31 - 1;

/** The version of a path, `v3` or `3`; null for a number that no release can have. */
export function parseVersion(text: string): number | null {
  const version = Number(text.replace(/^v/, ''));
  return version <= MAX_VERSION ? version : null;
}

/**
 * The version that a request to roll back names, as a number or its digits; null: it names none.
 * @throws BadRequest for what is no whole number of 1 or more
 */
export function rollbackVersion(version: unknown): number | null {
  if (version === undefined || version === null) return null;
  const number = typeof version === 'string' && /^-?\d+$/.test(version) ? Number(version) : version;
  if (typeof number !== 'number' || !Number.isInteger(number)) throw new BadRequest('version must be a whole number');
  if (number < 1) throw new BadRequest('version cannot be below 0');
  // above that it only has to stay unknown
  return Math.min(number, MAX_VERSION);
}
