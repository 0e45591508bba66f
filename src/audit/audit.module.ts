import { Global, Module } from '@nestjs/common';
import { AuditController } from './audit.controller.ts';
import { AuditService } from './audit.service.ts';
import { AuditTrail } from './audit-trail.ts';
import { RequestOutcomes } from './request-outcomes.ts';
import { Sealer } from './sealer.ts';

/** Who did what. */
@Global()
@Module({ controllers: [AuditController], providers: [AuditService, AuditTrail, RequestOutcomes, Sealer], exports: [AuditTrail] })
export class AuditModule {}
