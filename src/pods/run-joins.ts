import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import type { App } from '../apps/app.entity.ts';
import { Wakeup } from '../deploy/wakeup.ts';
import { Unavailable } from '../http/errors.ts';
import { BegunIsGone } from '../idempotency/idempotency-keys.ts';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { Settings } from '../settings/settings.ts';
import { RunLedger } from './run-ledger.ts';
import type { Run } from './run.entity.ts';

/** A run is looked at again after so many milliseconds, whatever the cluster shows. */
const LOOK_AGAIN = 5_000;

/** Seconds after which a caller whose time was up may ask again. */
const RETRY_AFTER = 5;

/** Waits for the end of runs that earlier requests started, whichever process sees to them. */
@Injectable()
export class RunJoins implements BeforeApplicationShutdown {
  private readonly waiting = new Set<Wakeup>();
  private ending = false;

  constructor(
    private readonly cache: ClusterCache,
    private readonly ledger: RunLedger,
    private readonly settings: Settings,
  ) {}

  beforeApplicationShutdown(): void {
    this.ending = true;
    for (const woken of this.waiting) woken.signal();
  }

  /**
   * @param uuid of the run
   * @throws BegunIsGone when it was taken back; Unavailable when it came to no result, or takes longer than a request may
   */
  async result(app: App, uuid: string): Promise<{ exitCode: number; output: string }> {
    const deadline = performance.now() + this.settings.requestWait * 1000;
    const woken = new Wakeup();
    this.waiting.add(woken);
    // whoever sees to the run records its end, and then takes its pod away
    const unsubscribe = this.cache.onChange(app.id, () => {
      woken.signal();
    });
    try {
      for (;;) {
        const run = await this.ledger.find(app.uuid, uuid);
        if (!run) throw new BegunIsGone('The command was not started, and what that was answered is lost: use a new Idempotency-Key.');
        if (run.finished) return resultOf(run);
        const left = this.ending ? 0 : deadline - performance.now();
        if (left <= 0) throw new Unavailable(`${run.pod} (run): it goes on, and its result is kept as run ${uuid}`, RETRY_AFTER);
        await woken.within(Math.min(left, LOOK_AGAIN));
      }
    } finally {
      unsubscribe();
      this.waiting.delete(woken);
    }
  }
}

function resultOf({ state, pod, exitCode, output }: Run): { exitCode: number; output: string } {
  if (state === 'finished') return { exitCode: exitCode ?? 1, output: output ?? '' };
  const words = state === 'timed_out' ? `it took too long${output ? `: ${output}` : ''}` : 'what became of the command is not known';
  throw new Unavailable(`${pod} (run): ${words}`);
}
