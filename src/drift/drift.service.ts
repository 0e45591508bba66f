import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { App } from '../apps/app.entity.ts';
import { Changes } from '../deploy/changes.ts';
import { Unavailable } from '../http/errors.ts';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { OutOfReach } from '../kubernetes/cluster-errors.ts';
import { AppDrift } from './app-drift.entity.ts';
import { DriftChecks } from './drift-checks.ts';
import { DriftDetector } from './drift-detector.ts';
import type { DriftObject } from './drift-report.ts';
import { HealingPolicy, type Healing } from './healing-policy.ts';

/** How an app is in the cluster, against what is recorded. */
export interface Drift {
  /** When it was compared; null while an operation is open: there is nothing to compare with. */
  checked: Date | null;
  objects: DriftObject[];
  healing: Healing | 'paused';
}

/** Compares for those who ask, and lets owners pause healing. */
@Injectable()
export class DriftService {
  /** Comparisons that are under way, by the app's uuid. */
  private readonly comparing = new Map<string, Promise<Pick<Drift, 'checked' | 'objects'>>>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly changes: Changes,
    private readonly cache: ClusterCache,
    private readonly detector: DriftDetector,
    private readonly checks: DriftChecks,
    private readonly policy: HealingPolicy,
  ) {}

  /**
   * Compares now: calls to the cluster for Secrets, quotas and what differs, none for what the cache shows as it should be. Who asks while
   * the app is being compared gets what comes of that.
   * @throws Unavailable `(drift): …` when the cluster is out of reach
   */
  async read({ uuid }: App): Promise<Drift> {
    const { manager } = this.dataSource;
    if (!this.cache.warm()) throw new Unavailable('(drift): the cluster has not been seen yet', 1);
    const app = await manager.findOneOrFail(App, { where: { uuid }, relations: { owner: true } });
    const paused = (await manager.findOneBy(AppDrift, { appUuid: uuid }))?.paused ?? false;
    const healing = paused ? 'paused' : await this.policy.healing(app);
    return { ...(await this.compared(app)), healing };
  }

  private async compared(app: App): Promise<Pick<Drift, 'checked' | 'objects'>> {
    const underWay = this.comparing.get(app.uuid);
    if (underWay) return underWay;
    const comparing = this.compare(app).finally(() => this.comparing.delete(app.uuid));
    this.comparing.set(app.uuid, comparing);
    return comparing;
  }

  private async compare(app: App): Promise<Pick<Drift, 'checked' | 'objects'>> {
    const wanted = await this.detector.wanted(app);
    try {
      const found = wanted && (await this.detector.find(wanted));
      // what was asked for meanwhile looks like drift
      if (!found || (found.objects.length > 0 && !(await this.detector.stillWanted(wanted, this.dataSource.manager)))) {
        return { checked: null, objects: [] };
      }
      return { checked: new Date(), objects: found.objects };
    } catch (error) {
      if (error instanceof OutOfReach) throw new Unavailable(`(drift): ${error.message}`, error.retryAfter);
      throw error;
    }
  }

  /** Keeps the app from being healed, or has it healed again. @throws as Changes does, and as `read` */
  async pause(app: App, paused: boolean): Promise<Drift> {
    await this.changes.commit(app.uuid, async ({ manager }) => {
      const before = (await manager.findOneBy(AppDrift, { appUuid: app.uuid }))?.paused ?? false;
      await manager.query(
        `INSERT INTO app_drift (app_uuid, paused) VALUES ($1, $2) ON CONFLICT (app_uuid) DO UPDATE SET paused = excluded.paused`,
        [app.uuid, paused],
      );
      return { value: undefined, cluster: null, audit: { before: { paused: before }, after: { paused } } };
    });
    if (!paused) this.checks.soon(app.id, 'all');
    return this.read(app);
  }
}
