import { EmailAddress, Text } from '../http/fields.ts';
import { SetupTokenField } from './setup-token.field.ts';
import { Username } from '../users/username.field.ts';

export class RegisterUserDto {
  @Username({ example: 'ada' })
  username!: string;

  @Text({ max: 128, example: 'opensesame' })
  password!: string;

  @EmailAddress({ optional: true, example: 'ada@example.com' })
  email?: string;

  @Text({ max: 30, blank: true, optional: true, example: 'Ada' })
  first_name?: string;

  @Text({ max: 30, blank: true, optional: true, example: 'Lovelace' })
  last_name?: string;

  @SetupTokenField()
  setup_token?: string | null;
}
