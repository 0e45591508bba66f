import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../auth/current.ts';
import { Paged, pageOf, Paging, type Page } from '../http/paging.ts';
import { empty, json, Route } from '../http/route.ts';
import type { User } from '../users/user.entity.ts';
import { AddKeyDto } from './add-key.dto.ts';
import { keyExample, keyResponse, KeyResponse } from './key.response.ts';
import { KeysService } from './keys.service.ts';

const NO_KEY = 'You have no key of that id.';

@ApiTags('keys')
@Controller('v2/keys')
export class KeysController {
  constructor(private readonly keys: KeysService) {}

  @Get()
  @Route({
    summary: 'List your SSH keys',
    description: 'By their text. Administrators too see their own only.',
    action: 'key.list',
    rule: 'user',
    answers: { 200: json(pageOf(KeyResponse), { count: 1, next: null, previous: null, results: [keyExample] }) },
    errors: {},
  })
  async list(@CurrentUser() user: User, @Paged() paging: Paging): Promise<Page<KeyResponse>> {
    const page = await this.keys.list(user, paging);
    return { ...page, results: page.results.map((key) => keyResponse(user.username, key)) };
  }

  @Post()
  @Route({
    summary: 'Add an SSH key',
    description:
      'Ids and keys are unique on the whole platform, a key whatever its comment. Known types are RSA of 1024 bits or more, ECDSA, ' +
      'Ed25519, both of these in a FIDO token, and DSA.',
    action: 'key.add',
    rule: 'user',
    answers: { 201: json(KeyResponse, keyExample) },
    errors: { 400: 'A field is missing or wrong, or somebody has a key of that id or this very key.' },
  })
  async add(@CurrentUser() user: User, @Body() { id, public: text }: AddKeyDto): Promise<KeyResponse> {
    return keyResponse(user.username, await this.keys.add(user, id, text));
  }

  @Get(':key')
  @Route({
    summary: 'Look at an SSH key',
    action: 'key.read',
    rule: 'user',
    answers: { 200: json(KeyResponse, keyExample) },
    errors: { 404: NO_KEY },
  })
  async get(@CurrentUser() user: User, @Param('key') id: string): Promise<KeyResponse> {
    return keyResponse(user.username, await this.keys.get(user, id));
  }

  @Delete(':key')
  @Route({ summary: 'Remove an SSH key', action: 'key.remove', rule: 'user', answers: { 204: empty() }, errors: { 404: NO_KEY } })
  async remove(@CurrentUser() user: User, @Param('key') id: string): Promise<void> {
    await this.keys.remove(user, id);
  }
}
