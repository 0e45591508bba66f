import { Body, Controller, Get, Post } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import type { App } from '../apps/app.entity.ts';
import { mayOwn } from '../apps/app.rights.ts';
import { CurrentApp, CurrentUser } from '../auth/current.ts';
import { Client, type ClientProgram } from '../http/client.ts';
import { json, Route } from '../http/route.ts';
import type { Submitted } from '../http/submitted.ts';
import type { User } from '../users/user.entity.ts';
import { parseConfigPatch } from './config-rules.ts';
import { configExample, configResponse, ConfigResponse, releaseValues } from './config.response.ts';
import { ConfigService } from './config.service.ts';
import { SetConfigBody } from './set-config.body.ts';

@ApiTags('config')
@Controller('v2/apps/:app/config')
export class ConfigController {
  constructor(private readonly configs: ConfigService) {}

  @Get()
  @Route({
    summary: 'Look at the config of an app',
    action: 'config.read',
    rule: 'app:use',
    answers: { 200: json(ConfigResponse, configExample) },
    errors: {},
  })
  async get(@CurrentApp() app: App, @CurrentUser() user: User): Promise<ConfigResponse> {
    return configResponse(app.id, await this.configs.get(app), seenBy(user, app));
  }

  @Post()
  @ApiBody({ type: SetConfigBody })
  @Route({
    summary: 'Change the config of an app',
    description:
      'What is sent is merged into what is there; `null` takes a key away. Every map may also be sent as a string with its JSON. ' +
      'It makes a release, whose number is in `X-Drycc-Release`. The values of the answer also hold `DRYCC_APP` and `DRYCC_RELEASE`.',
    action: 'config.set',
    rule: 'app:use',
    answers: { 201: json(ConfigResponse, configExample) },
    errors: {
      400: 'A field is wrong, no node has the tags, or the release could not be rolled out and was undone.',
      409: 'The app is being destroyed, or nothing was changed where that is refused.',
      422: 'A key that is to be taken away is not there.',
    },
    waits: true,
  })
  async change(
    @CurrentApp() app: App,
    @CurrentUser() user: User,
    @Client() client: ClientProgram,
    @Body() body: Record<string, unknown>,
  ): Promise<Submitted<ConfigResponse>> {
    const submitted = await this.configs.change(app, user, parseConfigPatch(body));
    return submitted.map(({ config, version }) =>
      configResponse(app.id, config, seenBy(user, app), releaseValues(app.id, version, client)),
    );
  }
}

const seenBy = (user: User, app: App): { password: boolean } => ({ password: mayOwn(user, { app }) });
