import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { setMaxListeners } from 'node:events';
import { RunLedger, type HeldRun } from './run-ledger.ts';
import { RunLimits } from './run-limits.ts';

/** This process ends: the run goes on without it, and another one sees to it. */
export class Interrupted extends Error {}

/** The runs that this process sees to: renews their leases, and gives them up when it ends. */
@Injectable()
export class RunHolds implements BeforeApplicationShutdown {
  private readonly logger = new Logger(RunHolds.name);
  private readonly held = new Map<string, Promise<unknown>>();
  private readonly ending = new AbortController();
  private renewal: NodeJS.Timeout | null = null;

  constructor(
    private readonly ledger: RunLedger,
    private readonly limits: RunLimits,
  ) {
    // one for each run, however many there are
    setMaxListeners(0, this.ending.signal);
  }

  /**
   * Does something about a run while its lease is renewed. The work stops waiting and throws Interrupted when the signal comes; the run is
   * then given to whoever is next.
   */
  async hold<T>(run: HeldRun, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const done = work(this.ending.signal);
    this.held.set(
      run.uuid,
      done.catch(() => undefined),
    );
    this.renewal ??= setInterval(() => {
      this.renew();
    }, this.limits.renewal);
    try {
      return await done;
    } catch (error) {
      if (error instanceof Interrupted) await this.ledger.release(run);
      throw error;
    } finally {
      this.held.delete(run.uuid);
      if (this.held.size === 0) {
        clearInterval(this.renewal);
        this.renewal = null;
      }
    }
  }

  /** Whether this process sees to the run already. */
  has(uuid: string): boolean {
    return this.held.has(uuid);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.ending.abort(new Interrupted('Keelson is ending'));
    await Promise.all(this.held.values());
  }

  private renew(): void {
    this.ledger.renew([...this.held.keys()]).catch((error: unknown) => {
      this.logger.warn(`the leases of runs could not be renewed: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
}
