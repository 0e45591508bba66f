import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import type { App } from '../../src/apps/app.entity.ts';
import { Changes } from '../../src/deploy/changes.ts';
import { Submissions } from '../../src/deploy/submissions.ts';
import { InvalidFields, NotFound } from '../../src/http/errors.ts';
import type { Page, Paging } from '../../src/http/paging.ts';
import type { Submitted } from '../../src/http/submitted.ts';
import { AppLog } from '../../src/logs/app-log.ts';
import { Contact } from './contact.entity.ts';

/** What somebody says of a contact. An empty address is none. */
export interface Given {
  role: string;
  email?: string;
  phone?: string;
}

/** Whom to call about an app. */
@Injectable()
export class ContactsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes: Changes,
    private readonly submissions: Submissions,
    private readonly appLog: AppLog,
  ) {}

  /** By role. Two statements. */
  async list(app: App, paging: Paging): Promise<Page<Contact>> {
    const [contacts, count] = await this.dataSource.manager
      .createQueryBuilder(Contact, 'contact')
      .where('contact.appUuid = :app', { app: app.uuid })
      // the same order everywhere, whatever the database's language
      .orderBy('contact.role COLLATE "C"')
      .offset(paging.offset)
      .limit(paging.limit)
      .getManyAndCount();
    return paging.page(count, contacts);
  }

  /**
   * Makes the contact of a role, or changes it.
   * @throws InvalidFields for one that can't be reached; when settled, what the cluster refused it for
   */
  async set(app: App, { role, ...given }: Given): Promise<Submitted<Contact>> {
    const [email, phone] = [given.email || null, given.phone ?? null];
    if (email === null && phone === null) throw new InvalidFields({ email: ['Give an email address, a phone number, or both.'] });
    const change = await this.changes.commit(app.uuid, async ({ manager, generation }) => {
      const known = await manager.findOneBy(Contact, { appUuid: app.uuid, role });
      const before = known && audited(known);
      const now = new Date();
      const contact = known ?? manager.create(Contact, { uuid: randomUUID(), appUuid: app.uuid, role, settled: false, created: now });
      // one that was in the cluster stays settled: what undoes its making would take away what was there before
      Object.assign(contact, { email, phone, generation, updated: now });
      await manager.save(contact);
      await this.appLog.write(manager, app.uuid, `contact ${role} ${known ? 'changed' : 'added'}`);
      return { value: contact, cluster: { kind: 'routing' }, audit: { object: `contact:${role}`, before, after: audited(contact) } };
    });
    return this.submissions.routed(change, app, change.value, () => change.value);
  }

  /** @throws NotFound for a role without a contact */
  async remove(app: App, role: string): Promise<Submitted<void>> {
    const change = await this.changes.commit(app.uuid, async ({ manager }) => {
      const contact = await manager.findOneBy(Contact, { appUuid: app.uuid, role });
      if (!contact) throw NotFound.of('Contact');
      await manager.delete(Contact, { uuid: contact.uuid });
      await this.appLog.write(manager, app.uuid, `contact ${role} removed`);
      return { value: undefined, cluster: { kind: 'routing' }, audit: { object: `contact:${role}`, before: audited(contact) } };
    });
    return this.submissions.routed(change, app, null, () => undefined);
  }
}

/** Rows of the audit log stay for good, and people may want to be forgotten: how somebody is reached isn't in them, only by what. */
const audited = ({ email, phone }: Contact): object => ({
  reached_by: [...(email === null ? [] : ['email']), ...(phone === null ? [] : ['phone'])],
});
