import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { App } from '../apps/app.entity.ts';
import { LastingAccess } from '../auth/lasting-access.ts';
import { Operation } from '../deploy/operation.entity.ts';
import { Wakeup } from '../deploy/wakeup.ts';
import { BadRequest, Gone, NotFound } from '../http/errors.ts';
import type { StreamEvent, StreamMark } from '../http/event-stream.ts';
import type { User } from '../users/user.entity.ts';
import type { AppEvent } from './app-event.entity.ts';
import { AppEvents, type EventBounds } from './app-events.ts';
import type { EventData } from './event-data.ts';
import type { EventFeed } from './event-feed.ts';
import { EventFeeds } from './event-feeds.ts';
import { PAGE } from './event-feed.ts';

/** A reader looks again so often although nothing woke him, in milliseconds. */
const LOOK = 60_000;

/** What there is to be told, in the order in which it is sent. */
type Sent = StreamEvent | StreamMark;

/** Lets people follow what happens to apps. */
@Injectable()
export class EventsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly events: AppEvents,
    private readonly feeds: EventFeeds,
    private readonly lasting: LastingAccess,
  ) {}

  /**
   * The events of an app from now on, or all that came after one. First the number that the reader is at, then the pods as they are: how
   * they came to be so isn't kept. They end when the app is gone, with its last operation, and when the right to it is lost.
   * @param lastEventId as it was sent, of the last event that the reader has; undefined: none
   * @param hangsUp ends them at once
   * @throws BadRequest for what is no number; Gone if not all that came after it is kept
   */
  async follow(app: App, user: User, lastEventId: string | undefined, hangsUp: AbortSignal): Promise<AsyncGenerator<Sent>> {
    const after = parseEventId(lastEventId);
    const reader = new Wakeup();
    // before it is asked what there is: what comes in between must not be missed
    const feed = this.feeds.join(app, reader, hangsUp);
    const bounds = await this.events.bounds(this.dataSource.manager, app.uuid);
    if (!bounds) throw NotFound.of('App');
    assertKept(after ?? bounds.last, bounds);
    feed.begin(bounds);
    return this.tell(app, user, after ?? bounds.last, feed, reader, hangsUp);
  }

  private async *tell(app: App, user: User, after: number, feed: EventFeed, reader: Wakeup, hangsUp: AbortSignal): AsyncGenerator<Sent> {
    const mayGoOn = this.lasting.whileUsing(user, { app }, hangsUp);
    mayGoOn.addEventListener('abort', () => {
      reader.signal();
    });
    const pods = new Map<string, EventData['pod']>();
    let at = after;
    yield { id: String(at) };
    while (!hangsUp.aborted) {
      const events = feed.since(at) ?? (await this.missed(app, at));
      // a gap: they were swept away under a reader who is that slow. He comes back, and is told so
      if (events[0] && events[0].id !== at + 1) return;
      const gone = feed.ended || (mayGoOn.aborted && (await this.events.bounds(this.dataSource.manager, app.uuid)) === null);
      if (mayGoOn.aborted && !gone) return;
      if (events.some(({ event }) => event === 'perms') && !(await this.lasting.stillMayUse(user, app.uuid))) return;
      for (const { id, event, data } of events) {
        at = id;
        yield { id: String(id), event, data };
      }
      for (const data of feed.podsSince(pods)) yield { id: String(at), event: 'pod', data };
      if (events.length > 0) continue;
      if (gone) {
        yield* this.last(app, at + 1);
        return;
      }
      await reader.within(LOOK);
    }
  }

  private missed(app: App, after: number): Promise<AppEvent[]> {
    return this.events.after(this.dataSource.manager, app.uuid, after, PAGE);
  }

  /** How the operation ended that took the app away: its events went with it. */
  private async *last({ uuid }: App, id: number): AsyncGenerator<StreamEvent> {
    const operation = await this.dataSource.manager.findOne(Operation, { where: { appUuid: uuid }, order: { created: 'DESC' } });
    if (!operation) return;
    const { uuid: operationId, kind, state, step, release, cause } = operation;
    const data: EventData['operation'] = { id: operationId, kind, state, step, release, cause };
    yield { id: String(id), event: 'operation', data };
  }
}

function parseEventId(written: string | undefined): number | null {
  if (written === undefined || written === '') return null;
  if (!/^\d{1,15}$/.test(written)) throw new BadRequest('Last-Event-ID must be the number of an event, as its "id" says.');
  return Number(written);
}

function assertKept(after: number, { last, oldest }: EventBounds): void {
  const anew = 'Read the app anew, and follow its events without Last-Event-ID.';
  if (after > last) throw new Gone(`The app has had no event ${String(after)}: its newest is ${String(last)}. ${anew}`);
  if (after < oldest - 1) throw new Gone(`Not all events after ${String(after)} are kept any more. ${anew}`);
}
