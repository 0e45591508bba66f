import { Injectable } from '@nestjs/common';
import { Unavailable } from '../http/errors.ts';
import { cachedPod, type CachedPod } from '../kubernetes/cached-objects.ts';
import { Cluster } from '../kubernetes/cluster.ts';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { OutOfReach, Refused } from '../kubernetes/cluster-errors.ts';
import { KEELSON, MANAGED_BY } from '../kubernetes/labels.ts';
import { POD } from '../kubernetes/object-kind.ts';
import { waitFor } from './cache-wait.ts';

/** How long a read waits for a cache that is behind what its caller has seen, in milliseconds. */
const CATCH_UP = 500;

/** Reads an app's pods: from the watch cache, which costs no call, or from the API server where the cache can't be trusted. */
@Injectable()
export class PodReader {
  constructor(
    private readonly cluster: Cluster,
    private readonly cache: ClusterCache,
  ) {}

  /**
   * All pods of an app, one-off runs included.
   * @param app its id, and the version of a pod that the answer must not be older than
   * @throws Unavailable `(list pods): …` when the cluster is needed and out of reach
   */
  async read({ id, podResourceVersion }: { id: string; podResourceVersion: string | null }): Promise<CachedPod[]> {
    const reached = (): boolean => podResourceVersion === null || this.cache.hasReached(podResourceVersion);
    if (this.cache.fresh() && (await waitFor(this.cache, id, reached, CATCH_UP))) return this.cache.podsOf(id);
    try {
      return (await this.cluster.list(POD, id, `${MANAGED_BY}=${KEELSON}`)).map(cachedPod);
    } catch (error) {
      if (error instanceof OutOfReach) throw new Unavailable(`(list pods): ${error.message}`, error.retryAfter);
      if (error instanceof Refused) throw new Unavailable(`(list pods): ${error.message}`);
      throw error;
    }
  }
}
