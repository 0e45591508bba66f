import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, MoreThan, type EntityManager } from 'typeorm';
import { Insertion } from '../database/insertion.ts';
import { Sweeper } from '../database/sweeper.ts';
import { KNOWN_TYPES } from '../pods/known-types.ts';
import { Settings } from '../settings/settings.ts';
import { AppEvent } from './app-event.entity.ts';
import type { EventData, StoredEvent } from './event-data.ts';

/** What is kept of an app's events. */
export interface EventBounds {
  /** Number of the newest event that there ever was; 0 before the first. */
  last: number;
  /** Number of the oldest event that is kept; `last + 1` if none is. */
  oldest: number;
  /** The app's process types, which its pods are told by. */
  types: string[];
}

/** The book of what happens to apps. */
@Injectable()
export class AppEvents {
  private readonly events: Insertion<AppEvent>;

  constructor(dataSource: DataSource, settings: Settings, sweeper: Sweeper) {
    this.events = new Insertion(dataSource, AppEvent);
    sweeper.add(
      'events',
      `DELETE FROM app_events WHERE uuid IN (
         SELECT uuid FROM app_events WHERE at < now() - $2 * interval '1 second' ORDER BY at LIMIT $1 FOR UPDATE SKIP LOCKED)`,
      () => [settings.eventRetention],
    );
  }

  /**
   * Tells of an event when the transaction of `manager` commits; readers in every replica are woken then. One statement. Of an app that
   * is gone by then, nothing is told.
   * @param data without secrets: it is stored encrypted, but sent to all who may use the app
   */
  async write<Event extends StoredEvent>(manager: EntityManager, appUuid: string, event: Event, data: EventData[Event]): Promise<void> {
    await this.events.add(manager, { uuid: randomUUID(), appUuid, event, data });
  }

  /** Those after the one of this number, in order; at most `most`. */
  async after(manager: EntityManager, appUuid: string, id: number, most: number): Promise<AppEvent[]> {
    return manager.find(AppEvent, { where: { appUuid, id: MoreThan(id) }, order: { id: 'ASC' }, take: most });
  }

  /** @returns null when the app is gone */
  async bounds(manager: EntityManager, appUuid: string): Promise<EventBounds | null> {
    const rows = await manager.query<{ last: string; oldest: string | null; types: string[] }[]>(
      `SELECT last, (SELECT min(id) FROM app_events WHERE app_uuid = $1) AS oldest, ARRAY(${KNOWN_TYPES}) AS types
       FROM app_event_counters WHERE app_uuid = $1`,
      [appUuid],
    );
    const [row] = rows;
    if (!row) return null;
    const last = Number(row.last);
    return { last, oldest: row.oldest === null ? last + 1 : Number(row.oldest), types: row.types };
  }
}
