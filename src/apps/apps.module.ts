import { Module } from '@nestjs/common';
import { AppsController } from './apps.controller.ts';
import { AppsService } from './apps.service.ts';
import { ScaleService } from './scale.service.ts';

@Module({ controllers: [AppsController], providers: [AppsService, ScaleService] })
export class AppsModule {}
