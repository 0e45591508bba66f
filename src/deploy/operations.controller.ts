import { Controller, Get, Param } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { App } from '../apps/app.entity.ts';
import { CurrentApp, CurrentUser } from '../auth/current.ts';
import { Paged, pageOf, Paging, type Page } from '../http/paging.ts';
import { json, Route } from '../http/route.ts';
import { User } from '../users/user.entity.ts';
import { operationResponse, OperationResponse } from './operation.response.ts';
import { OperationsService } from './operations.service.ts';

const example: OperationResponse = {
  id: '4f2c8a57-9f0b-4a58-8f53-0f6f3a4c9d10',
  app: 'example-go',
  kind: 'deploy',
  generation: 3,
  state: 'succeeded',
  release: 2,
  step: 'done',
  cause: null,
  attempts: 1,
  created: '2026-01-01T00:00:00.000Z',
  started: '2026-01-01T00:00:00.010Z',
  finished: '2026-01-01T00:00:03.200Z',
};

/** What goes on, or went on, in the cluster for an app. */
@ApiTags('operations')
@Controller('v2')
export class OperationsController {
  constructor(private readonly operations: OperationsService) {}

  @Get('operations/:uuid')
  @Route({
    summary: 'Look at an operation',
    action: 'operation.read',
    rule: 'user',
    answers: { 200: json(OperationResponse, example) },
    errors: { 403: 'It is of an app that you may not use, or that is gone.', 404: 'There is none of this id.' },
  })
  async get(@Param('uuid') uuid: string, @CurrentUser() user: User): Promise<OperationResponse> {
    return operationResponse(await this.operations.get(uuid, user));
  }

  @Get('apps/:app/operations')
  @Route({
    summary: 'List the operations of an app, newest first',
    action: 'operation.list',
    rule: 'app:use',
    answers: { 200: json(pageOf(OperationResponse), { count: 1, next: null, previous: null, results: [example] }) },
    errors: {},
  })
  async list(@CurrentApp() app: App, @Paged() paging: Paging): Promise<Page<OperationResponse>> {
    const [operations, count] = await this.operations.list(app, paging);
    return paging.page(count, operations.map(operationResponse));
  }
}
