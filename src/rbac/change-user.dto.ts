import { EmailAddress, Text } from '../http/fields.ts';
import { Username } from '../users/username.field.ts';
import { TextSet } from './named.fields.ts';

/** A list of ids, in place of those before. */
const Ids = (example: string): PropertyDecorator =>
  TextSet({ optional: true, description: 'In place of those before.', example: [example], most: 1000, longest: 100 });

/** What is absent stays as it is. */
export class ChangeUserDto {
  @Username({ optional: true, example: 'ada' })
  username?: string;

  @Text({ optional: true, max: 128, example: 'opensesame' })
  password?: string;

  @EmailAddress({ optional: true, example: 'ada@example.com' })
  mail?: string;

  @Ids('r-1c7bf9b4283111e8a7e3000c298454d8')
  role?: string[];

  @Ids('a-c6a3a1e2283111e8a7e3000c298454d8')
  acl?: string[];

  @Ids('g-9b2e15ae283111e8a7e3000c298454d8')
  groups?: string[];

  @Ids('p-5f0d7c68283111e8a7e3000c298454d8')
  product?: string[];
}
