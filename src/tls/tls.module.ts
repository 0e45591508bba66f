import { Module } from '@nestjs/common';
import { TlsController } from './tls.controller.ts';
import { TlsService } from './tls.service.ts';

@Module({ controllers: [TlsController], providers: [TlsService] })
export class TlsModule {}
