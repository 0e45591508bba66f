import { Wakeup } from '../deploy/wakeup.ts';
import type { ClusterCache } from '../kubernetes/cluster-cache.ts';

/**
 * Waits until something holds, looking again at every change that the cache sees in a namespace.
 * @returns whether it came to hold within so many milliseconds
 */
export async function waitFor(cache: ClusterCache, namespace: string, holds: () => boolean, milliseconds: number): Promise<boolean> {
  if (holds()) return true;
  const deadline = performance.now() + milliseconds;
  const changed = new Wakeup();
  const unsubscribe = cache.onChange(namespace, () => {
    changed.signal();
  });
  try {
    while (!holds()) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      await changed.within(left);
    }
    return true;
  } finally {
    unsubscribe();
  }
}
