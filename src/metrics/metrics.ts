import { Registry } from 'prom-client';

/**
 * What this Keelson measures. Modules make their own instruments with `registers: [metrics.registry]`. Labels take values from small
 * closed sets alone: never names of apps or users, and nothing of what they sent.
 */
export class Metrics {
  /** Of its own, not prom-client's global one: a process may run several Keelsons. */
  readonly registry = new Registry();
}
