import { Body, Controller, Delete, Get, Post } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import { CurrentAccess, CurrentApp, CurrentUser } from '../auth/current.ts';
import { Paged, pageOf, Paging, type Page } from '../http/paging.ts';
import { empty, json, Route } from '../http/route.ts';
import type { Submitted } from '../http/submitted.ts';
import type { User } from '../users/user.entity.ts';
import type { App } from './app.entity.ts';
import { appExample, appResponse, AppResponse } from './app.response.ts';
import type { AppAccess } from './app.rights.ts';
import { AppsService } from './apps.service.ts';
import { CreateAppDto } from './create-app.dto.ts';
import { ProcessTypesDto } from './process-types.dto.ts';
import { ScaleService } from './scale.service.ts';
import { UpdateAppDto } from './update-app.dto.ts';

const typesForbidden = 'You may not do this to this app, or your groups leave out one of the process types.';

const stopErrors = {
  400: 'There is no build, no process type is named, or one has a count of 0.',
  403: typesForbidden,
  404: 'There is no such app, or it has no such process type.',
  409: 'The app is being destroyed.',
  503: 'It did not come about, and all is as before; or the cluster is out of reach.',
};

@ApiTags('apps')
@Controller('v2/apps')
export class AppsController {
  constructor(
    private readonly apps: AppsService,
    private readonly scaling: ScaleService,
  ) {}

  @Get()
  @Route({
    summary: 'List apps',
    description: 'Your own, those shared with you and those of your products, by id; administrators see all.',
    action: 'app.list',
    rule: 'user',
    answers: { 200: json(pageOf(AppResponse), { count: 1, next: null, previous: null, results: [appExample] }) },
    errors: {},
  })
  async list(@CurrentUser() user: User, @Paged() paging: Paging): Promise<Page<AppResponse>> {
    const page = await this.apps.list(user, paging);
    return { ...page, results: page.results.map(appResponse) };
  }

  @Post()
  @Route({
    summary: 'Create an app',
    description: 'With its first release, an empty config, and a default domain. Repeated before it is over, it joins what is under way.',
    action: 'app.create',
    rule: 'user',
    answers: { 201: json(AppResponse, appExample) },
    errors: {
      400: 'The id is malformed, reserved or taken.',
      409: 'The cluster has a namespace of that name already.',
    },
    waits: true,
  })
  async create(@CurrentUser() user: User, @Body() { id }: CreateAppDto): Promise<Submitted<AppResponse>> {
    return (await this.apps.create(user, id ?? null)).map(appResponse);
  }

  @Get(':app')
  @Route({ summary: 'Look at an app', action: 'app.read', rule: 'app:use', answers: { 200: json(AppResponse, appExample) }, errors: {} })
  get(@CurrentApp() app: App): AppResponse {
    return appResponse(this.apps.shown(app));
  }

  @Post(':app')
  @Route({
    summary: 'Give an app to somebody else',
    description:
      'Only its owner and administrators may. Without an `owner` in the body, the objects in the cluster are looked over instead.',
    action: 'app.reassert',
    rule: 'app:use',
    answers: { 200: empty() },
    errors: {
      403: 'You may not do this to this app.',
      404: 'There is no such app, or no such user.',
      409: 'The app is being destroyed.',
    },
    waits: true,
  })
  async update(@CurrentApp() app: App, @CurrentUser() user: User, @Body() { owner }: UpdateAppDto): Promise<Submitted<void> | undefined> {
    if (owner === undefined) return this.apps.reassert(app);
    await this.apps.transfer(app, user, owner);
    return undefined;
  }

  @Delete(':app')
  @Route({
    summary: 'Destroy an app',
    description: 'With everything of it. Repeated before it is over, it waits for the same end.',
    action: 'app.destroy',
    rule: 'app:own',
    answers: { 204: empty() },
    errors: {},
    waits: true,
  })
  async destroy(@CurrentApp() app: App): Promise<Submitted<void>> {
    return this.apps.destroy(app);
  }

  @Post(':app/scale')
  @ApiBody({ schema: { type: 'object', additionalProperties: { type: 'integer', minimum: 0 }, example: { web: 2 } } })
  @Route({
    summary: 'Scale process types',
    description: 'The body has a count for each; the others stay as they are.',
    action: 'app.scale',
    rule: 'app:use',
    answers: { 204: empty() },
    errors: {
      400: 'There is no build, or a count is no whole number of 0 or more.',
      403: typesForbidden,
      404: 'There is no such app, or it has no such process type.',
      409: 'The cluster scales one of the types by itself, or the app is being destroyed.',
      503: 'The pods did not come up, and the counts are as before; or the cluster is out of reach.',
    },
    waits: true,
  })
  async scale(
    @CurrentAccess() access: AppAccess,
    @CurrentUser() user: User,
    @Body() body: Record<string, unknown>,
  ): Promise<Submitted<void>> {
    return this.scaling.scale(access, user, body);
  }

  @Post(':app/stop')
  @Route({
    summary: 'Stop process types',
    description:
      'They have no pods from then on, and keep their counts. They stay stopped whatever is released, until they are started or scaled.',
    action: 'app.stop',
    rule: 'app:use',
    answers: { 204: empty() },
    errors: stopErrors,
    waits: true,
  })
  async stop(@CurrentAccess() access: AppAccess, @CurrentUser() user: User, @Body() { types }: ProcessTypesDto): Promise<Submitted<void>> {
    return this.scaling.stop(access, user, types);
  }

  @Post(':app/start')
  @Route({
    summary: 'Start process types that were stopped',
    description: 'They come back with as many pods as they had.',
    action: 'app.start',
    rule: 'app:use',
    answers: { 204: empty() },
    errors: stopErrors,
    waits: true,
  })
  async start(@CurrentAccess() access: AppAccess, @CurrentUser() user: User, @Body() { types }: ProcessTypesDto): Promise<Submitted<void>> {
    return this.scaling.start(access, user, types);
  }
}
