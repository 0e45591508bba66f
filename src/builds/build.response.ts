import { ApiProperty } from '@nestjs/swagger';
import { utcSeconds } from '../http/times.ts';
import type { Build } from './build.entity.ts';

export class BuildResponse {
  @ApiProperty({ type: 'string', format: 'uuid' })
  uuid!: string;

  @ApiProperty({ type: 'string', description: 'Username.' })
  owner!: string;

  @ApiProperty({ type: 'string', description: 'Id of the app.' })
  app!: string;

  @ApiProperty({ type: 'string' })
  image!: string;

  @ApiProperty({ type: 'string', description: 'The commit that was built.' })
  sha!: string;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' }, description: 'Commands by process type.' })
  procfile!: Record<string, string>;

  @ApiProperty({ type: 'string' })
  dockerfile!: string;

  @ApiProperty({ type: 'string' })
  stack!: string;

  @ApiProperty({ type: 'string' })
  created!: string;

  @ApiProperty({ type: 'string' })
  updated!: string;
}

export function buildResponse(appId: string, build: Build): BuildResponse {
  return {
    uuid: build.uuid,
    owner: build.owner.username,
    app: appId,
    image: build.image,
    sha: build.sha,
    procfile: build.procfile,
    dockerfile: build.dockerfile,
    stack: build.stack,
    created: utcSeconds(build.created),
    updated: utcSeconds(build.updated),
  };
}

export const buildExample: BuildResponse = {
  uuid: '2b7a3f61-5c1d-4f0a-8f59-7d3a4f0c9e55',
  owner: 'ada',
  app: 'peachy-waxworks',
  image: 'registry.example.com/team/app:1.0',
  sha: '',
  procfile: { web: 'node server.js' },
  dockerfile: '',
  stack: '',
  created: '2026-01-15T09:30:00UTC',
  updated: '2026-01-15T09:30:00UTC',
};
