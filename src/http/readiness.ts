import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** Something that must work for requests to be served. */
export abstract class ReadinessCheck {
  /** What it is, for the log: `database`, `cluster cache`. */
  abstract readonly name: string;
  /** Throws what keeps it from working. */
  abstract check(): Promise<void>;
}

/** Whether this process can serve. Modules add what they need with `add`. */
@Injectable()
export class Readiness implements OnModuleDestroy {
  private readonly checks: ReadinessCheck[] = [];
  private ending = false;

  constructor(database: DataSource) {
    this.add({
      name: 'database',
      check: async () => {
        await database.query('SELECT 1');
      },
    });
  }

  add(check: ReadinessCheck): void {
    this.checks.push(check);
  }

  /** @throws with what is not ready, and from the moment on that the process is told to end */
  async check(): Promise<void> {
    if (this.ending) throw new Error('the process is ending');
    await Promise.all(this.checks.map((check) => check.check()));
  }

  onModuleDestroy(): void {
    this.ending = true;
  }
}
