import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { App } from '../apps/app.entity.ts';
import { CurrentApp, CurrentUser } from '../auth/current.ts';
import { Paged, pageOf, Paging, type Page } from '../http/paging.ts';
import { empty, json, Route } from '../http/route.ts';
import type { Submitted } from '../http/submitted.ts';
import type { User } from '../users/user.entity.ts';
import { AddDomainDto } from './add-domain.dto.ts';
import { domainExample, domainResponse, DomainResponse } from './domain.response.ts';
import { DomainsService } from './domains.service.ts';

@ApiTags('domains')
@Controller('v2/apps/:app/domains')
export class DomainsController {
  constructor(private readonly domains: DomainsService) {}

  @Get()
  @Route({
    summary: 'List the domains of an app, by name',
    action: 'domain.list',
    rule: 'app:use',
    answers: { 200: json(pageOf(DomainResponse), { count: 1, next: null, previous: null, results: [domainExample] }) },
    errors: {},
  })
  async list(@CurrentApp() app: App, @Paged() paging: Paging): Promise<Page<DomainResponse>> {
    const page = await this.domains.list(app, paging);
    return { ...page, results: page.results.map((domain) => domainResponse(app.id, domain)) };
  }

  @Post()
  @Route({
    summary: 'Give an app a domain',
    description: 'No two apps have the same, however it is written. Repeated before it is over, it joins what is under way.',
    action: 'domain.add',
    rule: 'app:use',
    answers: { 201: json(DomainResponse, domainExample) },
    errors: {
      400: 'The domain is missing, no host name, reserved, or in use; or the cluster refused it.',
      409: 'The app is being destroyed.',
    },
    waits: true,
  })
  async add(@CurrentApp() app: App, @CurrentUser() user: User, @Body() { domain }: AddDomainDto): Promise<Submitted<DomainResponse>> {
    return (await this.domains.add(app, user, domain)).map((added) => domainResponse(app.id, added));
  }

  @Delete(':domain')
  @Route({
    summary: 'Take a domain from an app',
    description: 'Its certificate is detached first. The default domain can go too; the app may have it back.',
    action: 'domain.remove',
    rule: 'app:own',
    answers: { 204: empty() },
    errors: {
      404: 'There is no such app, or it has no such domain.',
      409: 'The app is being destroyed.',
    },
    waits: true,
  })
  async remove(@CurrentApp() app: App, @CurrentUser() user: User, @Param('domain') domain: string): Promise<Submitted<void>> {
    return this.domains.remove(app, user, domain);
  }
}
