import { SetupTokenField } from '../auth/setup-token.field.ts';
import { AddUserDto } from './add-user.dto.ts';

export class RegisterAccountDto extends AddUserDto {
  @SetupTokenField()
  setup_token?: string | null;
}
