import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../auth/current.ts';
import { BadRequest } from '../http/errors.ts';
import { Paged, pageOf, Paging, type Page } from '../http/paging.ts';
import { empty, json, Route } from '../http/route.ts';
import type { Submitted } from '../http/submitted.ts';
import type { User } from '../users/user.entity.ts';
import { AttachCertDto } from './attach-cert.dto.ts';
import { AttachmentsService } from './attachments.service.ts';
import { certExample, certResponse, CertResponse } from './cert.response.ts';
import { CertsService } from './certs.service.ts';
import { CreateCertDto } from './create-cert.dto.ts';

const NO_CERTIFICATE = 'You have no certificate of that name.';
const NOT_YOUR_APP = 'You may not do this to the app of the domain.';

@ApiTags('certs')
@Controller('v2/certs')
export class CertsController {
  constructor(
    private readonly certs: CertsService,
    private readonly attachments: AttachmentsService,
  ) {}

  @Get()
  @Route({
    summary: 'List certificates',
    description: 'Your own by name; administrators see all.',
    action: 'cert.list',
    rule: 'user',
    answers: { 200: json(pageOf(CertResponse), { count: 1, next: null, previous: null, results: [certExample] }) },
    errors: {},
  })
  async list(@CurrentUser() user: User, @Paged() paging: Paging): Promise<Page<CertResponse>> {
    const page = await this.certs.list(user, paging);
    return { ...page, results: page.results.map(certResponse) };
  }

  @Post()
  @Route({
    summary: 'Add a certificate',
    description: 'With its private key. It may have expired, or not be valid yet.',
    action: 'cert.add',
    rule: 'user',
    answers: { 201: json(CertResponse, certExample) },
    errors: { 400: 'A field is missing or wrong, the key belongs to another certificate, or the name is taken.' },
  })
  async create(@CurrentUser() user: User, @Body() { name, certificate, key }: CreateCertDto): Promise<CertResponse> {
    return certResponse(await this.certs.create(user, name, { certificate, key }));
  }

  @Get(':certificate')
  @Route({
    summary: 'Look at a certificate',
    action: 'cert.read',
    rule: 'user',
    answers: { 200: json(CertResponse, certExample) },
    errors: { 404: NO_CERTIFICATE },
  })
  async get(@CurrentUser() user: User, @Param('certificate') name: string): Promise<CertResponse> {
    return certResponse(await this.certs.get(user, name));
  }

  @Delete(':certificate')
  @Route({
    summary: 'Remove a certificate',
    description: 'It is taken off its domains first, whichever apps these belong to.',
    action: 'cert.remove',
    rule: 'user',
    answers: { 204: empty() },
    errors: {
      404: NO_CERTIFICATE,
      409: 'It is put on domains faster than it can be taken off, or an app that had it is being destroyed.',
    },
    waits: true,
  })
  async remove(@CurrentUser() user: User, @Param('certificate') name: string): Promise<Submitted<void>> {
    const { certificate } = await this.certs.get(user, name);
    return this.certs.remove(user, certificate);
  }

  @Post([':certificate/domain', ':certificate/domain/:domain'])
  @Route({
    summary: 'Attach a certificate to a domain',
    description:
      'Takes the rights of a collaborator in the domain’s app. The domain of the body goes before that of the path. A certificate that ' +
      'is for other names is attached all the same; the log of the app tells.',
    action: 'cert.attach',
    rule: 'user',
    answers: { 201: empty() },
    errors: {
      403: NOT_YOUR_APP,
      404: 'You have no certificate of that name, or there is no such domain.',
      409: 'The domain has a certificate already, or its app is being destroyed.',
    },
    waits: true,
  })
  async attach(
    @CurrentUser() user: User,
    @Param('certificate') name: string,
    @Body() body: AttachCertDto,
    @Param('domain') inPath?: string,
  ): Promise<Submitted<void>> {
    const { certificate } = await this.certs.get(user, name);
    const domain = body.domain?.trim() || inPath;
    if (!domain) throw new BadRequest('domain is a required field');
    return this.attachments.attach(user, certificate, domain);
  }

  @Delete(':certificate/domain/:domain')
  @Route({
    summary: 'Detach a certificate from a domain',
    description: 'Takes the rights of a collaborator in the domain’s app.',
    action: 'cert.detach',
    rule: 'user',
    answers: { 204: empty() },
    errors: {
      403: NOT_YOUR_APP,
      404: 'You have no certificate of that name, or it is not on that domain.',
      409: 'The app of the domain is being destroyed.',
    },
    waits: true,
  })
  async detach(@CurrentUser() user: User, @Param('certificate') name: string, @Param('domain') domain: string): Promise<Submitted<void>> {
    const { certificate } = await this.certs.get(user, name);
    return this.attachments.detach(user, certificate, domain);
  }
}
