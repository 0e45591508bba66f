import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiExtraModels, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { App } from '../apps/app.entity.ts';
import { CurrentApp } from '../auth/current.ts';
import { InvalidFields } from '../http/errors.ts';
import { json, Route } from '../http/route.ts';
import { accessExample, accessModels, AccessResponse, accessResponse } from './access.response.ts';
import { AccessService } from './access.service.ts';

@ApiTags('access')
@ApiExtraModels(...accessModels)
@Controller('v2/apps/:app/access')
export class AccessController {
  constructor(private readonly access: AccessService) {}

  @Get(':username')
  @ApiQuery({
    name: 'command',
    required: false,
    description: 'A one-off command: `run.create` is about this one then.',
    schema: { type: 'string' },
    example: 'rake db:migrate',
  })
  @ApiQuery({
    name: 'type',
    required: false,
    description: 'A process type: `app.scale`, `app.stop`, `app.start` and `pod.restart` are about this one then, otherwise about any.',
    schema: { type: 'string' },
    example: 'web',
  })
  @Route({
    summary: 'See what a user may do with an app',
    description:
      'Decided as the calls themselves decide: with what gives the user the app, and for each action whether it is allowed and why. ' +
      '`perms.revoke` is about his own grant.',
    action: 'access.read',
    rule: 'app:inspect',
    answers: { 200: json(AccessResponse, accessExample) },
    errors: { 400: 'A parameter is given twice.', 404: 'There is no such app, or no such user.' },
  })
  async of(
    @CurrentApp() app: App,
    @Param('username') username: string,
    @Query('command') command: unknown,
    @Query('type') type: unknown,
  ): Promise<AccessResponse> {
    return accessResponse(await this.access.of(app, username, { command: given('command', command), type: given('type', type) }));
  }
}

/** A parameter that is given once, or undefined. @throws InvalidFields: given twice, Fastify has a list of it */
function given(name: string, parameter: unknown): string | undefined {
  if (parameter === undefined || parameter === '') return undefined;
  if (typeof parameter !== 'string') throw new InvalidFields({ [name]: ['Give it once.'] });
  return parameter;
}
