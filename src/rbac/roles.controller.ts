import { Body, Controller, Delete, Get, HttpStatus, Param, Post, Put, Res } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CurrentUser } from '../auth/current.ts';
import { Forbidden, InvalidFields } from '../http/errors.ts';
import { readFields } from '../http/fields.pipe.ts';
import { json, Route } from '../http/route.ts';
import { userApi } from '../http/user-api.ts';
import type { User } from '../users/user.entity.ts';
import { isAdministrator } from '../users/user.rights.ts';
import { AccountsService } from './accounts.service.ts';
import { AddUserDto } from './add-user.dto.ts';
import { added, AddedResponse, done, DoneResponse, found, type Found, foundOf } from './envelope.response.ts';
import { ChangeRoleDto, CreateRoleDto } from './role.dto.ts';
import { roleExample, RoleResponse, roleResponse } from './role.response.ts';
import { RolesService } from './roles.service.ts';

const UNKNOWN = 'There is no role of this id.';
const NEITHER = 'Give a username to add a user, or a name to add a role.';

@ApiTags('user API: roles')
@Controller(`${userApi}/role`)
export class RolesController {
  constructor(
    private readonly roles: RolesService,
    private readonly accounts: AccountsService,
  ) {}

  @Get()
  @Route({
    summary: 'List the roles, by name',
    action: 'role.list',
    rule: 'roles:read',
    answers: { 200: json(foundOf([RoleResponse]), found([roleExample])) },
    errors: {},
  })
  async list(): Promise<Found<RoleResponse[]>> {
    return found((await this.roles.list()).map(roleResponse));
  }

  @Post()
  @ApiBody({
    schema: {
      type: 'object',
      properties: {
        username: { type: 'string', description: 'With it a user is added, as by `POST …/user`.', example: 'ada' },
        password: { type: 'string', description: 'Of the user.', example: 'opensesame' },
        mail: { type: 'string', description: 'Of the user. May be left out.' },
        name: { type: 'string', description: 'With it, and without a username, a role is added. Unique.' },
        description: { type: 'string', description: 'Of the role. May be left out.' },
        tag: { type: 'integer', minimum: 0, maximum: 4, description: 'Of the role: what its holders may administer.' },
      },
    },
  })
  @Route({
    summary: 'Add a user, or a role',
    description: 'By whether the body has a `username` or a `name`. Roles are added by superusers.',
    action: 'role.create',
    rule: 'accounts:administer',
    answers: {
      200: json(AddedResponse, added('u-3d48618a283111e8a7e3000c298454d8'), 'The user is added.'),
      201: json(AddedResponse, added(roleExample.id), 'The role is added.'),
    },
    errors: { 403: 'You do not administer users; or it is a role, and you are no superuser.', 409: 'The name is taken.' },
  })
  async create(
    @CurrentUser() user: User,
    @Body() body: Record<string, unknown>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AddedResponse> {
    if (Object.hasOwn(body, 'username')) return added((await this.accounts.add(user, await readFields(AddUserDto, body))).id);
    if (!Object.hasOwn(body, 'name')) throw new InvalidFields({ username: [NEITHER], name: [NEITHER] });
    if (!isAdministrator(user)) throw new Forbidden('Only superusers add roles.');
    const id = await this.roles.create(await readFields(CreateRoleDto, body));
    reply.status(HttpStatus.CREATED);
    return added(id);
  }

  @Get(':id')
  @Route({
    summary: 'Look at a role',
    action: 'role.read',
    rule: 'roles:read',
    answers: { 200: json(foundOf(RoleResponse), found(roleExample)) },
    errors: { 404: UNKNOWN },
  })
  async get(@Param('id') id: string): Promise<Found<RoleResponse>> {
    return found(roleResponse(await this.roles.get(id)));
  }

  @Put(':id')
  @Route({
    summary: 'Change a role',
    description: 'The fields that are given; the others stay.',
    action: 'role.update',
    rule: 'platform:admin',
    answers: { 200: json(DoneResponse, done) },
    errors: {
      404: UNKNOWN,
      409: 'The name is taken, it is the tag of a built-in role, or nobody would be left who is a superuser.',
    },
  })
  async change(@Param('id') id: string, @Body() { name, description, tag }: ChangeRoleDto): Promise<DoneResponse> {
    await this.roles.change(id, { name, description, tag });
    return done;
  }

  @Delete(':id')
  @Route({
    summary: 'Delete a role',
    description: 'Whoever has it has it no longer.',
    action: 'role.delete',
    rule: 'platform:admin',
    answers: { 200: json(DoneResponse, done) },
    errors: { 404: UNKNOWN, 409: 'The role is built in, or nobody would be left who is a superuser.' },
  })
  async remove(@Param('id') id: string): Promise<DoneResponse> {
    await this.roles.remove(id);
    return done;
  }
}
