import { isLongerThan, Text } from '../http/fields.ts';
import { certificateFaults, keyFaults } from './certificate-facts.ts';

/** Characters: with base64 both stay far below the 1 MiB that a Secret holds. The largest chains and keys in use need a tenth. */
const MAX_CERTIFICATE_LENGTH = 128 * 1024;
const MAX_KEY_LENGTH = 32 * 1024;

/** What is too long isn't looked into for the key's sake either. */
const isTooLong = (certificate: unknown): boolean => typeof certificate === 'string' && isLongerThan(certificate, MAX_CERTIFICATE_LENGTH);

export class CreateCertDto {
  @Text({
    max: 253,
    pattern: /^[a-z0-9-]+$/,
    message: 'Can only contain a-z (lowercase), 0-9 and hyphens',
    description: 'Unique on the whole platform.',
    example: 'www-example-com',
  })
  name!: string;

  @Text({
    max: MAX_CERTIFICATE_LENGTH,
    check: certificateFaults,
    description: 'PEM: the certificate first, then those that vouch for it.',
    example: '-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n',
  })
  certificate!: string;

  @Text({
    max: MAX_KEY_LENGTH,
    check: (key, { certificate }) => keyFaults(key, isTooLong(certificate) ? null : certificate),
    description: 'PEM: the private key that belongs to the certificate, without a passphrase. RSA, EC or Ed25519. It is never shown again.',
    example: '-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n',
  })
  key!: string;
}
