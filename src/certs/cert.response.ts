import { ApiProperty } from '@nestjs/swagger';
import { zuluSeconds } from '../http/times.ts';
import type { CertificateView } from './certs.service.ts';

/** A certificate as `/v2` shows one: what is derived from its PEM, never the PEM nor the key. */
export class CertResponse {
  @ApiProperty({ type: 'integer' })
  id!: number;

  @ApiProperty({ type: 'string', description: 'Username.' })
  owner!: string;

  @ApiProperty({ type: 'string' })
  name!: string;

  @ApiProperty({ type: 'string', nullable: true, description: 'CN of the subject.' })
  common_name!: string | null;

  @ApiProperty({ type: [String], description: "DNS names of the subject's alternative names, in order." })
  san!: string[];

  @ApiProperty({ type: [String], description: 'Domains that it is attached to, sorted.' })
  domains!: string[];

  @ApiProperty({ type: 'string', description: 'SHA-256.' })
  fingerprint!: string;

  @ApiProperty({ type: 'string', format: 'date-time' })
  starts!: string;

  @ApiProperty({ type: 'string', format: 'date-time' })
  expires!: string;

  @ApiProperty({ type: 'string' })
  issuer!: string;

  @ApiProperty({ type: 'string' })
  subject!: string;

  @ApiProperty({ type: 'string', format: 'date-time' })
  created!: string;

  @ApiProperty({ type: 'string', format: 'date-time' })
  updated!: string;
}

export function certResponse({ certificate, domains }: CertificateView): CertResponse {
  return {
    id: certificate.id,
    owner: certificate.owner.username,
    name: certificate.name,
    common_name: certificate.commonName,
    san: certificate.san,
    domains,
    fingerprint: certificate.fingerprint,
    starts: zuluSeconds(certificate.starts),
    expires: zuluSeconds(certificate.expires),
    issuer: certificate.issuer,
    subject: certificate.subject,
    created: zuluSeconds(certificate.created),
    updated: zuluSeconds(certificate.updated),
  };
}

export const certExample: CertResponse = {
  id: 1,
  owner: 'ada',
  name: 'www-example-com',
  common_name: 'www.example.com',
  san: ['www.example.com', 'example.com'],
  domains: ['www.example.com'],
  fingerprint: '6E:B4:98:28:5E:70:62:C9:63:02:24:F7:FE:9D:C0:BE:2C:CC:D1:D2:D3:EC:09:17:07:95:29:95:6C:E8:CA:67',
  starts: '2026-01-01T00:00:00Z',
  expires: '2026-04-01T00:00:00Z',
  issuer: '/C=US/O=Example CA/CN=Example CA R1',
  subject: '/CN=www.example.com',
  created: '2026-01-15T09:30:00Z',
  updated: '2026-01-15T09:30:00Z',
};
