import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Paged, pageOf, Paging, type Page } from '../http/paging.ts';
import { empty, json, Route } from '../http/route.ts';
import { administratorExample, AdministratorResponse, administratorResponse } from './administrator.response.ts';
import { UsernameDto } from './username.dto.ts';
import { UsersService } from './users.service.ts';

@ApiTags('users')
@Controller('v2/admin/perms')
export class AdministratorsController {
  constructor(private readonly users: UsersService) {}

  @Get()
  @Route({
    summary: 'List the administrators',
    description: 'Those who can log in, by name.',
    action: 'administrator.list',
    rule: 'platform:admin',
    answers: { 200: json(pageOf(AdministratorResponse), { count: 1, next: null, previous: null, results: [administratorExample] }) },
    errors: {},
  })
  async list(@Paged() paging: Paging): Promise<Page<AdministratorResponse>> {
    const page = await this.users.listAdministrators(paging);
    return { ...page, results: page.results.map(administratorResponse) };
  }

  @Post()
  @Route({
    summary: 'Make somebody an administrator',
    action: 'administrator.grant',
    rule: 'platform:admin',
    answers: { 201: empty() },
    errors: { 400: 'The username is missing.', 404: 'There is no such user.' },
  })
  async grant(@Body() { username }: UsernameDto): Promise<void> {
    await this.users.setAdministrator(username, true);
  }

  @Delete(':username')
  @Route({
    summary: 'Make an administrator a user like others',
    action: 'administrator.revoke',
    rule: 'platform:admin',
    answers: { 204: empty() },
    errors: { 404: 'There is no such user.', 409: 'The user is the last administrator who can log in, and there are other users.' },
  })
  async revoke(@Param('username') username: string): Promise<void> {
    await this.users.setAdministrator(username, false);
  }
}
