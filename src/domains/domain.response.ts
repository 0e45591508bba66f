import { ApiProperty } from '@nestjs/swagger';
import { utcSeconds } from '../http/times.ts';
import type { User } from '../users/user.entity.ts';
import type { Domain } from './domain.entity.ts';

export class DomainResponse {
  @ApiProperty({ type: 'string', description: 'Id of the app.' })
  app!: string;

  @ApiProperty({ type: 'string', description: 'Username.' })
  owner!: string;

  @ApiProperty({ type: 'string', description: 'In ACE form.' })
  domain!: string;

  @ApiProperty({ type: 'string' })
  created!: string;

  @ApiProperty({ type: 'string' })
  updated!: string;
}

/** What is shown of a domain. */
export type ShownDomain = Pick<Domain, 'domain' | 'created' | 'updated'> & { owner: Pick<User, 'username'> };

export function domainResponse(app: string, { owner, domain, created, updated }: ShownDomain): DomainResponse {
  return { app, owner: owner.username, domain, created: utcSeconds(created), updated: utcSeconds(updated) };
}

export const domainExample: DomainResponse = {
  app: 'peachy-waxworks',
  owner: 'ada',
  domain: 'www.example.com',
  created: '2026-01-15T09:30:00UTC',
  updated: '2026-01-15T09:30:00UTC',
};
