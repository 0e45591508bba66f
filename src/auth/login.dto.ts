import { Text } from '../http/fields.ts';

export class LoginDto {
  @Text({ example: 'ada' })
  username!: string;

  @Text({ example: 'opensesame' })
  password!: string;
}
