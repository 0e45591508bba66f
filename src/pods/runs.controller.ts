import { Body, Controller, Get, Headers, Param, Post, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Readable } from 'node:stream';
import { App } from '../apps/app.entity.ts';
import type { AppAccess } from '../apps/app.rights.ts';
import { CurrentAccess, CurrentApp, CurrentUser } from '../auth/current.ts';
import { LastingAccess } from '../auth/lasting-access.ts';
import { prefers } from '../http/accept.ts';
import { eventStream, Streams } from '../http/event-stream.ts';
import { Paged, pageOf, Paging, type Page } from '../http/paging.ts';
import { either, events, json, Route } from '../http/route.ts';
import { Submitted } from '../http/submitted.ts';
import { User } from '../users/user.entity.ts';
import { RunCommandDto } from './run-command.dto.ts';
import { runExample, runResponse, RunResponse, RunResultResponse, runResultResponse } from './run.response.ts';
import { RunStream } from './run-stream.ts';
import { RunsService } from './runs.service.ts';

const streamExample = `event: run
data: {"id":"${runExample.id}"}

event: output
data: {"text":"hi\\n"}

event: exit
data: {"exit_code":0,"state":"finished","run":"${runExample.id}"}

`;

@ApiTags('runs')
@Controller('v2/apps/:app')
export class RunsController {
  constructor(
    private readonly runs: RunsService,
    private readonly stream: RunStream,
    private readonly streams: Streams,
    private readonly lasting: LastingAccess,
  ) {}

  @Post('run')
  @Route({
    summary: 'Run a one-off command',
    description:
      'In a pod of its own, with the image and the environment of the newest release that came up. Waits for the command to end, 20 minutes at ' +
      'most. A command that fails is a result: its exit code tells. Users who are bound by ACLs run plain words, without a shell.\n\n' +
      'With `Accept: text/event-stream` the output is sent as it comes: an event `run` with the id of the run, `output` with what it ' +
      'printed, and `exit` in the end. A stream that ends without `exit` was cut. With `Prefer: respond-async` the answer is the run. A run ' +
      'goes on when nobody waits for it, and can be looked at by its id.',
    action: 'run.create',
    rule: 'app:use',
    answers: {
      200: either(json(RunResultResponse, { exit_code: 0, output: 'hi\n' }, 'It has ended, or its output begins.'), events(streamExample)),
      202: json(RunResponse, runExample, 'It has begun, for a caller who prefers not to wait. `Location` is the run.'),
    },
    errors: {
      400: 'command is a required field',
      403: 'You may not do this to this app, or an ACL refuses the command: it is named then.',
      409: 'The app is being destroyed.',
      503: 'The command could not be started, took too long, or the cluster is out of reach.',
    },
    waits: true,
  })
  async run(
    @CurrentAccess() access: AppAccess,
    @CurrentUser() user: User,
    @Body() { command }: RunCommandDto,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Submitted<RunResultResponse> | Readable> {
    const { app } = access;
    const begun = await this.runs.begin(access, user, command);
    if (prefers(accept, 'text/event-stream', 'application/json')) {
      const signal = this.lasting.whileUsing(user, access, this.streams.signalOf(reply));
      return eventStream(reply, this.stream.events(app, begun, signal));
    }
    const { uuid } = begun.run;
    return new Submitted(
      { location: `/v2/apps/${app.id}/runs/${uuid}` },
      async () => runResultResponse(await begun.result),
      async () => runResponse(await this.runs.get(app, user, uuid), app.id),
    );
  }

  @Get('runs')
  @Route({
    summary: 'List the one-off runs of an app, newest first',
    description:
      'The owner of the app and administrators see all, others their own. Outputs of more than 4 KiB or so are left out: `output` is null then, ' +
      'and `truncated` true; a command as long is `…`. The run itself has them.',
    action: 'run.list',
    rule: 'app:use',
    answers: { 200: json(pageOf(RunResponse), { count: 1, next: null, previous: null, results: [runExample] }) },
    errors: {},
  })
  async list(@CurrentApp() app: App, @CurrentUser() user: User, @Paged() paging: Paging): Promise<Page<RunResponse>> {
    const page = await this.runs.list(app, user, paging);
    return { ...page, results: page.results.map((run) => runResponse(run, app.id)) };
  }

  @Get('runs/:uuid')
  @Route({
    summary: 'Look at a one-off run',
    action: 'run.read',
    rule: 'app:use',
    answers: { 200: json(RunResponse, runExample) },
    errors: { 403: 'It is somebody else’s, and you do not own the app.', 404: 'There is none of this id.' },
  })
  async get(@CurrentApp() app: App, @CurrentUser() user: User, @Param('uuid') uuid: string): Promise<RunResponse> {
    return runResponse(await this.runs.get(app, user, uuid), app.id);
  }
}
