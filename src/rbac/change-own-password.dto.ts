import { Text } from '../http/fields.ts';

export class ChangeOwnPasswordDto {
  @Text({ description: 'The current one.', example: 'opensesame' })
  old_password!: string;

  @Text({ max: 128, example: 'closesesame' })
  new_password!: string;
}
