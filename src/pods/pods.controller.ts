import { Controller, Get, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { App } from '../apps/app.entity.ts';
import type { AppAccess } from '../apps/app.rights.ts';
import { CurrentAccess, CurrentApp, CurrentUser } from '../auth/current.ts';
import { Client, type ClientProgram } from '../http/client.ts';
import { json, Route } from '../http/route.ts';
import type { Submitted } from '../http/submitted.ts';
import { User } from '../users/user.entity.ts';
import { podExample, PodListResponse, podResponse, PodResponse, stoppedTypeResponse } from './pod.response.ts';
import { PodsService, type Pods } from './pods.service.ts';

const listExample: PodListResponse = { count: 1, results: [podExample] };
const listErrors = { 503: 'The cluster is needed for it and out of reach.' };
const restartErrors = {
  403: 'You may not do this to this app, or your groups leave out one of the process types.',
  409: 'The app is being destroyed.',
  503: 'The cluster is out of reach.',
};
const restartDescription =
  'All processes of a type are replaced one after the other, so that the type goes on serving; a pod that is named is deleted, and its successor answered. ' +
  'Pods that don’t come up are no error: the answer shows them as they are. Nothing runs: `[]`.';

@ApiTags('pods')
@Controller('v2/apps/:app/pods')
export class PodsController {
  constructor(private readonly pods: PodsService) {}

  @Get()
  @Route({
    summary: 'List the pods of an app, newest first',
    description: 'Of all releases that still have pods; one-off runs and pods that ended are not among them. There are no pages.',
    action: 'pod.list',
    rule: 'app:use',
    answers: { 200: json(PodListResponse, listExample) },
    errors: listErrors,
  })
  async list(@CurrentApp() app: App, @Client() client: ClientProgram): Promise<PodListResponse> {
    return listed(await this.pods.list(app, {}), client);
  }

  @Get(':typeOrName')
  @Route({
    summary: 'List the pods of a process type, or one pod',
    description: 'What is no process type of the app is taken for the name of a pod. An unknown one has an empty list.',
    action: 'pod.list',
    rule: 'app:use',
    answers: { 200: json(PodListResponse, listExample) },
    errors: listErrors,
  })
  async listOf(@CurrentApp() app: App, @Param('typeOrName') typeOrName: string, @Client() client: ClientProgram): Promise<PodListResponse> {
    return listed(await this.pods.list(app, { typeOrName }), client);
  }

  @Get(':type/:name')
  @Route({
    summary: 'Look at a pod of a process type',
    action: 'pod.list',
    rule: 'app:use',
    answers: { 200: json(PodListResponse, listExample, 'The pod, or an empty list.') },
    errors: listErrors,
  })
  async one(
    @CurrentApp() app: App,
    @Param('type') type: string,
    @Param('name') name: string,
    @Client() client: ClientProgram,
  ): Promise<PodListResponse> {
    return listed(await this.pods.list(app, { type, name }), client);
  }

  @Post('restart')
  @Route({
    summary: 'Restart all processes of an app',
    description: restartDescription,
    action: 'pod.restart',
    rule: 'app:use',
    answers: { 200: json([PodResponse], [podExample]) },
    errors: restartErrors,
    waits: true,
  })
  async restartAll(
    @CurrentAccess() access: AppAccess,
    @CurrentUser() user: User,
    @Client() client: ClientProgram,
  ): Promise<Submitted<PodResponse[]>> {
    return (await this.pods.restart(access, user, {})).map((pods) => bare(pods, client));
  }

  @Post(':typeOrName/restart')
  @Route({
    summary: 'Restart the processes of a type, or one pod',
    description: restartDescription,
    action: 'pod.restart',
    rule: 'app:use',
    answers: { 200: json([PodResponse], [podExample]) },
    errors: restartErrors,
    waits: true,
  })
  async restartSome(
    @CurrentAccess() access: AppAccess,
    @CurrentUser() user: User,
    @Param('typeOrName') typeOrName: string,
    @Client() client: ClientProgram,
  ): Promise<Submitted<PodResponse[]>> {
    return (await this.pods.restart(access, user, { typeOrName })).map((pods) => bare(pods, client));
  }

  @Post(':type/:name/restart')
  @Route({
    summary: 'Restart a pod of a process type',
    description: restartDescription,
    action: 'pod.restart',
    rule: 'app:use',
    answers: { 200: json([PodResponse], [podExample]) },
    errors: restartErrors,
    waits: true,
  })
  async restartOne(
    @CurrentAccess() access: AppAccess,
    @CurrentUser() user: User,
    @Param('type') type: string,
    @Param('name') name: string,
    @Client() client: ClientProgram,
  ): Promise<Submitted<PodResponse[]>> {
    return (await this.pods.restart(access, user, { type, name })).map((pods) => bare(pods, client));
  }
}

const bare = ({ pods, replicas }: Pods, client: ClientProgram): PodResponse[] =>
  pods.map((pod) => podResponse(pod, replicas.get(pod.type), client));

function listed(pods: Pods, client: ClientProgram): PodListResponse {
  const stopped = client.go ? pods.without.map((type) => stoppedTypeResponse(type, pods.replicas.get(type) ?? 0)) : [];
  const results = [...bare(pods, client), ...stopped];
  return { count: results.length, results };
}
