import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { OutOfReach } from '../kubernetes/cluster-errors.ts';
import { isDatabaseAway } from '../http/database-away.ts';
import { Listener } from '../http/listener.ts';
import type { Cause } from './cause.ts';
import { LeaseLost, type Lease } from './lease.ts';
import { Notifications } from './notifications.ts';
import { OperationOutcomes } from './operation-outcomes.ts';
import { OperationMetrics } from './operation-metrics.ts';
import { OperationQueue } from './operation-queue.ts';
import type { Operation } from './operation.entity.ts';
import { OutcomeRecorder } from './outcome-recorder.ts';
import { Settings } from '../settings/settings.ts';
import { Reconciler } from './reconciler.ts';
import { Wakeup } from './wakeup.ts';
import { WorkSlots } from './work-slots.ts';

/** How long an operation waits for the watch cache to be filled, in milliseconds. */
const CACHE_WARM = 8_000;
/** Without any sign of work the queue is looked at this often, in milliseconds: notifications do the rest. */
const IDLE = 30_000;
const SOONEST = 50;
/** Seconds until the next try, doubled each time. */
const RETRY_FIRST = 1;
const RETRY_MOST = 30;
/** A replica that has lost the cluster leaves what is due to the others for so long, in milliseconds. */
const ASIDE = 2_000;
/** So often in a row a bug may end a start before the operation fails. */
const BUGS = 10;

/** Claims operations that are due and runs them, as many as fit. Every replica has one. */
@Injectable()
export class OperationWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(OperationWorker.name);
  private readonly owner = `${hostname()}/${randomUUID()}`;
  private readonly renewEvery: number;
  /** How long a process that is told to end lets its operations run on, and requests wait for those of others, in milliseconds. */
  private readonly patience: number;
  /** How long requests are still sent to it before, in milliseconds. */
  private readonly delay: number;
  private readonly woken = new Wakeup();
  private readonly running = new Set<Promise<void>>();
  private readonly leases = new Set<Lease>();
  private renewal: NodeJS.Timeout | undefined;
  private renewing = false;
  /** Found the cluster out of reach, and nothing was brought to an end since. */
  private cutOff = false;
  private stopping = false;
  private loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly queue: OperationQueue,
    private readonly reconciler: Reconciler,
    private readonly recorder: OutcomeRecorder,
    private readonly notifications: Notifications,
    private readonly outcomes: OperationOutcomes,
    private readonly listener: Listener,
    private readonly cache: ClusterCache,
    private readonly metrics: OperationMetrics,
    private readonly slots: WorkSlots,
    { operationLease, shutdownWait, shutdownDelay }: Settings,
  ) {
    this.renewEvery = (operationLease * 1000) / 4;
    this.patience = shutdownWait * 1000;
    this.delay = shutdownDelay * 1000;
  }

  async onApplicationBootstrap(): Promise<void> {
    this.notifications.on('due', () => {
      this.woken.signal();
    });
    this.notifications.onConnected(() => {
      this.woken.signal();
    });
    this.slots.onFree(() => {
      this.woken.signal();
    });
    await this.notifications.start();
    this.renewal = setInterval(() => void this.renew(), this.renewEvery);
    this.loop = this.work();
  }

  /**
   * Takes nothing new, lets what runs end for a while, here and elsewhere where requests wait for it, and gives the rest back: another
   * replica, or the next start, goes on from the rows. Requests that still wait are told so. No request is taken after those who wait are
   * asked after: it would be told so at once.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    this.woken.signal();
    await this.loop;
    await sleep(this.delay);
    this.listener.close();
    const timer = new AbortController();
    const ended = Promise.all([...this.running, this.listener.answered()]);
    await Promise.race([ended, sleep(this.patience, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
    this.outcomes.end();
    for (const lease of this.leases) lease.lose();
    await Promise.all(this.running);
    clearInterval(this.renewal);
    await this.notifications.stop();
  }

  private async work(): Promise<void> {
    const stopped = (): boolean => this.stopping;
    while (!stopped()) {
      let pause = IDLE;
      try {
        while (!stopped() && this.slots.hasRoom(this.running.size)) {
          const claimed = await this.queue.claim(this.owner, this.cutOff ? ASIDE : 0);
          if (!claimed) break;
          this.begin(claimed.operation, claimed.lease);
        }
        const next = this.slots.hasRoom(this.running.size) ? await this.queue.secondsToNext() : null;
        if (next !== null) pause = Math.min(IDLE, Math.max(SOONEST, next * 1000 + (this.cutOff ? ASIDE : 0)));
      } catch (error) {
        this.logger.warn(`operations cannot be claimed: ${error instanceof Error ? error.message : String(error)}`);
        pause = RETRY_FIRST * 1000;
      }
      if (!stopped()) await this.woken.within(pause);
    }
  }

  private begin(operation: Operation, lease: Lease): void {
    const done: Promise<void> = this.slots
      .inside(() => this.run(operation, lease))
      .finally(() => {
        this.running.delete(done);
        this.leases.delete(lease);
        this.woken.signal();
      });
    this.running.add(done);
    this.leases.add(lease);
  }

  private async run(operation: Operation, lease: Lease): Promise<void> {
    try {
      await this.cacheWarm(lease);
      await this.reconciler.run(operation, lease);
      this.cutOff = false;
      if (lease.ended) this.metrics.ended(lease.ended);
    } catch (error) {
      await this.dealWith(operation, lease, error);
    }
  }

  /** One renewal at a time; one that fails is followed by the next. */
  private async renew(): Promise<void> {
    if (this.leases.size === 0 || this.renewing) return;
    this.renewing = true;
    try {
      await this.queue.renew([...this.leases]);
    } catch (error) {
      this.logger.warn(`leases could not be renewed: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      this.renewing = false;
    }
  }

  private async cacheWarm(lease: Lease): Promise<void> {
    if (this.cache.warm()) return;
    // a large fleet takes its time
    for (let before = -1; !this.cache.warm() && this.cache.progress() > before;) {
      before = this.cache.progress();
      const timer = new AbortController();
      await Promise.race([this.cache.ready(), sleep(CACHE_WARM, undefined, { signal: timer.signal }).catch(() => undefined)]);
      timer.abort();
      lease.check();
    }
    if (!this.cache.warm()) throw new OutOfReach(`the cluster cannot be watched: ${this.cache.missing()}`);
  }

  private async dealWith(operation: Operation, lease: Lease, error: unknown): Promise<void> {
    const backOff = Math.min(RETRY_MOST, RETRY_FIRST * 2 ** Math.min(10, operation.attempts - 1));
    if (error instanceof LeaseLost) {
      // stopped on purpose: hand it on at once; otherwise it is somebody else's, and this changes nothing
      await this.queue.postpone(lease, 0, null).catch(() => undefined);
      return;
    }
    if (error instanceof OutOfReach) this.cutOff = true;
    const away = isDatabaseAway(error);
    const cause: Cause = {
      class: error instanceof OutOfReach ? 'unreachable' : 'internal',
      message: error instanceof OutOfReach ? error.message : 'Server Error',
      object: null,
      since: new Date().toISOString(),
    };
    if (away) this.logger.warn(`app ${operation.appId}: the database is out of reach; it goes on when that is back`);
    else if (error instanceof OutOfReach)
      this.logger.warn(`app ${operation.appId}: ${error.message}; trying again in ${String(backOff)} s`);
    else this.logger.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    if (cause.class === 'internal' && !away && operation.bugs + 1 >= BUGS) {
      const given = await this.giveUp(operation, lease, cause);
      if (given) return;
    }
    const seconds = error instanceof OutOfReach ? Math.min(RETRY_MOST, error.retryAfter ?? backOff) : backOff;
    await this.queue.postpone(lease, seconds, away ? null : cause).catch((failed: unknown) => {
      if (!(failed instanceof LeaseLost)) this.logger.warn(`operation ${operation.uuid} could not be given back`);
    });
  }

  /** @returns whether it has ended; if not even that can be recorded, it is tried again */
  private async giveUp(operation: Operation, lease: Lease, cause: Cause): Promise<boolean> {
    try {
      await this.recorder.abandon(operation, lease, cause);
      if (lease.ended) this.metrics.ended(lease.ended);
      return true;
    } catch (error) {
      if (error instanceof LeaseLost) return true;
      this.logger.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
      return false;
    }
  }
}
