import { createHash, timingSafeEqual } from 'node:crypto';
import { Forbidden, Unauthorized } from '../http/errors.ts';
import type { Settings } from '../settings/settings.ts';
import type { GuardedRequest } from './current.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * The git receiver shows the builder's key in `X-Drycc-Builder-Auth`, or in the header's older name.
 * @throws Unauthorized without the key; Forbidden for a user who has none but is logged in
 */
export function assertBuilder(
  { headers, user }: Pick<GuardedRequest, 'headers' | 'user'>,
  { builderKey }: Pick<Settings, 'builderKey'>,
): void {
  const given = headers['x-drycc-builder-auth'] ?? headers['x-deis-builder-auth'];
  // of the same length whatever is given, so that the comparison takes the same time
  if (typeof given === 'string' && timingSafeEqual(digest(given), digest(builderKey))) return;
  if (user) throw new Forbidden();
  throw new Unauthorized('Authentication credentials were not provided.');
}
