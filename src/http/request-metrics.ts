import type { FastifyInstance } from 'fastify';
import { Histogram } from 'prom-client';
import type { Metrics } from '../metrics/metrics.ts';
import { whenOver } from './request-end.ts';

/** Seconds. A request may wait for a deploy, up to 20 minutes by default. */
const buckets = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 1200];

/** Measures how long requests take, by the pattern of their route: what was asked for under it is nobody's business. */
export function measureRequests(server: FastifyInstance, { registry }: Metrics): void {
  const duration = new Histogram({
    name: 'keelson_http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer, or until its caller left (499 without an answer), by route ("none" where no route matched), method and status.',
    labelNames: ['route', 'method', 'status'],
    buckets,
    registers: [registry],
  });
  whenOver(server, ({ method, routeOptions }, { elapsedTime }, status) => {
    duration.observe({ route: routeOptions.url ?? 'none', method, status }, elapsedTime / 1000);
  });
}
