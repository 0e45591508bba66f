import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { App } from '../apps/app.entity.ts';
import { CurrentApp } from '../auth/current.ts';
import { Paged, pageOf, Paging, type Page } from '../http/paging.ts';
import { json, Route } from '../http/route.ts';
import { type AuditFilter, Filtered } from './audit-filter.ts';
import { auditResponse, AuditResponse } from './audit.response.ts';
import type { AuditRow } from './audit-row.entity.ts';
import { AuditService } from './audit.service.ts';

const example: AuditResponse = {
  sequence: 4711,
  time: '2026-01-01T00:00:00.000Z',
  actor: 'ada',
  address: '192.0.2.10',
  request_id: '0d9a5a1e-6ad5-4c9f-8a7f-4f0b2f6f3a51',
  action: 'app.transfer',
  object: 'app:peachy-waxworks',
  before: { owner: 'ada' },
  after: { owner: 'bob' },
  outcome: 'committed',
  hash: '5f2d9c0f1f4f4c1f6f0f5b1a3c8f7d2e9b6a4c3d2e1f0a9b8c7d6e5f4a3b2c1d',
};

const answers = { 200: json(pageOf(AuditResponse), { count: 1, next: null, previous: null, results: [example] }) };
const errors = { 400: 'A filter is malformed; every one that is, is named.' };

const wired = ({ results, ...page }: Page<AuditRow>): Page<AuditResponse> => ({ ...page, results: results.map(auditResponse) });

/** Who did what. */
@ApiTags('audit')
@Controller('v2')
export class AuditController {
  constructor(private readonly audit: AuditService) {}

  @Get('admin/audit')
  @Route({ summary: 'Read the audit log, newest first', action: 'audit.list', rule: 'platform:admin', answers, errors })
  async list(
    @Filtered('actor', 'app', 'action', 'object', 'outcome', 'since', 'until') filter: AuditFilter,
    @Paged() paging: Paging,
  ): Promise<Page<AuditResponse>> {
    return wired(await this.audit.list(filter, paging));
  }

  @Get('apps/:app/audit')
  @Route({ summary: 'Read what the audit log says of an app, newest first', action: 'audit.list', rule: 'app:own', answers, errors })
  async listOf(
    @CurrentApp() app: App,
    @Filtered('actor', 'action', 'object', 'outcome', 'since', 'until') filter: AuditFilter,
    @Paged() paging: Paging,
  ): Promise<Page<AuditResponse>> {
    return wired(await this.audit.list({ ...filter, appUuid: app.uuid }, paging));
  }
}
