import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { App } from '../apps/app.entity.ts';
import { Notifications } from '../deploy/notifications.ts';
import { isDatabaseAway } from '../http/database-away.ts';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { MissingPermission, OutOfReach } from '../kubernetes/cluster-errors.ts';
import { AppDrift } from './app-drift.entity.ts';
import { DriftDetector } from './drift-detector.ts';
import { DriftRecorder } from './drift-recorder.ts';

/** How long more changes of an app are waited for before it is looked at, in milliseconds. */
const DEBOUNCE = 500;
/** A cluster or a database that is out of reach is asked again after so many seconds. */
const RETRY = 10;
/** Apps that are looked at at a time. */
const AT_ONCE = 2;

/** How closely an app is looked at: only if the cache shows something, or in any case. */
export type Depth = 'shown' | 'all';

/** Has an app looked at when there is reason to: soon after something of it changed, and again when its operation is over. */
@Injectable()
export class DriftChecks implements BeforeApplicationShutdown {
  private readonly logger = new Logger(DriftChecks.name);
  /** By app id: when it is due. */
  private readonly timers = new Map<string, { timer: NodeJS.Timeout; at: number }>();
  private readonly deep = new Set<string>();
  private readonly due: string[] = [];
  private readonly running = new Set<Promise<void>>();
  /** Ids of apps whose operation is waited for, by uuid. */
  private readonly busy = new Map<string, string>();
  private stopping = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly detector: DriftDetector,
    private readonly recorder: DriftRecorder,
    cache: ClusterCache,
    notifications: Notifications,
  ) {
    cache.onAltered((app) => {
      this.soon(app);
    });
    // sent when an operation is asked for, and when one ends
    notifications.on('due', (appUuid) => {
      const app = this.busy.get(appUuid);
      if (app !== undefined) this.soon(app);
    });
    notifications.onConnected(() => {
      for (const app of this.busy.values()) this.soon(app);
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    for (const { timer } of this.timers.values()) clearTimeout(timer);
    await Promise.race([Promise.all(this.running), new Promise((resolve) => setTimeout(resolve, 1_000).unref())]);
  }

  /** Looks at the app after a moment, unless it is looked at sooner anyway. @param app its id; nothing comes of one that isn't there */
  soon(app: string, depth: Depth = 'shown', seconds = DEBOUNCE / 1000): void {
    if (depth === 'all') this.deep.add(app);
    const at = performance.now() + seconds * 1000;
    const set = this.timers.get(app);
    if (this.stopping || (set && set.at <= at)) return;
    clearTimeout(set?.timer);
    const timer = setTimeout(() => {
      this.timers.delete(app);
      this.due.push(app);
      this.work();
    }, seconds * 1000);
    this.timers.set(app, { timer: timer.unref(), at });
  }

  private work(): void {
    while (this.running.size < AT_ONCE && !this.stopping) {
      const app = this.due.shift();
      if (app === undefined) return;
      const depth: Depth = this.deep.delete(app) ? 'all' : 'shown';
      const run = this.check(app, depth).finally(() => {
        this.running.delete(run);
        this.work();
      });
      this.running.add(run);
    }
  }

  /** Looks at an app now. It never throws. */
  async check(app: string, depth: Depth): Promise<void> {
    try {
      await this.look(app, depth);
    } catch (error) {
      if (error instanceof OutOfReach) this.soon(app, depth, error.retryAfter ?? RETRY);
      // what the watch showed isn't shown again when the database is back
      else if (isDatabaseAway(error)) this.soon(app, depth, RETRY);
      else if (error instanceof MissingPermission)
        this.logger.error(`Keelson may not look at ${app}; grant it the right: ${error.message}`);
      else if (!this.stopping) this.logger.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }

  private async look(id: string, depth: Depth): Promise<void> {
    const { manager } = this.dataSource;
    const app = await manager.findOne(App, { where: { id }, relations: { owner: true } });
    if (!app || app.destroying) {
      for (const [uuid, busy] of this.busy) if (busy === id) this.busy.delete(uuid);
      return;
    }
    // from here on the end of an operation isn't missed
    this.busy.set(app.uuid, id);
    const wanted = await this.detector.wanted(app);
    if (!wanted) return;
    const known = await manager.findOneBy(AppDrift, { appUuid: app.uuid });
    if (depth === 'shown' && (known?.found ?? null) === null && !this.detector.suspects(wanted)) {
      this.busy.delete(app.uuid);
      return;
    }
    const next = await this.recorder.record(wanted, await this.detector.find(wanted));
    if (next === 'when settled') return;
    this.busy.delete(app.uuid);
    if (next !== 'nothing') this.soon(id, 'all', next.seconds);
  }
}
