import { ApiProperty } from '@nestjs/swagger';
import { utcSeconds } from '../http/times.ts';
import type { Key } from './key.entity.ts';

export class KeyResponse {
  @ApiProperty({ type: 'string', format: 'uuid' })
  uuid!: string;

  @ApiProperty({ type: 'string' })
  id!: string;

  @ApiProperty({ type: 'string', description: 'Username.' })
  owner!: string;

  @ApiProperty({ type: 'string', description: 'The whole text, with its comment.' })
  public!: string;

  @ApiProperty({ type: 'string', description: 'MD5, as hex pairs joined by colons.' })
  fingerprint!: string;

  @ApiProperty({ type: 'string' })
  created!: string;

  @ApiProperty({ type: 'string' })
  updated!: string;
}

/** @param owner username */
export function keyResponse(owner: string, key: Key): KeyResponse {
  return {
    uuid: key.uuid,
    id: key.id,
    owner,
    public: key.public,
    fingerprint: key.fingerprint,
    created: utcSeconds(key.created),
    updated: utcSeconds(key.updated),
  };
}

export const keyExample: KeyResponse = {
  uuid: '5b8e9f4d-7d0c-4a53-9a35-6d8f4c1f0f6e',
  id: 'ada@laptop',
  owner: 'ada',
  public: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH+1oYxJ1mzG/UI8nYBPllAoXNa/kB/f0MN56Ivmje+x ada@laptop',
  fingerprint: '9d:bd:e7:a3:e4:e1:d0:4c:3e:77:4f:78:e1:ef:ad:e2',
  created: '2026-01-15T09:30:00UTC',
  updated: '2026-01-15T09:30:00UTC',
};
