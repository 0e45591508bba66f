import { Controller, Get, Param, Patch } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../auth/current.ts';
import { Locked } from '../http/errors.ts';
import { Paged, pageOf, Paging, type Page } from '../http/paging.ts';
import { empty, json, Route } from '../http/route.ts';
import type { User } from './user.entity.ts';
import { userExample, UserResponse, userResponse } from './user.response.ts';
import { UsersService } from './users.service.ts';

const errors = { 404: 'There is no such user.', 423: 'The user is you. There is no body.' };

@ApiTags('users')
@Controller('v2/users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Get()
  @Route({
    summary: 'List the users, by name',
    action: 'user.list',
    rule: 'platform:admin',
    answers: { 200: json(pageOf(UserResponse), { count: 1, next: null, previous: null, results: [userExample] }) },
    errors: {},
  })
  async list(@Paged() paging: Paging): Promise<Page<UserResponse>> {
    const page = await this.users.list(paging);
    return { ...page, results: page.results.map(userResponse) };
  }

  @Patch(':username/enable')
  @Route({
    summary: 'Let a user log in again',
    description: 'The tokens that the user has are good again too.',
    action: 'user.enable',
    rule: 'platform:admin',
    answers: { 204: empty() },
    errors,
  })
  async enable(@CurrentUser() caller: User, @Param('username') username: string): Promise<void> {
    await this.setActive(caller, username, true);
  }

  @Patch(':username/disable')
  @Route({
    summary: 'Keep a user from logging in',
    description: 'And the tokens that the user has from being good. The apps run on.',
    action: 'user.disable',
    rule: 'platform:admin',
    answers: { 204: empty() },
    errors: { ...errors, 409: 'The user is the last administrator who can log in, and there are other users.' },
  })
  async disable(@CurrentUser() caller: User, @Param('username') username: string): Promise<void> {
    await this.setActive(caller, username, false);
  }

  private async setActive(caller: User, username: string, isActive: boolean): Promise<void> {
    if (username === caller.username) throw new Locked();
    await this.users.setActive(username, isActive);
  }
}
