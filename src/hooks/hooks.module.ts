import { Module } from '@nestjs/common';
import { AppsModule } from '../apps/apps.module.ts';
import { BuildsModule } from '../builds/builds.module.ts';
import { ConfigModule } from '../config/config.module.ts';
import { UsersModule } from '../users/users.module.ts';
import { HooksController } from './hooks.controller.ts';
import { HooksService } from './hooks.service.ts';

@Module({ imports: [AppsModule, BuildsModule, ConfigModule, UsersModule], controllers: [HooksController], providers: [HooksService] })
export class HooksModule {}
