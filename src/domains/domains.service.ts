import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { AuditTrail } from '../audit/audit-trail.ts';
import { App } from '../apps/app.entity.ts';
import { listed } from '../database/listing.ts';
import { violatedConstraint } from '../database/violated-constraint.ts';
import { Changes } from '../deploy/changes.ts';
import { OperationQueue } from '../deploy/operation-queue.ts';
import { Submissions } from '../deploy/submissions.ts';
import { AppEvents } from '../events/app-events.ts';
import { InvalidFields, NotFound } from '../http/errors.ts';
import type { Page, Paging } from '../http/paging.ts';
import type { Submitted } from '../http/submitted.ts';
import { IdempotencyKeys } from '../idempotency/idempotency-keys.ts';
import { AppLog } from '../logs/app-log.ts';
import { Settings } from '../settings/settings.ts';
import type { User } from '../users/user.entity.ts';
import { domainName, isSpelledAs } from './domain-name.ts';
import type { ShownDomain } from './domain.response.ts';
import { Domain } from './domain.entity.ts';

const RESERVED = 'This is a reserved domain';

/** The host names that lead to apps. */
@Injectable()
export class DomainsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes: Changes,
    private readonly queue: OperationQueue,
    private readonly submissions: Submissions,
    private readonly appLog: AppLog,
    private readonly audit: AuditTrail,
    private readonly events: AppEvents,
    private readonly keys: IdempotencyKeys,
    private readonly settings: Settings,
  ) {}

  /** By name. One statement. */
  async list(app: App, paging: Paging): Promise<Page<ShownDomain>> {
    const listing = {
      columns: 'domain.domain, domain.created, domain.updated, owner.username AS owner',
      table: 'domains',
      alias: 'domain',
      join: 'JOIN users owner ON owner.id = domain.owner_id',
      where: 'domain.app_uuid = $1',
      // the same order everywhere, whatever the database's language
      order: 'domain.domain COLLATE "C"',
      values: [app.uuid],
    };
    const { count, rows } = await listed(this.dataSource.manager, listing, paging);
    return paging.page(
      count,
      rows.map(({ owner, ...row }) => ({ ...(row as Omit<ShownDomain, 'owner'>), owner: { username: owner as string } })),
    );
  }

  /**
   * Routes a host name to the app.
   * @param written the name in any spelling
   * @throws InvalidFields for what is no host name, reserved or in use; when settled, what the cluster refused it for
   */
  async add(app: App, owner: User, written: string): Promise<Submitted<Domain>> {
    const { ace, fault } = domainName(written);
    if (fault !== undefined) throw new InvalidFields({ domain: [fault] });
    if (this.isReserved(ace)) throw new InvalidFields({ domain: [RESERVED] });
    const now = new Date();
    try {
      const change = await this.changes.commit(app.uuid, async ({ manager, generation }) => {
        if (await this.belongsToAnother(manager, app, ace)) throw inUse(ace, written);
        const ids = { uuid: randomUUID(), appUuid: app.uuid, ownerId: owner.id };
        const domain = manager.create(Domain, { ...ids, owner, domain: ace, generation, settled: false, created: now, updated: now });
        await manager.insert(Domain, domain);
        await this.appLog.write(manager, app.uuid, `domain ${ace} added`);
        await this.events.write(manager, app.uuid, 'domain', { by: owner.username, action: 'added', domain: ace });
        return { value: domain, cluster: { kind: 'routing' }, audit: { object: `domain:${ace}`, after: { domain: ace } } };
      });
      return this.submissions.routed(change, app, change.value, () => change.value);
    } catch (error) {
      // the database alone can tell, with others adding at the same time
      if (violatedConstraint(error) !== 'domains_domain_key') throw error;
      const joined = await this.join(app, owner, ace);
      if (!joined) throw inUse(ace, written);
      return joined;
    }
  }

  /** @param written the name in any spelling; @throws NotFound */
  async remove(app: App, user: User, written: string): Promise<Submitted<void>> {
    const { ace } = domainName(written);
    if (ace === undefined) throw NotFound.of('Domain');
    const change = await this.changes.commit(app.uuid, async ({ manager }) => {
      // its certificate's attachment goes with the row
      const { affected } = await manager.delete(Domain, { appUuid: app.uuid, domain: ace });
      if (affected !== 1) throw NotFound.of('Domain');
      await this.appLog.write(manager, app.uuid, `domain ${ace} removed`);
      await this.events.write(manager, app.uuid, 'domain', { by: user.username, action: 'removed', domain: ace });
      return { value: undefined, cluster: { kind: 'routing' }, audit: { object: `domain:${ace}`, before: { domain: ace } } };
    });
    return this.submissions.routed(change, app, null, () => undefined);
  }

  /** Whoever repeats an addition that isn't over, because an answer got lost or took too long, gets its outcome. */
  private async join(app: App, owner: User, domain: string): Promise<Submitted<Domain> | null> {
    const pending = { domain, appUuid: app.uuid, ownerId: owner.id, settled: false };
    const row = await this.dataSource.manager.findOne(Domain, { where: pending, relations: { owner: true } });
    const open = row && (await this.queue.covering(app.uuid, row.generation));
    if (!open) return null;
    const same = { domain };
    const change = { operation: open.uuid, generation: row.generation };
    await this.dataSource.transaction(async (manager) => {
      await this.audit.record(manager, { object: `domain:${domain}`, app, before: same, after: same });
      await this.keys.remember(manager, { ...change, value: row });
    });
    return this.submissions.routed(change, app, row, () => row);
  }

  /** Whether it is the default domain of another app. It is kept for that one even while it is removed. */
  private async belongsToAnother(manager: EntityManager, app: App, domain: string): Promise<boolean> {
    const id = this.appOf(domain);
    return id !== null && id !== app.id && manager.existsBy(App, { id });
  }

  /**
   * Whether it is the platform's own: its API, where tokens are sent, its builder, and what else was reserved. A wildcard takes what the
   * reserved host doesn't answer itself, at some ingress controllers.
   */
  private isReserved(domain: string): boolean {
    const { reservedNames, reservedDomains } = this.settings;
    const covers = (host: string): boolean => host === domain || (domain.startsWith('*.') && host.endsWith(domain.slice(1)));
    return reservedNames.includes(this.appOf(domain) ?? '') || reservedDomains.some(covers);
  }

  /** Id of the app, whether there is one or not, that has such a default domain; null for a domain that is no app's default. */
  private appOf(domain: string): string | null {
    const suffix = `.${this.settings.platformDomain}`;
    return domain.endsWith(suffix) ? domain.slice(0, -suffix.length) : null;
  }
}

const inUse = (ace: string, written: string): InvalidFields =>
  new InvalidFields({
    domain: [
      isSpelledAs(ace, written)
        ? 'Domain is already in use by another application'
        : `The domain ${written} is already in use by another app`,
    ],
  });
