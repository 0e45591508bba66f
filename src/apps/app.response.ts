import { ApiProperty } from '@nestjs/swagger';
import { utcSeconds } from '../http/times.ts';
import type { App } from './app.entity.ts';

/** An app as it is shown, with what isn't in its own row. */
export interface AppView {
  /** With its owner. */
  app: App;
  /** Pods wanted by process type. */
  structure: Record<string, number>;
  /** Host name that every app has from the start. */
  url: string;
}

export class AppResponse {
  @ApiProperty({ type: 'string', format: 'uuid' })
  uuid!: string;

  @ApiProperty({ type: 'string' })
  id!: string;

  @ApiProperty({ type: 'string', description: 'Username.' })
  owner!: string;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'integer' }, description: 'Pods wanted by process type.' })
  structure!: Record<string, number>;

  @ApiProperty({ type: 'string', description: 'Host name, without a scheme.' })
  url!: string;

  @ApiProperty({ type: 'string' })
  created!: string;

  @ApiProperty({ type: 'string' })
  updated!: string;
}

export function appResponse({ app, structure, url }: AppView): AppResponse {
  return {
    uuid: app.uuid,
    id: app.id,
    owner: app.owner.username,
    structure,
    url,
    created: utcSeconds(app.created),
    updated: utcSeconds(app.updated),
  };
}

export const appExample: AppResponse = {
  uuid: 'de1bf5b5-4a72-4f94-a10c-d2a3741cdf75',
  id: 'peachy-waxworks',
  owner: 'ada',
  structure: { web: 2, worker: 1 },
  url: 'peachy-waxworks.local.drycc.cc',
  created: '2026-01-15T09:30:00UTC',
  updated: '2026-01-15T09:30:00UTC',
};
