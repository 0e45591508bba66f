import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { Settings } from '../settings/settings.ts';
import { DriftChecks, type Depth } from './drift-checks.ts';
import { HealingPolicy } from './healing-policy.ts';

/** Advisory lock: of several replicas one goes round. */
const LOCK = 7_261_001;
/** In so many steps all apps are looked at once. */
const STEPS = 60;
/** Apps read at a time. */
const PAGE = 100;
/** Milliseconds of rest after each app: to look at one takes some ten of a processor, and requests are to get on meanwhile. */
const REST = 35;

/**
 * Looks at every app: after a start at once, as far as watches show it, so that what was lost comes back (all of it, in a sandbox, which
 * starts empty); then round and round, spread over DRIFT_INTERVAL, also at what no watch shows.
 */
@Injectable()
export class DriftPass implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(DriftPass.name);
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private surveyed = -Infinity;
  /** Seconds from one step to the next. */
  private readonly pause: number;

  constructor(
    private readonly dataSource: DataSource,
    private readonly cache: ClusterCache,
    private readonly checks: DriftChecks,
    private readonly policy: HealingPolicy,
    private readonly settings: Settings,
  ) {
    this.pause = Math.max(1, settings.driftInterval / STEPS);
  }

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await Promise.race([this.running, sleep(1_000, undefined, { ref: false })]);
  }

  private stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { driftInterval } = this.settings;
    await Promise.race([this.cache.ready(), new Promise((resolve) => signal.addEventListener('abort', resolve))]);
    await this.attempt(() => this.first());
    while (driftInterval > 0 && !this.stopped()) {
      await sleep(this.pause * 1000, undefined, { signal, ref: false }).catch(() => undefined);
      if (!this.stopped()) await this.attempt(() => this.step());
    }
  }

  /** The database may be away: the next step is soon. */
  private async attempt(work: () => Promise<void>): Promise<void> {
    if (this.stopped()) return;
    try {
      await work();
    } catch (error) {
      this.logger.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }

  private async first(): Promise<void> {
    await this.survey();
    await this.alone(async () => {
      for (let after = ''; !this.stopped();) {
        const apps = await this.dataSource.query<{ id: string }[]>('SELECT id FROM apps WHERE id > $1 ORDER BY id LIMIT $2', [after, PAGE]);
        await this.look(apps, 'shown');
        const last = apps.at(-1);
        if (!last || apps.length < PAGE) return;
        after = last.id;
      }
    });
  }

  /** A part of all apps: those that were looked at longest ago, if that is long enough ago. */
  private async step(): Promise<void> {
    const { driftInterval } = this.settings;
    if (performance.now() - this.surveyed > driftInterval * 1000) await this.survey();
    await this.alone(async () => {
      const apps = await this.dataSource.query<{ id: string }[]>(
        `WITH taken AS (
           SELECT uuid, id FROM apps LEFT JOIN app_drift ON app_uuid = uuid
           WHERE destroying IS NULL AND (looked IS NULL OR looked < now() - $1 * interval '1 second')
           ORDER BY looked NULLS FIRST LIMIT (SELECT ceil(count(*) * $2::float) FROM apps))
         INSERT INTO app_drift (app_uuid, looked) SELECT uuid, now() FROM taken
         ON CONFLICT (app_uuid) DO UPDATE SET looked = now() RETURNING (SELECT id FROM taken WHERE uuid = app_uuid)`,
        [driftInterval, this.pause / driftInterval],
      );
      await this.look(apps, 'all');
    });
  }

  private async look(apps: readonly { id: string }[], depth: Depth): Promise<void> {
    for (const { id } of apps) {
      if (this.stopped()) return;
      await this.checks.check(id, depth);
      await sleep(REST, undefined, { signal: this.stopping.signal, ref: false }).catch(() => undefined);
    }
  }

  private async survey(): Promise<void> {
    this.surveyed = performance.now();
    await this.policy.survey();
  }

  /** Unless another replica is at it. */
  private async alone(work: () => Promise<void>): Promise<void> {
    const runner = this.dataSource.createQueryRunner();
    try {
      const [row] = (await runner.query('SELECT pg_try_advisory_lock($1) AS locked', [LOCK])) as [{ locked: boolean }];
      if (!row.locked) return;
      try {
        await work();
      } finally {
        await runner.query('SELECT pg_advisory_unlock($1)', [LOCK]);
      }
    } finally {
      await runner.release();
    }
  }
}
