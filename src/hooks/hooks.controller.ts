import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { mayOwn } from '../apps/app.rights.ts';
import { BuildsService } from '../builds/builds.service.ts';
import { configExample, configResponse, ConfigResponse } from '../config/config.response.ts';
import { ConfigService } from '../config/config.service.ts';
import { json, Route } from '../http/route.ts';
import type { Submitted } from '../http/submitted.ts';
import { builtExample, BuiltResponse } from './built.response.ts';
import { HooksService } from './hooks.service.ts';
import { keyHolderExample, KeyHolderResponse } from './key-holder.response.ts';
import { ReceiveBuildDto } from './receive-build.dto.ts';
import { ReceiveDto } from './receive.dto.ts';
import { userKeysAnswer, userKeysResponse, type UserKeysResponse } from './user-keys.response.ts';

const MAY_NOT = 'You are a user, not the builder; or the user it is about may not use the app.';
const NOBODY = 'There is no such app, or no such user.';

/** What the git receiver asks and tells. */
@ApiTags('hooks')
@Controller('v2/hooks')
export class HooksController {
  constructor(
    private readonly hooks: HooksService,
    private readonly configs: ConfigService,
    private readonly builds: BuildsService,
  ) {}

  @Get('key/:fingerprint')
  @Route({
    summary: 'See whose an SSH key is',
    description: 'With the apps that he may use. Disabled users have no keys here.',
    action: 'hook.key',
    rule: 'builder',
    answers: { 200: json(KeyHolderResponse, keyHolderExample) },
    errors: { 404: 'Nobody has such a key.' },
  })
  async holder(@Param('fingerprint') fingerprint: string): Promise<KeyHolderResponse> {
    return this.hooks.holderOf(fingerprint);
  }

  @Get('keys/:app')
  @Route({
    summary: 'List the SSH keys of an app’s users',
    description:
      'Of its owner, collaborators and users by products, each user’s oldest first. Administrators may push to every app, but are listed ' +
      'with those that they have otherwise only. Who is disabled or has no keys is left out.',
    action: 'hook.keys',
    rule: 'builder',
    answers: { 200: userKeysAnswer },
    errors: { 404: 'There is no such app.' },
  })
  async keysOfApp(@Param('app') app: string): Promise<UserKeysResponse> {
    return userKeysResponse(await this.hooks.keysOfApp(app));
  }

  @Get('keys/:app/:username')
  @Route({
    summary: 'List the SSH keys of one of an app’s users',
    action: 'hook.keys',
    rule: 'builder',
    answers: { 200: userKeysAnswer },
    errors: { 403: MAY_NOT, 404: 'There is no such app, no such user, or he has no keys.' },
  })
  async keysOfUser(@Param('app') app: string, @Param('username') username: string): Promise<UserKeysResponse> {
    return userKeysResponse(await this.hooks.keysOfUser(app, username));
  }

  @Post('config')
  @Route({
    summary: 'Look at the config of an app that is pushed to',
    action: 'hook.config',
    rule: 'builder',
    answers: { 200: json(ConfigResponse, configExample) },
    errors: { 400: 'A field is missing or wrong.', 403: MAY_NOT, 404: NOBODY },
  })
  async config(@Body() { receive_user: username, receive_repo: id }: ReceiveDto): Promise<ConfigResponse> {
    const { user, access } = await this.hooks.pusher(username, id);
    return configResponse(id, await this.configs.get(access.app), { password: mayOwn(user, access) });
  }

  @Post('build')
  @Route({
    summary: 'Deploy what was built of a push',
    description: 'As the user who pushed could do himself. Should the release not come up, the one before it runs on.',
    action: 'build.create',
    rule: 'builder',
    answers: { 200: json(BuiltResponse, builtExample) },
    errors: {
      400: 'A field is missing or wrong, or the release could not be rolled out and was undone.',
      403: MAY_NOT,
      404: NOBODY,
      409: 'The app is being destroyed, or the Procfile is missing where that is refused.',
    },
    waits: true,
  })
  async build(@Body() body: ReceiveBuildDto): Promise<Submitted<BuiltResponse>> {
    const { receive_user: username, receive_repo: id, image, sha, procfile, dockerfile, stack } = body;
    const { user, access } = await this.hooks.pusher(username, id);
    const submitted = await this.builds.create(access.app, user, { image, sha, procfile, dockerfile, stack });
    return submitted.map(() => ({ release: { version: submitted.release as number } }));
  }
}
