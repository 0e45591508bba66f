import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { AppAccesses } from '../apps/app-accesses.ts';
import { App } from '../apps/app.entity.ts';
import { mayUse } from '../apps/app.rights.ts';
import { Changes } from '../deploy/changes.ts';
import { OperationQueue } from '../deploy/operation-queue.ts';
import { Submissions } from '../deploy/submissions.ts';
import { domainName } from '../domains/domain-name.ts';
import { Domain } from '../domains/domain.entity.ts';
import { AppEvents } from '../events/app-events.ts';
import { ApiError, Conflict, Forbidden, NotFound } from '../http/errors.ts';
import type { Submitted } from '../http/submitted.ts';
import { AppLog } from '../logs/app-log.ts';
import type { User } from '../users/user.entity.ts';
import { Attachment } from './attachment.entity.ts';
import { covers } from './certificate-facts.ts';
import { Certificate } from './certificate.entity.ts';

const ATTACHED = 'Domain already has a certificate attached to it';

const ROUTING = { kind: 'routing' } as const;

/** An attachment, and the operation that brings it already if it isn't new. */
interface Attached {
  attachment: Attachment;
  joined: string | null;
}

/** Which certificate is on which domain. */
@Injectable()
export class AttachmentsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly accesses: AppAccesses,
    private readonly changes: Changes,
    private readonly queue: OperationQueue,
    private readonly submissions: Submissions,
    private readonly appLog: AppLog,
    private readonly events: AppEvents,
  ) {}

  /**
   * Puts a certificate on a domain. Repeated before the cluster shows it, it joins what is under way.
   * @param written the domain, in whatever spelling
   * @throws NotFound for an unknown domain, Forbidden unless the user may use its app, Conflict if there is a certificate on it
   */
  async attach(user: User, { uuid, name, san }: Certificate, written: string): Promise<Submitted<void>> {
    const { domain, app } = await this.find(user, written);
    const [object, domains] = [`cert:${name}`, { domains: [domain.domain] }];
    const { value, operation } = await this.changes.commit<Attached>(app.uuid, async ({ manager, generation }) => {
      // the lock keeps it from being removed meanwhile
      const lock = { mode: 'for_key_share' } as const;
      if (!(await manager.findOne(Certificate, { select: { uuid: true }, where: { uuid }, lock }))) throw NotFound.of('Certificate');
      if (!(await manager.existsBy(Domain, { uuid: domain.uuid }))) throw NotFound.of('Domain');
      const present = await manager.findOneBy(Attachment, { domainUuid: domain.uuid });
      if (present) {
        const joined =
          present.certificateUuid === uuid && !present.settled ? await this.queue.covering(app.uuid, present.generation, manager) : null;
        if (!joined) throw new Conflict(ATTACHED);
        return { value: { attachment: present, joined: joined.uuid }, cluster: null, audit: { object, before: domains, after: domains } };
      }
      const attachment = manager.create(Attachment, {
        uuid: randomUUID(),
        appUuid: app.uuid,
        domainUuid: domain.uuid,
        certificateUuid: uuid,
        generation,
        settled: false,
      });
      await manager.insert(Attachment, attachment);
      const told = { by: user.username, action: 'attached', cert: name, domain: domain.domain } as const;
      await this.events.write(manager, app.uuid, 'cert', told);
      if (!covers({ san }, domain.domain))
        await this.appLog.write(manager, app.uuid, `certificate ${name} does not cover ${domain.domain}`);
      return { value: { attachment, joined: null }, cluster: ROUTING, audit: { object, after: domains } };
    });
    const { attachment, joined } = value;
    return this.submissions.routed({ operation: operation ?? joined, generation: attachment.generation }, app, attachment, () => undefined);
  }

  /** @throws NotFound unless it is on that domain, Forbidden unless the user may use the domain's app */
  async detach(user: User, certificate: Certificate, written: string): Promise<Submitted<void>> {
    const { domain, app } = await this.find(user, written);
    return this.detachFrom(app, user, certificate, domain.uuid);
  }

  /** Takes a certificate off every domain, app by app. @returns one change for each app that something is to be waited for in */
  async detachAll(user: User, certificate: Certificate): Promise<Submitted<void>[]> {
    const { uuid: certificateUuid } = certificate;
    const apps = await this.dataSource.manager
      .createQueryBuilder(App, 'app')
      .where('app.uuid IN (SELECT app_uuid FROM attachments WHERE certificate_uuid = :certificateUuid)', { certificateUuid })
      .orderBy('app.id')
      .getMany();
    const detached: (Submitted<void> | null)[] = [];
    for (const app of apps) {
      if (app.destroying) await this.dataSource.manager.delete(Attachment, { appUuid: app.uuid, certificateUuid });
      else detached.push(await this.detachFrom(app, user, certificate).catch(unlessItGoes));
    }
    return detached.filter((submitted) => submitted !== null);
  }

  /** @throws NotFound when there is nothing to take off */
  private async detachFrom(
    app: App,
    user: User,
    { uuid: certificateUuid, name }: Certificate,
    domainUuid?: string,
  ): Promise<Submitted<void>> {
    const change = await this.changes.commit(app.uuid, async ({ manager }) => {
      const attachments = await manager.find(Attachment, {
        where: { appUuid: app.uuid, certificateUuid, ...(domainUuid !== undefined && { domainUuid }) },
        relations: { domain: true },
        select: { uuid: true, domain: { uuid: true, domain: true } },
      });
      if (attachments.length === 0) throw NotFound.of('Domain');
      for (const { uuid, domain } of attachments) {
        await manager.delete(Attachment, { uuid });
        await this.appLog.write(manager, app.uuid, `tls ${domain.domain} removed`);
        const told = { by: user.username, action: 'detached', cert: name, domain: domain.domain } as const;
        await this.events.write(manager, app.uuid, 'cert', told);
      }
      // also when the certificate goes, which is a thing of its own
      const audit = { action: 'cert.detach', object: `cert:${name}`, before: { domains: attachments.map(({ domain }) => domain.domain) } };
      return { value: undefined, cluster: ROUTING, audit };
    });
    return this.submissions.routed(change, app, null, () => undefined);
  }

  /** A domain with its app. */
  private async find(user: User, written: string): Promise<{ domain: Domain; app: App }> {
    const { ace } = domainName(written);
    const domain = ace === undefined ? null : await this.dataSource.manager.findOneBy(Domain, { domain: ace });
    if (!domain) throw NotFound.of('Domain');
    const access = await this.accesses.findByUuid(domain.appUuid, user);
    if (!access || !mayUse(user, access)) throw new Forbidden();
    return { domain, app: access.app };
  }
}

/** An app that has just begun to go takes its attachments with it, and so may somebody else; the next look finds it gone, or going. */
function unlessItGoes(error: unknown): null {
  if (error instanceof ApiError) return null;
  throw error;
}
