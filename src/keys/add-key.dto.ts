import { Text } from '../http/fields.ts';
import { MAX_PUBLIC_LENGTH, publicKeyFaults } from './ssh-public-key.ts';

export class AddKeyDto {
  @Text({ max: 128, description: 'A name for the key, unlike that of anybody else’s.', example: 'ada@laptop' })
  id!: string;

  @Text({
    max: MAX_PUBLIC_LENGTH,
    check: publicKeyFaults,
    description: 'The content of the `.pub` file: `<type> <base64> [comment]`.',
    example: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH+1oYxJ1mzG/UI8nYBPllAoXNa/kB/f0MN56Ivmje+x ada@laptop',
  })
  public!: string;
}
