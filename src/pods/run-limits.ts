import { Injectable } from '@nestjs/common';

/** How long what may take in a one-off run, in milliseconds. Tests shorten them. */
@Injectable()
export class RunLimits {
  /** From the start of the command to its end (§10). */
  running = 20 * 60_000;
  /** How long a run is left alone once nobody renews its lease. */
  lease = 12_000;
  /** How often a lease is renewed. */
  renewal = 3_000;
  /** How often runs are looked for that nobody sees to. */
  sweep = 5_000;
}
