import { Text } from '../http/fields.ts';

/** Names a user, for a grant. */
export class UsernameDto {
  @Text({ example: 'bob' })
  username!: string;
}
