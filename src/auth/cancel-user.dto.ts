import { Text } from '../http/fields.ts';

export class CancelUserDto {
  @Text({ optional: true, nullable: true, description: 'Whom to remove; yourself by default.', example: 'ada' })
  username?: string | null;
}
