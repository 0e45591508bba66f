import { Body, Controller, Delete, Get, Param, Post, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../auth/current.ts';
import { json, Route } from '../http/route.ts';
import { userApi } from '../http/user-api.ts';
import type { User } from '../users/user.entity.ts';
import { added, AddedResponse, done, DoneResponse, found, type Found, foundOf } from './envelope.response.ts';
import { ChangeGroupDto, CreateGroupDto } from './group.dto.ts';
import { groupExample, GroupResponse } from './group.response.ts';
import { GroupsService } from './groups.service.ts';
import { OfProduct } from './of-product.ts';

const errors = { 403: 'You do not administer products, or are not in this one.', 404: 'There is no group of this id.' };
const taken = { 409: 'The name is taken in the product.' };

@ApiTags('user API: groups')
@Controller(`${userApi}/groups`)
export class GroupsController {
  constructor(private readonly groups: GroupsService) {}

  @Get()
  @Route({
    summary: 'List the groups, by name',
    description: 'Those of products that you are in; superusers see all.',
    action: 'group.list',
    rule: 'products:administer',
    answers: { 200: json(foundOf([GroupResponse]), found([groupExample])) },
    errors: { 403: errors[403], 404: 'There is no product of this id.' },
  })
  async list(@CurrentUser() user: User, @OfProduct() productId: string | null): Promise<Found<GroupResponse[]>> {
    return found(await this.groups.list(user, productId));
  }

  @Post()
  @Route({
    summary: 'Add a group to a product',
    description: 'Its apps are some of the product’s.',
    action: 'group.create',
    rule: 'products:administer',
    answers: { 201: json(AddedResponse, added(groupExample.id)) },
    errors: { 403: errors[403], ...taken },
  })
  async create(@CurrentUser() user: User, @Body() { product_id, name, description, apps, types }: CreateGroupDto): Promise<AddedResponse> {
    return added(await this.groups.create(user, product_id, { name, description, apps, types }));
  }

  @Get(':id')
  @Route({
    summary: 'Look at a group',
    action: 'group.read',
    rule: 'products:administer',
    answers: { 200: json(foundOf(GroupResponse), found(groupExample)) },
    errors,
  })
  async get(@CurrentUser() user: User, @Param('id') id: string): Promise<Found<GroupResponse>> {
    return found(await this.groups.get(user, id));
  }

  @Put(':id')
  @Route({
    summary: 'Change a group',
    description: 'The fields that are given; the others stay. A group stays in its product.',
    action: 'group.update',
    rule: 'products:administer',
    answers: { 200: json(DoneResponse, done) },
    errors: { ...errors, ...taken },
  })
  async change(
    @CurrentUser() user: User,
    @Param('id') id: string,
    @Body() { product_id: productId, name, description, apps, types }: ChangeGroupDto,
  ): Promise<DoneResponse> {
    await this.groups.change(user, id, { productId, name, description, apps, types });
    return done;
  }

  @Delete(':id')
  @Route({
    summary: 'Delete a group',
    description: 'Users who are in no other group of the product have the whole product then.',
    action: 'group.delete',
    rule: 'products:administer',
    answers: { 200: json(DoneResponse, done) },
    errors,
  })
  async remove(@CurrentUser() user: User, @Param('id') id: string): Promise<DoneResponse> {
    await this.groups.remove(user, id);
    return done;
  }
}
