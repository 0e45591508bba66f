import { Body, Controller, Delete, Get, Headers, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { empty, json, Route } from '../http/route.ts';
import type { User } from '../users/user.entity.ts';
import { userExample, UserResponse, userResponse } from '../users/user.response.ts';
import { AuthService } from './auth.service.ts';
import { CancelUserDto } from './cancel-user.dto.ts';
import { ChangePasswordDto } from './change-password.dto.ts';
import { CurrentUser } from './current.ts';
import { LoginDto } from './login.dto.ts';
import { PasswordResponse } from './password.response.ts';
import { RegenerateTokensDto } from './regenerate-tokens.dto.ts';
import { RegisterUserDto } from './register-user.dto.ts';
import { SETUP_TOKEN_HEADER, SetupTokenHeader } from './setup-token.field.ts';
import { tokenExample, TokenResponse } from './token.response.ts';

const TRIED = 'It was tried too often lately.';

@ApiTags('auth')
@Controller('v2/auth')
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  @Post('register')
  @SetupTokenHeader()
  @Route({
    summary: 'Register a user',
    description:
      'Who registers while there is no administrator becomes one, and has to show the set-up token beside `DATABASE_URL`. No other token is ' +
      'needed unless the registration mode asks for an administrator.',
    action: 'user.register',
    rule: 'registration',
    answers: { 201: json(UserResponse, userExample) },
    errors: {
      400: 'A field is missing or wrong, or the name is taken.',
      403: 'The registration mode does not allow it, or the first one has no set-up token.',
      429: TRIED,
    },
  })
  async register(
    @CurrentUser() caller: User | null,
    @Body() body: RegisterUserDto,
    @Headers(SETUP_TOKEN_HEADER) header: string | undefined,
  ): Promise<UserResponse> {
    const { first_name: firstName, last_name: lastName, setup_token: setupToken, ...rest } = body;
    return userResponse(await this.auth.register({ ...rest, firstName, lastName }, caller, setupToken ?? header));
  }

  @Post('login')
  @Route({
    summary: 'Log in',
    description: 'Every login makes a new token; earlier ones stay good.',
    action: 'user.login',
    rule: 'public',
    answers: { 200: json(TokenResponse, tokenExample) },
    errors: { 400: 'A field is missing, or name and password do not match.', 429: TRIED },
    credentials: true,
  })
  async login(@Body() { username, password }: LoginDto): Promise<TokenResponse> {
    const { token } = await this.auth.login(username, password);
    return { token };
  }

  @Delete('cancel')
  @Route({
    summary: 'Remove a user',
    description: 'Yourself, or as an administrator anybody. What the user made in apps of others becomes their owners’.',
    action: 'user.remove',
    rule: 'user',
    answers: { 204: empty() },
    errors: {
      400: 'A field is wrong.',
      403: 'Only administrators may remove others.',
      404: 'There is no such user.',
      409: 'The user still owns apps or certificates, or is the last administrator while there are other users.',
    },
  })
  async cancel(@CurrentUser() caller: User, @Body() { username }: CancelUserDto): Promise<void> {
    await this.auth.cancel(caller, username);
  }

  @Post('tokens')
  @Route({
    summary: 'Get a new token and end the old ones',
    action: 'user.end-tokens',
    rule: 'user',
    answers: { 200: json(TokenResponse, tokenExample) },
    errors: { 400: 'A field is wrong.', 403: 'Only administrators may end tokens of others.', 404: 'There is no such user.' },
    credentials: true,
  })
  async regenerate(@CurrentUser() caller: User, @Body() { username, all }: RegenerateTokensDto): Promise<TokenResponse> {
    return { token: all ? await this.auth.regenerateAll(caller) : await this.auth.regenerate(caller, username) };
  }

  @Post('passwd')
  @Route({
    summary: 'Change a password',
    description: 'Tokens stay good.',
    action: 'user.set-password',
    rule: 'user',
    answers: { 200: json(PasswordResponse, { status: 'password set' }) },
    errors: {
      400: 'The new or the current password is missing.',
      401: 'The current password is wrong.',
      403: 'Only administrators may change passwords of others.',
      404: 'There is no such user.',
      429: TRIED,
    },
  })
  async changePassword(@CurrentUser() caller: User, @Body() body: ChangePasswordDto): Promise<PasswordResponse> {
    const { username, password, new_password: newPassword } = body;
    await this.auth.changePassword(caller, { username, password, newPassword });
    return { status: 'password set' };
  }

  @Get('whoami')
  @Route({ summary: 'See who you are', action: 'user.whoami', rule: 'user', answers: { 200: json(UserResponse, userExample) }, errors: {} })
  whoami(@CurrentUser() caller: User): UserResponse {
    return userResponse(caller);
  }
}
