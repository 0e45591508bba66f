import { Body, Controller, Get, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { App } from '../apps/app.entity.ts';
import { CurrentApp } from '../auth/current.ts';
import { json, Route } from '../http/route.ts';
import { driftExample, driftResponse, DriftResponse } from './drift.response.ts';
import { DriftService } from './drift.service.ts';
import { PauseDriftDto } from './pause-drift.dto.ts';

const description =
  'Compares now, and asks the cluster to confirm what it finds. `wanted` null: it shall not be there; `found` null: it is not. Both the ' +
  'same: the value is right, but another manager has taken the field over. An object that shall not be there has `metadata.name` as its ' +
  'field. Values of Secrets are hashes, good only for comparing them within one answer. `checked` is null while an operation of the app is ' +
  'open, with nothing found. `healing`: `heal` (what is found is set right), `report` (it is not), `paused` (not for this app).';

@ApiTags('drift')
@Controller('v2/apps/:app/drift')
export class DriftController {
  constructor(private readonly drift: DriftService) {}

  @Get()
  @Route({
    summary: 'See what in the cluster is not as recorded',
    description,
    action: 'drift.read',
    rule: 'app:use',
    answers: { 200: json(DriftResponse, driftExample) },
    errors: { 503: 'The cluster is out of reach.' },
  })
  async read(@CurrentApp() app: App): Promise<DriftResponse> {
    return driftResponse(app, await this.drift.read(app));
  }

  @Post()
  @Route({
    summary: 'Pause or continue the healing of an app',
    action: 'drift.pause',
    rule: 'app:own',
    answers: { 200: json(DriftResponse, driftExample) },
    errors: {
      400: 'A field is missing or wrong.',
      409: 'The app is being destroyed.',
      503: 'It is set, but the cluster is out of reach, so there is nothing to show.',
    },
  })
  async pause(@CurrentApp() app: App, @Body() { paused }: PauseDriftDto): Promise<DriftResponse> {
    return driftResponse(app, await this.drift.pause(app, paused));
  }
}
