import { Module } from '@nestjs/common';
import { AppsModule } from '../apps/apps.module.ts';
import { AttachmentsService } from './attachments.service.ts';
import { CertsController } from './certs.controller.ts';
import { CertsService } from './certs.service.ts';

@Module({ imports: [AppsModule], controllers: [CertsController], providers: [AttachmentsService, CertsService] })
export class CertsModule {}
