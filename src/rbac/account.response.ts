import { ApiProperty } from '@nestjs/swagger';
import type { Account } from './accounts.service.ts';
import { added, DoneResponse } from './envelope.response.ts';

/** A user as the user API shows one. */
export class AccountResponse {
  @ApiProperty({ type: 'string' })
  id!: string;

  @ApiProperty({ type: 'array', items: { type: 'string' } })
  acl!: string[];

  @ApiProperty({ type: 'array', items: { type: 'string' } })
  role!: string[];

  @ApiProperty({ type: 'array', items: { type: 'string' } })
  groups!: string[];

  @ApiProperty({ type: 'array', items: { type: 'string' } })
  product!: string[];

  @ApiProperty({ type: 'string' })
  username!: string;
}

export const accountResponse = ({ id, acl, role, groups, product, username }: Account): AccountResponse => ({
  id,
  acl,
  role,
  groups,
  product,
  username,
});

export class UserAnswer {
  @ApiProperty({ type: AccountResponse })
  user!: AccountResponse;
}

class Users {
  @ApiProperty({ type: [AccountResponse] })
  user!: AccountResponse[];
}

export class UsersAnswer {
  @ApiProperty({ type: Users })
  users!: Users;
}

class NewPassword {
  @ApiProperty({ type: 'string', description: 'Shown this once.' })
  password!: string;
}

export class NewPasswordAnswer extends DoneResponse {
  @ApiProperty({ type: NewPassword })
  data!: NewPassword;
}

class Token {
  @ApiProperty({ type: 'string', enum: ['token'] })
  key!: 'token';

  @ApiProperty({ type: 'string', description: 'Goes into the header `Authorization: token <value>`.' })
  value!: string;

  @ApiProperty({ type: 'integer', description: 'Seconds until it ends; 0: never.' })
  expires!: number;
}

class TokenHolder {
  @ApiProperty({ type: 'string' })
  uid!: string;
}

class Session {
  @ApiProperty({ type: Token })
  token!: Token;

  @ApiProperty({ type: TokenHolder })
  user!: TokenHolder;
}

export class SessionAnswer extends DoneResponse {
  @ApiProperty({ type: Session })
  data!: Session;
}

export const accountExample: AccountResponse = {
  id: 'u-3d48618a283111e8a7e3000c298454d8',
  acl: ['a-c6a3a1e2283111e8a7e3000c298454d8'],
  role: ['r-1c7bf9b4283111e8a7e3000c298454d8'],
  groups: ['g-9b2e15ae283111e8a7e3000c298454d8'],
  product: ['p-5f0d7c68283111e8a7e3000c298454d8'],
  username: 'ada',
};

export const addedUserExample = added(accountExample.id);
