import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { AppAccesses } from '../apps/app-accesses.ts';
import { type AppAccess, mayUse } from '../apps/app.rights.ts';
import { Notifications } from '../deploy/notifications.ts';
import { User } from '../users/user.entity.ts';

/** How often it is asked whether somebody who listens still may, in milliseconds. */
const EVERY = 30_000;

/**
 * Ends answers that go on when their callers may not have them any more: at once when the app is destroyed; within half a minute when the
 * user is disabled, his tokens are ended or the app is taken from him. That costs two SELECTs each time, and no connection meanwhile.
 */
@Injectable()
export class LastingAccess implements OnModuleInit {
  private readonly logger = new Logger(LastingAccess.name);
  /** What ends the answers about an app, by its uuid. */
  private readonly listening = new Map<string, Set<AbortController>>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly accesses: AppAccesses,
    private readonly notifications: Notifications,
  ) {}

  onModuleInit(): void {
    this.notifications.on('app_gone', (uuid) => {
      for (const over of this.listening.get(uuid) ?? []) over.abort();
    });
  }

  /**
   * @param user who was found to be allowed to use the app, with the request
   * @param signal of the answer, see `Streams`
   * @returns a signal that comes with it, and before it when the right is lost
   */
  whileUsing(user: User, { app }: Pick<AppAccess, 'app'>, signal: AbortSignal, every = EVERY): AbortSignal {
    const over = new AbortController();
    const listeners = this.listening.get(app.uuid) ?? new Set();
    this.listening.set(app.uuid, listeners.add(over));
    const timer = setInterval(() => {
      this.stillMayUse(user, app.uuid).then(
        (may) => {
          if (!may) over.abort();
        },
        (error: unknown) => {
          // nobody loses a right because the database is away
          this.logger.warn(`the rights of who listens cannot be looked at: ${error instanceof Error ? error.message : String(error)}`);
        },
      );
    }, every);
    over.signal.addEventListener('abort', () => {
      clearInterval(timer);
      listeners.delete(over);
      if (listeners.size === 0) this.listening.delete(app.uuid);
    });
    const end = (): void => {
      over.abort();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
    return over.signal;
  }

  /** Whether somebody who was allowed to use the app still is. Two SELECTs. */
  async stillMayUse({ id, tokenVersion }: User, appUuid: string): Promise<boolean> {
    const user = await this.dataSource.manager.findOneBy(User, { id });
    if (!user?.isActive || user.tokenVersion !== tokenVersion) return false;
    const access = await this.accesses.findByUuid(appUuid, user);
    return access !== undefined && mayUse(user, access);
  }
}
