import { Text } from '../http/fields.ts';

export class UpdateAppDto {
  @Text({ optional: true, description: 'Username of whom the app is given to.', example: 'grace' })
  owner?: string;
}
