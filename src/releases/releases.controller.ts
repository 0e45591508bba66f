import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import type { App } from '../apps/app.entity.ts';
import { CurrentApp, CurrentUser } from '../auth/current.ts';
import { Paged, pageOf, Paging, type Page } from '../http/paging.ts';
import { json, Route } from '../http/route.ts';
import type { Submitted } from '../http/submitted.ts';
import type { User } from '../users/user.entity.ts';
import { parseVersion, rollbackVersion } from './release-version.ts';
import { releaseExample, releaseResponse, ReleaseResponse, RollbackResponse } from './release.response.ts';
import { ReleasesService } from './releases.service.ts';

@ApiTags('releases')
@Controller('v2/apps/:app/releases')
export class ReleasesController {
  constructor(private readonly releases: ReleasesService) {}

  @Get()
  @Route({
    summary: 'List the releases of an app, newest first',
    action: 'release.list',
    rule: 'app:use',
    answers: { 200: json(pageOf(ReleaseResponse), { count: 1, next: null, previous: null, results: [releaseExample] }) },
    errors: {},
  })
  async list(@CurrentApp() app: App, @Paged() paging: Paging): Promise<Page<ReleaseResponse>> {
    const page = await this.releases.list(app, paging);
    return { ...page, results: page.results.map((release) => releaseResponse(app.id, release)) };
  }

  @Get(':version')
  @Route({
    summary: 'Look at a release',
    action: 'release.read',
    rule: 'app:use',
    answers: { 200: json(ReleaseResponse, releaseExample) },
    errors: { 404: 'There is no such app, or it has no such release.' },
  })
  async get(@CurrentApp() app: App, @Param('version') version: string): Promise<ReleaseResponse> {
    return releaseResponse(app.id, await this.releases.get(app, parseVersion(version)));
  }

  @Post('rollback')
  @ApiBody({ schema: { type: 'object', properties: { version: { type: 'integer', minimum: 1 } }, example: { version: 2 } } })
  @Route({
    summary: 'Roll back to an earlier release',
    description:
      'It makes a new release with the build and config of the one that is named, or of the one that ran before the one that runs. ' +
      'A roll-out under way is cut short.',
    action: 'release.rollback',
    rule: 'app:use',
    answers: { 201: json(RollbackResponse, { version: 4 }) },
    errors: {
      400: 'The version is no number of 1 or more, or of a release that failed; or the roll-out failed and was undone.',
      404: 'There is no such app, or it has no such release.',
      409: 'The app is being destroyed.',
    },
    waits: true,
  })
  async rollback(
    @CurrentApp() app: App,
    @CurrentUser() user: User,
    @Body() { version }: Record<string, unknown>,
  ): Promise<Submitted<RollbackResponse>> {
    const submitted = await this.releases.rollback(app, user, rollbackVersion(version));
    return submitted.map((made) => ({ version: made }));
  }
}
