import { Body, Controller, Delete, Get, Headers, Param, Post, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../auth/current.ts';
import { LoginDto } from '../auth/login.dto.ts';
import { SETUP_TOKEN_HEADER, SetupTokenHeader } from '../auth/setup-token.field.ts';
import { tokenExample } from '../auth/token.response.ts';
import { json, Route } from '../http/route.ts';
import { userApi } from '../http/user-api.ts';
import { Settings } from '../settings/settings.ts';
import type { User } from '../users/user.entity.ts';
import {
  accountExample,
  accountResponse,
  addedUserExample,
  NewPasswordAnswer,
  SessionAnswer,
  UserAnswer,
  UsersAnswer,
} from './account.response.ts';
import { AccountsService } from './accounts.service.ts';
import { AddUserDto } from './add-user.dto.ts';
import { ChangeOwnPasswordDto } from './change-own-password.dto.ts';
import { ChangeUserDto } from './change-user.dto.ts';
import { RegisterAccountDto } from './register-account.dto.ts';
import { added, AddedResponse, done, DoneResponse, found } from './envelope.response.ts';

const noUser = 'u-3d48618a283111e8a7e3000c298454d8 does not exist';
const tried = 'It was tried too often lately.';
const taken = 'The user name already exists';

@ApiTags('user API: users')
@Controller(userApi)
export class AccountsController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly settings: Settings,
  ) {}

  @Get('user')
  @Route({
    summary: 'List the users, by name',
    action: 'user.list',
    rule: 'accounts:read',
    answers: { 200: json(UsersAnswer, { users: { user: [accountExample] } }) },
    errors: {},
  })
  async list(): Promise<UsersAnswer> {
    return { users: { user: (await this.accounts.list()).map(accountResponse) } };
  }

  @Get('user/:id')
  @Route({
    summary: 'See a user',
    action: 'user.read',
    rule: 'accounts:read',
    answers: { 200: json(UserAnswer, { user: accountExample }) },
    errors: { 404: noUser },
  })
  async get(@Param('id') id: string): Promise<UserAnswer> {
    return { user: accountResponse(await this.accounts.get(id)) };
  }

  @Post('user')
  @Route({
    summary: 'Add a user',
    description: 'Whatever the registration mode. The user can log in at once, here and at `/v2/auth/login`.',
    action: 'user.add',
    rule: 'accounts:administer',
    answers: { 200: json(AddedResponse, addedUserExample) },
    errors: { 409: taken },
  })
  async add(@CurrentUser() caller: User, @Body() body: AddUserDto): Promise<AddedResponse> {
    return added((await this.accounts.add(caller, body)).id);
  }

  @Post('user/register')
  @SetupTokenHeader()
  @Route({
    summary: 'Register a user',
    description:
      'Who registers while there is no superuser becomes one, and has to show the set-up token beside `DATABASE_URL`. No other token is ' +
      'needed unless the registration mode asks for an administrator.',
    action: 'user.register',
    rule: 'registration',
    answers: { 200: json(AddedResponse, addedUserExample) },
    errors: { 403: 'Registration is disabled', 409: taken, 429: tried },
  })
  async register(
    @CurrentUser() caller: User | null,
    @Body() { setup_token: setupToken, ...body }: RegisterAccountDto,
    @Headers(SETUP_TOKEN_HEADER) header: string | undefined,
  ): Promise<AddedResponse> {
    return added((await this.accounts.register(caller, body, setupToken ?? header)).id);
  }

  @Post('login')
  @Route({
    summary: 'Log in',
    description: 'Every login makes a new token; earlier ones stay good. It is good at `/v2`, too.',
    action: 'user.login',
    rule: 'public',
    answers: {
      200: json(
        SessionAnswer,
        found({ token: { key: 'token' as const, value: tokenExample.token, expires: 604800 }, user: { uid: accountExample.id } }),
      ),
    },
    errors: { 401: 'Name and password do not match.', 429: tried },
    credentials: true,
  })
  async login(@Body() { username, password }: LoginDto): Promise<SessionAnswer> {
    const { id, token } = await this.accounts.login(username, password);
    return found({ token: { key: 'token', value: token, expires: this.settings.tokenTtl }, user: { uid: id } });
  }

  @Put('user/:id')
  @Route({
    summary: 'Change a user',
    description: [
      'What is absent stays; lists take the place of those before. Everybody may change his own `username` and `mail`, user administrators',
      'those of others and the password. A role is given and taken by who may administer users and has himself a role of that tag,',
      '`common_user` by everyone who may; products and groups by product administrators of that product; ACLs by them and by ACL',
      'administrators. Superusers may everything, and are changed by superusers alone.',
    ].join(' '),
    action: 'user.update',
    rule: 'accounts:change',
    answers: { 200: json(DoneResponse, done) },
    errors: {
      400: 'A field is wrong, or names an id that there is not.',
      404: noUser,
      409: 'The name is taken, or the user is the last superuser who can log in.',
    },
  })
  async change(@CurrentUser() caller: User, @Param('id') id: string, @Body() body: ChangeUserDto): Promise<DoneResponse> {
    await this.accounts.change(caller, id, body);
    return done;
  }

  @Delete('user/:id')
  @Route({
    summary: 'Remove a user',
    description: 'Yourself, or as a user administrator others. What the user made in apps of others becomes their owners’.',
    action: 'user.remove',
    rule: 'accounts:change',
    answers: { 200: json(DoneResponse, done) },
    errors: { 404: noUser, 409: 'The user still owns apps or certificates, or is the last superuser while there are other users.' },
  })
  async remove(@CurrentUser() caller: User, @Param('id') id: string): Promise<DoneResponse> {
    await this.accounts.remove(caller, id);
    return done;
  }

  @Post('user/reset/:id')
  @Route({
    summary: 'Give a user a new password',
    description: 'A random one. The tokens of the user stay good.',
    action: 'user.reset-password',
    rule: 'accounts:administer',
    answers: { 200: json(NewPasswordAnswer, found({ password: 'kWcP0dZ7yJm3vXh9qRbT4sUa' })) },
    errors: { 404: noUser },
    credentials: true,
  })
  async resetPassword(@CurrentUser() caller: User, @Param('id') id: string): Promise<NewPasswordAnswer> {
    return found({ password: await this.accounts.resetPassword(caller, id) });
  }

  @Post('user/reset/owner/:id')
  @Route({
    summary: 'Change your own password',
    description: 'Tokens stay good.',
    action: 'user.set-password',
    rule: 'accounts:own',
    answers: { 200: json(DoneResponse, done) },
    errors: { 401: 'There is no token, it is not good, or the old password is wrong.', 403: 'The id is not yours.', 429: tried },
  })
  async changeOwnPassword(@CurrentUser() caller: User, @Body() body: ChangeOwnPasswordDto): Promise<DoneResponse> {
    await this.accounts.changeOwnPassword(caller, body.old_password, body.new_password);
    return done;
  }
}
