import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { App } from '../apps/app.entity.ts';
import { CurrentApp, CurrentUser } from '../auth/current.ts';
import { empty, json, Route } from '../http/route.ts';
import type { User } from '../users/user.entity.ts';
import { UsernameDto } from '../users/username.dto.ts';
import { permsExample, PermsResponse } from './perms.response.ts';
import { PermsService } from './perms.service.ts';

@ApiTags('perms')
@Controller('v2/apps/:app/perms')
export class PermsController {
  constructor(private readonly perms: PermsService) {}

  @Get()
  @Route({
    summary: 'List the collaborators of an app',
    action: 'perms.list',
    rule: 'app:use',
    answers: { 200: json(PermsResponse, permsExample) },
    errors: {},
  })
  async list(@CurrentApp() app: App): Promise<PermsResponse> {
    return { users: await this.perms.list(app) };
  }

  @Post()
  @Route({
    summary: 'Make somebody a collaborator of an app',
    description: 'Who is one already stays one, and the owner the owner.',
    action: 'perms.grant',
    rule: 'app:own',
    answers: { 201: empty() },
    errors: {
      400: 'The username is missing.',
      404: 'There is no such app, or no such user.',
      409: 'The app is being destroyed.',
    },
  })
  async grant(@CurrentApp() app: App, @CurrentUser() user: User, @Body() { username }: UsernameDto): Promise<void> {
    await this.perms.grant(app, user, username);
  }

  @Delete(':username')
  @Route({
    summary: 'Take an app away from a collaborator',
    action: 'perms.revoke',
    rule: 'app:revoke',
    answers: { 204: empty() },
    errors: {
      403: 'You may not do this to this app, or the user is no collaborator of it.',
      404: 'There is no such app, or no such user.',
      409: 'The app is being destroyed.',
    },
  })
  async revoke(@CurrentApp() app: App, @CurrentUser() user: User, @Param('username') username: string): Promise<void> {
    await this.perms.revoke(app, user, username);
  }
}
