import { ApiProperty } from '@nestjs/swagger';
import { utcSeconds } from '../http/times.ts';
import type { Release } from './release.entity.ts';

export class ReleaseResponse {
  @ApiProperty({ type: 'string', format: 'uuid' })
  uuid!: string;

  @ApiProperty({ type: 'string', description: 'Username of who made it.' })
  owner!: string;

  @ApiProperty({ type: 'string', description: 'Id of the app.' })
  app!: string;

  @ApiProperty({ type: 'integer' })
  version!: number;

  @ApiProperty({ type: 'string', description: 'What it changed, in one line.' })
  summary!: string;

  @ApiProperty({ type: 'string', format: 'uuid', nullable: true })
  build!: string | null;

  @ApiProperty({ type: 'string', format: 'uuid' })
  config!: string;

  @ApiProperty({ type: 'boolean', description: 'Whether it could not be rolled out, and was undone.' })
  failed!: boolean;

  @ApiProperty({ type: 'string', nullable: true, description: 'Why it failed: `error: <text>`.' })
  exception!: string | null;

  @ApiProperty({ type: 'string' })
  created!: string;

  @ApiProperty({ type: 'string' })
  updated!: string;
}

export class RollbackResponse {
  @ApiProperty({ type: 'integer', description: 'Number of the release that the rollback made.' })
  version!: number;
}

export function releaseResponse(appId: string, release: Release): ReleaseResponse {
  return {
    uuid: release.uuid,
    owner: release.owner.username,
    app: appId,
    version: release.version,
    summary: release.summary,
    build: release.buildUuid,
    config: release.configUuid,
    failed: release.state === 'failed',
    exception: release.exception === null ? null : `error: ${release.exception}`,
    created: utcSeconds(release.created),
    updated: utcSeconds(release.updated),
  };
}

export const releaseExample: ReleaseResponse = {
  uuid: '5f0c2f0e-7b1a-4f6e-9d64-0b8f8f3b7a21',
  owner: 'ada',
  app: 'peachy-waxworks',
  version: 3,
  summary: 'ada added GREETING',
  build: '2b7a3f61-5c1d-4f0a-8f59-7d3a4f0c9e55',
  config: '8e1c3b9d-6a0f-4a83-9f0e-2f7a3f7d6a11',
  failed: false,
  exception: null,
  created: '2026-01-15T09:30:00UTC',
  updated: '2026-01-15T09:30:00UTC',
};
