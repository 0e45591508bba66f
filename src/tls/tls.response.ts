import { ApiProperty } from '@nestjs/swagger';
import { utcSeconds } from '../http/times.ts';
import type { Tls } from './tls.entity.ts';

export class TlsResponse {
  @ApiProperty({ type: 'string', format: 'uuid' })
  uuid!: string;

  @ApiProperty({ type: 'string', description: 'Username of who made the last change.' })
  owner!: string;

  @ApiProperty({ type: 'string', description: 'Id of the app.' })
  app!: string;

  @ApiProperty({ type: 'boolean', nullable: true, description: 'Whether plain HTTP is redirected to HTTPS. Null: never set.' })
  https_enforced!: boolean | null;

  @ApiProperty({ type: 'boolean', nullable: true, description: 'Whether cert-manager gets a certificate. Null: never set.' })
  certs_auto_enabled!: boolean | null;

  @ApiProperty({ type: 'string' })
  created!: string;

  @ApiProperty({ type: 'string' })
  updated!: string;
}

export function tlsResponse(appId: string, tls: Tls): TlsResponse {
  return {
    uuid: tls.uuid,
    owner: tls.owner.username,
    app: appId,
    https_enforced: tls.httpsEnforced,
    certs_auto_enabled: tls.certsAutoEnabled,
    created: utcSeconds(tls.created),
    updated: utcSeconds(tls.updated),
  };
}

export const tlsExample: TlsResponse = {
  uuid: '1d2b7a3f-5c61-4a0f-8f59-557d3a4f0c9e',
  owner: 'ada',
  app: 'peachy-waxworks',
  https_enforced: true,
  certs_auto_enabled: null,
  created: '2026-01-15T09:30:00UTC',
  updated: '2026-01-15T09:30:00UTC',
};
