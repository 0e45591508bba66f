import { Body, Controller, Delete, Get, HttpStatus, Post, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { App } from '../apps/app.entity.ts';
import { CurrentApp, CurrentUser } from '../auth/current.ts';
import { empty, json, Route } from '../http/route.ts';
import type { Submitted } from '../http/submitted.ts';
import type { User } from '../users/user.entity.ts';
import { servicesExample, servicesResponse, ServicesResponse } from './service.response.ts';
import { ServicesService } from './services.service.ts';
import { RemoveServiceDto, SetServiceDto } from './set-service.dto.ts';

@ApiTags('services')
@Controller('v2/apps/:app/services')
export class ServicesController {
  constructor(private readonly services: ServicesService) {}

  @Get()
  @Route({
    summary: 'List the Services of single process types of an app',
    action: 'service.list',
    rule: 'app:use',
    answers: { 200: json(ServicesResponse, servicesExample) },
    errors: {},
  })
  async list(@CurrentApp() app: App): Promise<ServicesResponse> {
    return servicesResponse(await this.services.list(app));
  }

  @Post()
  @Route({
    summary: 'Give a process type a Service of its own',
    description: 'In the cluster it is `<app>-<type>`, port 80. The pattern is an annotation on it, for routers that read it.',
    action: 'service.set',
    rule: 'app:use',
    answers: { 201: empty('Made or changed. The body is empty.'), 204: empty('It is so already. The body is empty.') },
    errors: {
      400: 'A field is missing or wrong, or the cluster refused the Service, which was taken back.',
      409: 'The app is being destroyed.',
    },
    waits: true,
  })
  async set(
    @CurrentApp() app: App,
    @CurrentUser() user: User,
    @Body() { procfile_type: type, path_pattern: pattern }: SetServiceDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Submitted<void> | undefined> {
    const submitted = await this.services.set(app, user, type, pattern);
    if (submitted) return submitted;
    reply.status(HttpStatus.NO_CONTENT);
    return undefined;
  }

  @Delete()
  @Route({
    summary: 'Take the Service of a process type away',
    action: 'service.remove',
    rule: 'app:own',
    answers: { 204: empty() },
    errors: {
      404: 'There is no such app, or the type has no Service of its own.',
      409: 'The app is being destroyed.',
    },
    waits: true,
  })
  async remove(@CurrentApp() app: App, @Body() { procfile_type: type }: RemoveServiceDto): Promise<Submitted<void>> {
    return this.services.remove(app, type);
  }
}
