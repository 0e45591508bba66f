import { Body, Controller, Delete, Get, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { App } from '../../src/apps/app.entity.ts';
import { CurrentApp } from '../../src/auth/current.ts';
import { Paged, pageOf, Paging, type Page } from '../../src/http/paging.ts';
import { empty, json, Route } from '../../src/http/route.ts';
import type { Submitted } from '../../src/http/submitted.ts';
import { contactExample, contactResponse, ContactResponse } from './contact.response.ts';
import { ContactsService } from './contacts.service.ts';
import { RemoveContactDto, SetContactDto } from './set-contact.dto.ts';

@ApiTags('contacts')
@Controller('v2/apps/:app/contacts')
export class ContactsController {
  constructor(private readonly contacts: ContactsService) {}

  @Get()
  @Route({
    summary: 'List whom to call about an app, by role',
    action: 'contact.list',
    rule: 'app:use',
    answers: { 200: json(pageOf(ContactResponse), { count: 1, next: null, previous: null, results: [contactExample] }) },
    errors: {},
  })
  async list(@CurrentApp() app: App, @Paged() paging: Paging): Promise<Page<ContactResponse>> {
    const page = await this.contacts.list(app, paging);
    return { ...page, results: page.results.map((contact) => contactResponse(app.id, contact)) };
  }

  @Put()
  @Route({
    summary: 'Say whom to call about an app',
    description: 'There is one contact for each role. What is left out of it is taken away.',
    action: 'contact.set',
    rule: 'app:use',
    answers: { 200: json(ContactResponse, contactExample) },
    errors: {
      400: 'A field is missing or wrong, or the cluster refused what it asks for.',
      409: 'The app is being destroyed.',
    },
    waits: true,
  })
  async set(@CurrentApp() app: App, @Body() contact: SetContactDto): Promise<Submitted<ContactResponse>> {
    return (await this.contacts.set(app, contact)).map((set) => contactResponse(app.id, set));
  }

  @Delete()
  @Route({
    summary: 'Take the contact of a role away',
    action: 'contact.remove',
    rule: 'app:own',
    answers: { 204: empty() },
    errors: {
      404: 'There is no such app, or it has no contact of that role.',
      409: 'The app is being destroyed.',
    },
    waits: true,
  })
  async remove(@CurrentApp() app: App, @Body() { role }: RemoveContactDto): Promise<Submitted<void>> {
    return this.contacts.remove(app, role);
  }
}
