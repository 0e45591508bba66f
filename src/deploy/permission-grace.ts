import { setTimeout as sleep } from 'node:timers/promises';
import { MissingPermission } from '../kubernetes/cluster-errors.ts';
import type { Lease } from './lease.ts';

/**
 * For so long the API server is asked again for what it says Keelson may not do, in milliseconds: rights that were just given, as those to
 * the Secrets of a new namespace are, take effect after a moment, and a server that has just started doesn't know them yet.
 */
const GRACE = 18_000;
/** Before it is asked the first time again, in milliseconds; each later pause is twice as long as the one before, up to the second. */
const FIRST_PAUSE = 125;
const LONGEST_PAUSE = 2_000;

/**
 * Does something in the cluster that can be done again from its beginning.
 * @throws MissingPermission when the right is still missing after a while; LeaseLost; and what the work throws
 */
export async function withPermission<T>(
  lease: Lease,
  work: () => Promise<T>,
  { grace, pause } = { grace: GRACE, pause: FIRST_PAUSE },
): Promise<T> {
  let until: number | null = null;
  for (let next = pause; ; next = Math.min(2 * next, LONGEST_PAUSE)) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof MissingPermission)) throw error;
      until ??= performance.now() + grace;
      if (performance.now() >= until) throw error;
      await sleep(next);
      lease.check();
    }
  }
}
