import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { App } from '../apps/app.entity.ts';
import { CurrentApp, CurrentUser } from '../auth/current.ts';
import { Paged, pageOf, Paging, type Page } from '../http/paging.ts';
import { json, Route } from '../http/route.ts';
import type { Submitted } from '../http/submitted.ts';
import type { User } from '../users/user.entity.ts';
import { buildExample, buildResponse, BuildResponse } from './build.response.ts';
import { BuildsService } from './builds.service.ts';
import { CreateBuildDto } from './create-build.dto.ts';

/** `build` and `builds` are one, but for reading: the first is what runs, the second all there are. */
@ApiTags('builds')
@Controller('v2/apps/:app')
export class BuildsController {
  constructor(private readonly builds: BuildsService) {}

  @Get('builds')
  @Route({
    summary: 'List the builds of an app, newest first',
    action: 'build.list',
    rule: 'app:use',
    answers: { 200: json(pageOf(BuildResponse), { count: 1, next: null, previous: null, results: [buildExample] }) },
    errors: {},
  })
  async list(@CurrentApp() app: App, @Paged() paging: Paging): Promise<Page<BuildResponse>> {
    const page = await this.builds.list(app, paging);
    return { ...page, results: page.results.map((build) => buildResponse(app.id, build)) };
  }

  @Get('build')
  @Route({
    summary: 'Look at the build that an app runs',
    action: 'build.read',
    rule: 'app:use',
    answers: { 200: json(BuildResponse, buildExample) },
    errors: { 404: 'There is no such app, or it has no build yet.' },
  })
  async current(@CurrentApp() app: App): Promise<BuildResponse> {
    return buildResponse(app.id, await this.builds.current(app));
  }

  @Post(['builds', 'build'])
  @Route({
    summary: 'Deploy a build',
    description: 'It makes a release, whose number is in `X-Drycc-Release`. Should it not come up, the release before it runs on.',
    action: 'build.create',
    rule: 'app:use',
    answers: { 201: json(BuildResponse, buildExample) },
    errors: {
      400: 'A field is missing or wrong, or the release could not be rolled out and was undone.',
      409: 'The app is being destroyed, or the Procfile is missing where that is refused.',
    },
    waits: true,
  })
  async create(@CurrentApp() app: App, @CurrentUser() user: User, @Body() body: CreateBuildDto): Promise<Submitted<BuildResponse>> {
    const { image, sha, procfile, dockerfile, stack } = body;
    const submitted = await this.builds.create(app, user, { image, sha, procfile, dockerfile, stack });
    return submitted.map((build) => buildResponse(app.id, build));
  }

  @Get(['builds/:uuid', 'build/:uuid'])
  @Route({
    summary: 'Look at a build',
    action: 'build.read',
    rule: 'app:use',
    answers: { 200: json(BuildResponse, buildExample) },
    errors: { 404: 'There is no such app, or it has no such build.' },
  })
  async get(@CurrentApp() app: App, @Param('uuid') uuid: string): Promise<BuildResponse> {
    return buildResponse(app.id, await this.builds.get(app, uuid));
  }
}
