import { Gauge, Histogram } from 'prom-client';
import type { Metrics } from '../metrics/metrics.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'patch' | 'delete' | 'log';

const WRITES: Readonly<Record<string, Verb>> = { POST: 'create', PATCH: 'patch', DELETE: 'delete' };
/** The path of a list: of a whole kind, or of a kind in a namespace. */
const LIST = /^\/(?:api\/v1|apis\/[^/]+\/[^/]+)\/(?:namespaces\/[^/]+\/)?[^/]+$/;

/** What a call of the client is for. Discovery counts as `get`. */
export function verbOf(method: string, url: string): Verb {
  return WRITES[method] ?? (LIST.test(new URL(url).pathname) ? 'list' : 'get');
}

/** What is measured of the cluster. */
export class ClusterMetrics {
  private readonly calls: Histogram<'verb' | 'code'>;

  constructor(private readonly metrics: Metrics) {
    this.calls = new Histogram({
      name: 'keelson_cluster_call_duration_seconds',
      help: 'Time until the API server answered, by verb and HTTP status ("none" without an answer).',
      labelNames: ['verb', 'code'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
      registers: [metrics.registry],
    });
  }

  /** @param code HTTP status of the answer; undefined without one; @param began monotonic time at which the call was made */
  called(verb: Verb, code: number | undefined, began: number): void {
    this.calls.observe({ verb, code: code ?? 'none' }, (performance.now() - began) / 1000);
  }

  /** @param ages how long ago the cache was known to be current, in milliseconds, by kind */
  cached(ages: () => [kind: string, age: number][]): void {
    new Gauge({
      name: 'keelson_cluster_cache_age_seconds',
      help: 'How long the watch of a kind has been broken; 0 while it stands.',
      labelNames: ['kind'],
      registers: [this.metrics.registry],
      collect() {
        for (const [kind, age] of ages()) this.set({ kind }, age / 1000);
      },
    });
  }
}
