import { Injectable, type OnModuleInit } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { isDatabaseAway } from '../http/database-away.ts';
import { Unavailable } from '../http/errors.ts';
import { Settings } from '../settings/settings.ts';
import { FaultPoints } from './fault-points.ts';
import { Notifications } from './notifications.ts';
import { Operation } from './operation.entity.ts';

/** Path at which people look at an operation. */
export const locationOf = (uuid: string): string => `/v2/operations/${uuid}`;

/** Seconds after which a caller whose time was up may ask again. */
export const RETRY_AFTER = 5;

/** A waiter looks at the row this often, in case its notification was lost with a connection. Milliseconds. */
const LOOK_AGAIN = 30_000;

/** How long a waiter waits for a database that is out of reach to come back, and how often it looks, in milliseconds. */
const OUTAGE = 60_000;
const OUTAGE_PAUSE = 1_000;

/** Lets a request wait for the end of an operation, wherever it runs. */
@Injectable()
export class OperationOutcomes implements OnModuleInit {
  private readonly waiting = new Map<string, Set<() => void>>();
  private ending = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly notifications: Notifications,
    private readonly settings: Settings,
    private readonly points: FaultPoints,
  ) {}

  onModuleInit(): void {
    this.notifications.on('settled', (uuid) => {
      this.wake(uuid);
    });
    this.notifications.onConnected(() => {
      for (const uuid of [...this.waiting.keys()]) this.wake(uuid);
    });
  }

  /** The process ends: whoever still waits is answered now, as if the time of the request were up. */
  end(): void {
    this.ending = true;
    for (const uuid of [...this.waiting.keys()]) this.wake(uuid);
  }

  async get(uuid: string): Promise<Operation | null> {
    return this.dataSource.manager.findOneBy(Operation, { uuid });
  }

  /**
   * Waits until the operation is over, or the one that superseded it. Holds no database connection meanwhile.
   * @param waitingSince monotonic time at which the request began to wait
   * @throws Unavailable when the request's time is up, or this process ends: the work goes on
   */
  async settled(uuid: string, waitingSince: number): Promise<Operation> {
    const deadline = waitingSince + this.settings.requestWait * 1000;
    let away: number | null = null;
    for (let current = uuid; ;) {
      const woken = this.register(current);
      let operation: Operation | null;
      try {
        operation = await this.get(current);
        away = null;
      } catch (error) {
        woken.cancel();
        const now = performance.now();
        away ??= now;
        if (!isDatabaseAway(error) || this.ending || now > Math.min(deadline, away + OUTAGE)) throw error;
        await sleep(OUTAGE_PAUSE);
        continue;
      }
      if (!operation) {
        woken.cancel();
        throw new Unavailable('The operation is not recorded any more.', RETRY_AFTER);
      }
      if (operation.state === 'superseded' && operation.supersededBy) {
        woken.cancel();
        current = operation.supersededBy;
        continue;
      }
      if (operation.finished) {
        woken.cancel();
        await this.points.reach('answering', operation.appId);
        return operation;
      }
      const left = this.ending ? 0 : deadline - performance.now();
      if (left <= 0) {
        woken.cancel();
        const held = operation.cause ? `: ${operation.cause.message}` : '';
        throw new Unavailable(`recorded, will be applied${held}`, RETRY_AFTER, locationOf(current));
      }
      await woken.orAfter(Math.min(left, LOOK_AGAIN));
    }
  }

  private register(uuid: string): { cancel(): void; orAfter(milliseconds: number): Promise<void> } {
    let wake = (): void => undefined;
    const woken = new Promise<void>((resolve) => (wake = resolve));
    const waiters = this.waiting.get(uuid) ?? new Set();
    this.waiting.set(uuid, waiters.add(wake));
    const cancel = (): void => {
      waiters.delete(wake);
      if (waiters.size === 0) this.waiting.delete(uuid);
    };
    return {
      cancel,
      async orAfter(milliseconds) {
        const timer = setTimeout(wake, milliseconds);
        await woken;
        clearTimeout(timer);
        cancel();
      },
    };
  }

  private wake(uuid: string): void {
    for (const wake of this.waiting.get(uuid) ?? []) wake();
  }
}
