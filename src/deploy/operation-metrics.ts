import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram } from 'prom-client';
import { Metrics } from '../metrics/metrics.ts';
import type { Ended } from './lease.ts';
import { OperationQueue } from './operation-queue.ts';

/** What is measured of operations. Each is counted once, by the replica that ended it. */
@Injectable()
export class OperationMetrics {
  private readonly total: Counter<'kind' | 'state' | 'cause'>;
  private readonly duration: Histogram<'kind' | 'state'>;

  constructor({ registry }: Metrics, queue: OperationQueue) {
    const registers = [registry];
    this.total = new Counter({
      name: 'keelson_operations_total',
      help: 'Operations that ended here, by kind, state and class of their cause ("none" without one).',
      labelNames: ['kind', 'state', 'cause'],
      registers,
    });
    this.duration = new Histogram({
      name: 'keelson_operation_duration_seconds',
      help: 'Time from the request of an operation to its end, by kind and state.',
      labelNames: ['kind', 'state'],
      buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 1200],
      registers,
    });
    new Gauge({
      name: 'keelson_operation_queue_age_seconds',
      help: 'How long the oldest operation that is due has waited for a replica; NaN while the database is out of reach.',
      registers,
      async collect() {
        this.set(await queue.age().catch(() => NaN));
      },
    });
  }

  ended({ kind, state, cause, seconds }: Ended): void {
    this.total.inc({ kind, state, cause: cause ?? 'none' });
    this.duration.observe({ kind, state }, seconds);
  }
}
