import { ApiProperty } from '@nestjs/swagger';
import { utcSeconds } from '../http/times.ts';

/** An app as it is shown. */
export interface AppView {
  uuid: string;
  id: string;
  /** Username. */
  owner: string;
  /** Pods wanted by process type. */
  structure: Record<string, number>;
  /** Host name that every app has from the start. */
  url: string;
  created: Date;
  updated: Date;
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

export function appResponse({ uuid, id, owner, structure, url, created, updated }: AppView): AppResponse {
  return { uuid, id, owner, structure, url, created: utcSeconds(created), updated: utcSeconds(updated) };
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
