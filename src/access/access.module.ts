import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { UsersModule } from '../users/users.module.ts';
import { AccessController } from './access.controller.ts';
import { AccessService } from './access.service.ts';
import { AppActions } from './app-actions.ts';

/** Who may do what with an app, told. */
@Module({ imports: [DiscoveryModule, UsersModule], controllers: [AccessController], providers: [AccessService, AppActions] })
export class AccessModule {}
