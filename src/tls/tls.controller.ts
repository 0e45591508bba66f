import { Body, Controller, Get, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { App } from '../apps/app.entity.ts';
import { CurrentApp, CurrentUser } from '../auth/current.ts';
import { json, Route } from '../http/route.ts';
import type { Submitted } from '../http/submitted.ts';
import type { User } from '../users/user.entity.ts';
import { ChangeTlsDto } from './change-tls.dto.ts';
import { tlsExample, tlsResponse, TlsResponse } from './tls.response.ts';
import { TlsService } from './tls.service.ts';

@ApiTags('tls')
@Controller('v2/apps/:app/tls')
export class TlsController {
  constructor(private readonly tls: TlsService) {}

  @Get()
  @Route({
    summary: 'Look at the TLS switches of an app',
    action: 'tls.read',
    rule: 'app:use',
    answers: { 200: json(TlsResponse, tlsExample) },
    errors: {},
  })
  async get(@CurrentApp() app: App): Promise<TlsResponse> {
    return tlsResponse(app.id, await this.tls.get(app));
  }

  @Post()
  @Route({
    summary: 'Switch HTTPS redirects and automatic certificates of an app on or off',
    description: 'A switch that is left out stays as it is. Automatic certificates need cert-manager in the cluster.',
    action: 'tls.set',
    rule: 'app:use',
    answers: { 201: json(TlsResponse, tlsExample) },
    errors: {
      400: 'A field is wrong, or the cluster refused the change, which was undone.',
      409: 'Nothing would change, or the app is being destroyed.',
    },
    waits: true,
  })
  async change(@CurrentApp() app: App, @CurrentUser() user: User, @Body() body: ChangeTlsDto): Promise<Submitted<TlsResponse>> {
    const { https_enforced: httpsEnforced = null, certs_auto_enabled: certsAutoEnabled = null } = body;
    const submitted = await this.tls.change(app, user, { httpsEnforced, certsAutoEnabled });
    return submitted.map((tls) => tlsResponse(app.id, tls));
  }
}
