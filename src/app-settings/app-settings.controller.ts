import { Body, Controller, Get, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { App } from '../apps/app.entity.ts';
import type { AppAccess } from '../apps/app.rights.ts';
import { CurrentAccess, CurrentApp, CurrentUser } from '../auth/current.ts';
import { json, Route } from '../http/route.ts';
import type { Submitted } from '../http/submitted.ts';
import type { User } from '../users/user.entity.ts';
import { AppSettingsService } from './app-settings.service.ts';
import { ChangeSettingsDto, settingsPatch } from './change-settings.dto.ts';
import { settingsExample, settingsResponse, SettingsResponse } from './settings.response.ts';

@ApiTags('settings')
@Controller('v2/apps/:app/settings')
export class AppSettingsController {
  constructor(private readonly settings: AppSettingsService) {}

  @Get()
  @Route({
    summary: 'Look at the settings of an app',
    action: 'settings.read',
    rule: 'app:use',
    answers: { 200: json(SettingsResponse, settingsExample) },
    errors: {},
  })
  async get(@CurrentApp() app: App): Promise<SettingsResponse> {
    return settingsResponse(app.id, await this.settings.get(app));
  }

  @Post()
  @Route({
    summary: 'Change the settings of an app',
    description: 'Fields that are left out stay as they are. Maps may also be sent as a string with their JSON.',
    action: 'settings.set',
    rule: 'app:use',
    answers: { 201: json(SettingsResponse, settingsExample) },
    errors: {
      403: 'You may not do this to this app, or your groups leave out a process type that would be autoscaled.',
      400: 'A field is wrong, or the cluster refused the change, which was undone.',
      409: 'Nothing would change, or the app is being destroyed.',
      422: 'A key that is to be taken away is not there.',
    },
    waits: true,
  })
  async change(
    @CurrentAccess() access: AppAccess,
    @CurrentUser() user: User,
    @Body() body: ChangeSettingsDto,
  ): Promise<Submitted<SettingsResponse>> {
    const submitted = await this.settings.change(access, user, settingsPatch(body));
    return submitted.map((settings) => settingsResponse(access.app.id, settings));
  }
}
