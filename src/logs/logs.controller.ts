import { Controller, Get, Headers, Query, Res } from '@nestjs/common';
import { ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { AppAccess } from '../apps/app.rights.ts';
import { CurrentAccess, CurrentUser } from '../auth/current.ts';
import { LastingAccess } from '../auth/lasting-access.ts';
import { Streams, textStream } from '../http/event-stream.ts';
import { empty, Route, text } from '../http/route.ts';
import type { Readable } from 'node:stream';
import { prefers } from '../http/accept.ts';
import { User } from '../users/user.entity.ts';
import { LogFollowing } from './log-following.ts';
import { LogsService } from './logs.service.ts';

const DEFAULT_LINES = 100;
const MOST_LINES = 10_000;

const example = '09:30:00 drycc[api]: ada created initial release\n09:30:07 peachy-waxworks[web.v2.x2x9k]: listening on port 5000\n';
const plain = { schema: { type: 'string' }, example };

@ApiTags('logs')
@Controller('v2/apps/:app/logs')
export class LogsController {
  constructor(
    private readonly logs: LogsService,
    private readonly following: LogFollowing,
    private readonly streams: Streams,
    private readonly lasting: LastingAccess,
  ) {}

  @Get()
  @ApiQuery({
    name: 'log_lines',
    required: false,
    description: `How many lines at most, up to ${MOST_LINES}; ${DEFAULT_LINES} by default and for what is no positive integer.`,
    schema: { type: 'string' },
    example: '20',
  })
  @ApiQuery({
    name: 'follow',
    required: false,
    description: '`true`: after the last lines each line is sent as it comes, as plain text, until the caller hangs up.',
    schema: { type: 'string' },
    example: 'true',
  })
  @ApiResponse({
    status: 200,
    description: 'The lines, oldest first; as one JSON string if `Accept` prefers `application/json`.',
    content: { 'text/plain': plain, 'application/json': plain },
  })
  @ApiResponse({
    status: 500,
    description: 'The log aggregator is out of reach, or a fault of Keelson.',
    content: {
      'text/plain': { schema: { type: 'string' }, example: 'Error accessing logs for peachy-waxworks' },
      'application/json': { schema: { $ref: '#/components/schemas/Refusal' }, example: { detail: 'Server Error' } },
    },
  })
  @Route({
    summary: 'Read the log of an app',
    description:
      'What its processes and one-off runs printed, as `<app>[<type>.<release>.<end of the pod’s name>]: …`, and what Keelson says about ' +
      'the app, as `drycc[api]: …`, each line with its time of day in UTC. Followed, the log goes on through the replacement of pods; each line comes once, and ' +
      'where the cluster lost some a line says so and names the pod. It ends when the app is destroyed or the right to use it, and when ' +
      'this replica ends: follow it again then. In a silent log nothing is sent, and a proxy may cut the connection.',
    action: 'log.read',
    rule: 'app:use',
    answers: { 200: text(example), 204: empty('There is nothing in it.') },
    errors: { 500: 'The log aggregator is out of reach, or a fault of Keelson.' },
  })
  async read(
    @CurrentAccess() { app }: AppAccess,
    @CurrentUser() user: User,
    @Query('log_lines') lines: unknown,
    @Query('follow') follow: unknown,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string | Readable | undefined> {
    if (isTrue(follow)) {
      const signal = this.lasting.whileUsing(user, { app }, this.streams.signalOf(reply));
      return textStream(reply, await this.following.follow(app, lineCount(lines), signal));
    }
    const log = await this.logs.read(app, lineCount(lines));
    if (log === null) {
      void reply.status(500).type('text/plain; charset=utf-8');
      return `Error accessing logs for ${app.id}`;
    }
    if (log === '') {
      void reply.status(204);
      return undefined;
    }
    const json = prefers(accept, 'application/json', 'text/plain');
    void reply.type(json ? 'application/json; charset=utf-8' : 'text/plain; charset=utf-8');
    return json ? JSON.stringify(log) : log;
  }
}

function lineCount(given: unknown): number {
  const lines = typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : 0;
  return Math.min(lines || DEFAULT_LINES, MOST_LINES);
}

const isTrue = (given: unknown): boolean => typeof given === 'string' && /^(true|1)$/i.test(given);
