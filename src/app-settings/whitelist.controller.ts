import { Body, Controller, Delete, Get, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { App } from '../apps/app.entity.ts';
import { CurrentApp, CurrentUser } from '../auth/current.ts';
import { empty, json, Route } from '../http/route.ts';
import type { Submitted } from '../http/submitted.ts';
import type { User } from '../users/user.entity.ts';
import { AddressesDto } from './addresses.dto.ts';
import { AppSettingsService } from './app-settings.service.ts';
import { whitelistExample, WhitelistResponse } from './whitelist.response.ts';

/** The settings' whitelist by itself, under its name of today and under that of the next command lines. */
@ApiTags('settings')
@Controller(['v2/apps/:app/whitelist', 'v2/apps/:app/allowlist'])
export class WhitelistController {
  constructor(private readonly settings: AppSettingsService) {}

  @Get()
  @Route({
    summary: 'List the addresses that may reach an app',
    action: 'whitelist.read',
    rule: 'app:use',
    answers: { 200: json(WhitelistResponse, whitelistExample) },
    errors: {},
  })
  async list(@CurrentApp() app: App): Promise<WhitelistResponse> {
    const { whitelist } = await this.settings.get(app);
    return { addresses: whitelist };
  }

  @Post()
  @Route({
    summary: 'Add addresses that may reach an app',
    description: 'Once there is one, all others are kept out. The answer has the whole list.',
    action: 'whitelist.add',
    rule: 'app:use',
    answers: { 201: json(WhitelistResponse, whitelistExample) },
    errors: {
      400: 'An address is not valid, or the cluster refused the change, which was undone.',
      409: 'All of them are on the list already, or the app is being destroyed.',
    },
    waits: true,
  })
  async add(@CurrentApp() app: App, @CurrentUser() user: User, @Body() { addresses }: AddressesDto): Promise<Submitted<WhitelistResponse>> {
    const submitted = await this.settings.allow(app, user, addresses);
    return submitted.map(({ whitelist }) => ({ addresses: whitelist }));
  }

  @Delete()
  @Route({
    summary: 'Take addresses off the list of those that may reach an app',
    description: 'Without any, all may.',
    action: 'whitelist.remove',
    rule: 'app:own',
    answers: { 204: empty() },
    errors: {
      400: 'An address is not valid, or the cluster refused the change, which was undone.',
      409: 'None is named, or the app is being destroyed.',
      422: 'One of them is not on the list.',
    },
    waits: true,
  })
  async remove(@CurrentApp() app: App, @CurrentUser() user: User, @Body() { addresses }: AddressesDto): Promise<Submitted<void>> {
    return this.settings.disallow(app, user, addresses);
  }
}
