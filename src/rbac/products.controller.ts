import { Body, Controller, Delete, Get, Param, Post, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../auth/current.ts';
import { json, Route } from '../http/route.ts';
import { userApi } from '../http/user-api.ts';
import type { User } from '../users/user.entity.ts';
import { added, AddedResponse, done, DoneResponse, found, type Found, foundOf } from './envelope.response.ts';
import { ChangeProductDto, CreateProductDto } from './product.dto.ts';
import { productExample, ProductResponse } from './product.response.ts';
import { ProductsService } from './products.service.ts';
import { PRODUCT_TAKEN } from './rbac-changes.ts';

const UNKNOWN = 'There is no product of this id.';
const NOT_IN = 'You do not administer products, or are not in this one.';
const NOT_YOUR_APP = 'an app is not yours to give away';

@ApiTags('user API: products')
@Controller(`${userApi}/product`)
export class ProductsController {
  constructor(private readonly products: ProductsService) {}

  @Get()
  @Route({
    summary: 'List the products, by name',
    description: 'Those that you are in; superusers and ACL administrators see all.',
    action: 'product.list',
    rule: 'acls:administer',
    answers: { 200: json(foundOf([ProductResponse]), found([productExample])) },
    errors: {},
  })
  async list(@CurrentUser() user: User): Promise<Found<ProductResponse[]>> {
    return found(await this.products.list(user));
  }

  @Post()
  @Route({
    summary: 'Add a product',
    description: 'You are in it. An app is put in by its owner, or a superuser.',
    action: 'product.create',
    rule: 'products:administer',
    answers: { 201: json(AddedResponse, added(productExample.id)) },
    errors: { 403: `You do not administer products, or ${NOT_YOUR_APP}.`, 409: 'The name is taken, or an app is being destroyed.' },
  })
  async create(@CurrentUser() user: User, @Body() { name, description, apps }: CreateProductDto): Promise<AddedResponse> {
    return added(await this.products.create(user, { name, description, apps }));
  }

  @Get('check/:productName')
  @Route({
    summary: 'Ask whether a name is free',
    description: 'The status of the answer tells: `false`, with the reason, if a product has it.',
    action: 'product.check',
    rule: 'products:administer',
    answers: { 200: json(DoneResponse, done) },
    errors: {},
  })
  async check(@Param('productName') name: string): Promise<DoneResponse> {
    return (await this.products.isTaken(name)) ? { status: false, message: PRODUCT_TAKEN } : done;
  }

  @Get(':id')
  @Route({
    summary: 'Look at a product',
    action: 'product.read',
    rule: 'acls:administer',
    answers: { 200: json(foundOf(ProductResponse), found(productExample)) },
    errors: { 403: NOT_IN, 404: UNKNOWN },
  })
  async get(@CurrentUser() user: User, @Param('id') id: string): Promise<Found<ProductResponse>> {
    return found(await this.products.get(user, id));
  }

  @Put(':id')
  @Route({
    summary: 'Change a product',
    description: 'The fields that are given; the others stay. An app that leaves it leaves its groups.',
    action: 'product.update',
    rule: 'products:administer',
    answers: { 200: json(DoneResponse, done) },
    errors: {
      403: `You do not administer products, are not in this one, or ${NOT_YOUR_APP}.`,
      404: UNKNOWN,
      409: 'The name is taken, or an app that is put in is being destroyed.',
    },
  })
  async change(
    @CurrentUser() user: User,
    @Param('id') id: string,
    @Body() { name, description, apps }: ChangeProductDto,
  ): Promise<DoneResponse> {
    await this.products.change(user, id, { name, description, apps });
    return done;
  }

  @Delete(':id')
  @Route({
    summary: 'Delete a product',
    description: 'With its groups and ACLs. The apps stay.',
    action: 'product.delete',
    rule: 'products:administer',
    answers: { 200: json(DoneResponse, done) },
    errors: { 403: NOT_IN, 404: UNKNOWN },
  })
  async remove(@CurrentUser() user: User, @Param('id') id: string): Promise<DoneResponse> {
    await this.products.remove(user, id);
    return done;
  }
}
