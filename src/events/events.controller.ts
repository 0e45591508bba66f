import { Controller, Get, Headers, Res } from '@nestjs/common';
import { ApiHeader, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Readable } from 'node:stream';
import { App } from '../apps/app.entity.ts';
import { CurrentApp, CurrentUser } from '../auth/current.ts';
import { eventStream, eventText, Streams } from '../http/event-stream.ts';
import { events, Route } from '../http/route.ts';
import { User } from '../users/user.entity.ts';
import type { EventData } from './event-data.ts';
import { EventsService } from './events.service.ts';

const release: EventData['release'] = { version: 7, state: 'succeeded', summary: 'ada added DEBUG', owner: 'ada', exception: null };
const pod: EventData['pod'] = {
  name: 'peachy-waxworks-web-6f7d9c5b4-x2x9k',
  type: 'web',
  release: 'v7',
  state: 'up',
  started: '2026-01-15T09:30:00.000Z',
};
const example = [
  eventText({ id: '41' }),
  eventText({ id: '42', event: 'release', data: release }),
  eventText({ id: '42', event: 'pod', data: pod }),
].join('');

@ApiTags('events')
@Controller('v2/apps/:app/events')
export class EventsController {
  constructor(
    private readonly service: EventsService,
    private readonly streams: Streams,
  ) {}

  @Get()
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'The `id` of the last event that you have: all that came after it are sent first.',
    schema: { type: 'string' },
    example: '41',
  })
  @Route({
    summary: 'Follow what happens to an app',
    description:
      'Events as they come: `release`, `operation`, `scale`, `domain`, `cert`, `config`, `perms` and `drift` with ids that rise by one, ' +
      'and `pod` with the id of the event before it. Without `Last-Event-ID` they begin now. The stream ends when the app is gone or the ' +
      'right to use it, and when this replica ends: follow it again then, with `Last-Event-ID`.',
    action: 'event.follow',
    rule: 'app:use',
    answers: { 200: events(example) },
    errors: {
      400: '`Last-Event-ID` is no number.',
      410: 'Not all events after `Last-Event-ID` are kept, or there has been none of that number: read the app anew, and follow without it.',
    },
  })
  async follow(
    @CurrentApp() app: App,
    @CurrentUser() user: User,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Readable> {
    return eventStream(reply, await this.service.follow(app, user, lastEventId, this.streams.signalOf(reply)));
  }
}
