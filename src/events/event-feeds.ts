import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { App } from '../apps/app.entity.ts';
import { Notifications } from '../deploy/notifications.ts';
import type { Wakeup } from '../deploy/wakeup.ts';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { AppEvents } from './app-events.ts';
import { EventFeed, PAGE } from './event-feed.ts';

/** The feeds of the apps that somebody follows in this process. */
@Injectable()
export class EventFeeds implements OnModuleInit {
  private readonly feeds = new Map<string, EventFeed>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly events: AppEvents,
    private readonly cache: ClusterCache,
    private readonly notifications: Notifications,
  ) {}

  onModuleInit(): void {
    this.notifications.on('app_event', (appUuid) => this.feeds.get(appUuid)?.look());
    // what was told meanwhile was missed
    this.notifications.onConnected(() => {
      for (const feed of this.feeds.values()) feed.look();
    });
  }

  /** @returns the app's feed, which wakes the reader until he hangs up */
  join({ uuid, id }: App, reader: Wakeup, hangsUp: AbortSignal): EventFeed {
    let feed = this.feeds.get(uuid);
    if (!feed) {
      const { manager } = this.dataSource;
      const source = {
        after: (last: number) => this.events.after(manager, uuid, last, PAGE),
        bounds: () => this.events.bounds(manager, uuid),
      };
      feed = new EventFeed(id, source, this.cache);
      this.feeds.set(uuid, feed);
    }
    const joined = feed;
    joined.join(reader);
    const leave = (): void => {
      joined.leave(reader);
      reader.signal();
      if (joined.empty && this.feeds.get(uuid) === joined) this.feeds.delete(uuid);
    };
    if (hangsUp.aborted) leave();
    else hangsUp.addEventListener('abort', leave, { once: true });
    return joined;
  }
}
