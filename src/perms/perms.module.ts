import { Module } from '@nestjs/common';
import { PermsController } from './perms.controller.ts';
import { PermsService } from './perms.service.ts';

@Module({ controllers: [PermsController], providers: [PermsService] })
export class PermsModule {}
