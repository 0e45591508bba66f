import { Module } from '@nestjs/common';
import { ServicesController } from './services.controller.ts';
import { ServicesService } from './services.service.ts';

@Module({ controllers: [ServicesController], providers: [ServicesService] })
export class ServicesModule {}
