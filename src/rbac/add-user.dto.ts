import { EmailAddress, Text } from '../http/fields.ts';
import { Username } from '../users/username.field.ts';

export class AddUserDto {
  @Username({ example: 'ada' })
  username!: string;

  @Text({ max: 128, example: 'opensesame' })
  password!: string;

  @EmailAddress({ optional: true, example: 'ada@example.com' })
  mail?: string;
}
