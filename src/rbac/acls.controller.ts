import { Body, Controller, Delete, Get, Param, Post, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../auth/current.ts';
import { json, Route } from '../http/route.ts';
import { userApi } from '../http/user-api.ts';
import type { User } from '../users/user.entity.ts';
import { ChangeAclDto, CreateAclDto } from './acl.dto.ts';
import { aclExample, AclResponse, aclResponse } from './acl.response.ts';
import { AclsService } from './acls.service.ts';
import { added, AddedResponse, done, DoneResponse, found, type Found, foundOf } from './envelope.response.ts';
import { OfProduct } from './of-product.ts';

const errors = { 403: 'You do not administer ACLs, or not those of this product.', 404: 'There is no ACL of this id.' };
const taken = { 409: 'The name is taken in the product.' };

@ApiTags('user API: ACLs')
@Controller(`${userApi}/acl`)
export class AclsController {
  constructor(private readonly acls: AclsService) {}

  @Get()
  @Route({
    summary: 'List the ACLs, by name',
    description: 'Product administrators see those of products that they are in, superusers and ACL administrators all.',
    action: 'acl.list',
    rule: 'acls:administer',
    answers: { 200: json(foundOf([AclResponse]), found([aclExample])) },
    errors: { 403: errors[403], 404: 'There is no product of this id.' },
  })
  async list(@CurrentUser() user: User, @OfProduct() productId: string | null): Promise<Found<AclResponse[]>> {
    return found((await this.acls.list(user, productId)).map(aclResponse));
  }

  @Post()
  @Route({
    summary: 'Add an ACL to a product',
    action: 'acl.create',
    rule: 'acls:administer',
    answers: { 201: json(AddedResponse, added(aclExample.id)) },
    errors: { 403: errors[403], ...taken },
  })
  async create(@CurrentUser() user: User, @Body() { product_id, name, description, allow, deny }: CreateAclDto): Promise<AddedResponse> {
    return added(await this.acls.create(user, product_id, { name, description, allow, deny }));
  }

  @Get(':id')
  @Route({
    summary: 'Look at an ACL',
    action: 'acl.read',
    rule: 'acls:administer',
    answers: { 200: json(foundOf(AclResponse), found(aclExample)) },
    errors,
  })
  async get(@CurrentUser() user: User, @Param('id') id: string): Promise<Found<AclResponse>> {
    return found(aclResponse(await this.acls.get(user, id)));
  }

  @Put(':id')
  @Route({
    summary: 'Change an ACL',
    description: 'The fields that are given; the others stay. An ACL stays in its product.',
    action: 'acl.update',
    rule: 'acls:administer',
    answers: { 200: json(DoneResponse, done) },
    errors: { ...errors, ...taken },
  })
  async change(
    @CurrentUser() user: User,
    @Param('id') id: string,
    @Body() { product_id: productId, name, description, allow, deny }: ChangeAclDto,
  ): Promise<DoneResponse> {
    await this.acls.change(user, id, { productId, name, description, allow, deny });
    return done;
  }

  @Delete(':id')
  @Route({
    summary: 'Delete an ACL',
    description: 'Whom it bound it binds no longer.',
    action: 'acl.delete',
    rule: 'acls:administer',
    answers: { 200: json(DoneResponse, done) },
    errors,
  })
  async remove(@CurrentUser() user: User, @Param('id') id: string): Promise<DoneResponse> {
    await this.acls.remove(user, id);
    return done;
  }
}
