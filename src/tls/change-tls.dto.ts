import { Flag } from '../http/fields.ts';

/** Null is taken for a field that isn't there: what was set once stays on or off. */
export class ChangeTlsDto {
  @Flag({ optional: true, nullable: true, description: 'Whether plain HTTP is redirected to HTTPS.', example: true })
  https_enforced?: boolean | null;

  @Flag({
    optional: true,
    nullable: true,
    description: 'Whether cert-manager gets a certificate for the domains, but for wildcards.',
    example: true,
  })
  certs_auto_enabled?: boolean | null;
}
