import { Module } from '@nestjs/common';
import { AppSettingsController } from './app-settings.controller.ts';
import { AppSettingsService } from './app-settings.service.ts';
import { WhitelistController } from './whitelist.controller.ts';

@Module({ controllers: [AppSettingsController, WhitelistController], providers: [AppSettingsService] })
export class AppSettingsModule {}
