import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';

/** How often it is looked for rows that are old enough, in milliseconds. */
const EVERY = 600_000;
/** Rows that are taken away in one statement. */
const BATCH = 5_000;

/** Rows that are not kept for ever. */
interface Sweep {
  what: string;
  statement: string;
  /** Null: they are kept for ever. */
  parameters: () => unknown[] | null;
}

/** Takes rows away that were kept for long enough. Every replica does. */
@Injectable()
export class Sweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Sweeper.name);
  private readonly ending = new AbortController();
  private readonly sweeps: Sweep[] = [];
  private loop: Promise<void> = Promise.resolve();

  constructor(private readonly dataSource: DataSource) {}

  /**
   * Has rows taken away every ten minutes.
   * @param what in the plural, for the log
   * @param statement takes away at most $1 of them, and leaves those that are locked to whoever locks them
   * @param parameters the values of $2 and so on, asked for each time; null: nothing is taken away
   */
  add(what: string, statement: string, parameters: Sweep['parameters'] = () => []): void {
    this.sweeps.push({ what, statement, parameters });
  }

  onApplicationBootstrap(): void {
    this.loop = this.work();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.ending.abort();
    await this.loop;
  }

  /** Takes away all that are old enough now. What fails is logged, and tried again the next time. */
  async sweep(): Promise<void> {
    for (const { what, statement, parameters } of this.sweeps) {
      try {
        await this.batches(statement, parameters());
      } catch (error) {
        this.logger.warn(`old ${what} cannot be taken away: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  private async batches(statement: string, parameters: unknown[] | null): Promise<void> {
    if (parameters === null) return;
    for (let swept = BATCH; swept === BATCH && !this.ending.signal.aborted;) {
      const result: unknown = await this.dataSource.query(statement, [BATCH, ...parameters]);
      swept = (result as [unknown, number])[1];
    }
  }

  private async work(): Promise<void> {
    const { signal } = this.ending;
    const ended = (): boolean => signal.aborted;
    while (!ended()) {
      await this.sweep();
      await sleep(EVERY, undefined, { signal }).catch(() => undefined);
    }
  }
}
