import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, type SelectQueryBuilder } from 'typeorm';
import { AuditTrail } from '../audit/audit-trail.ts';
import { violatedConstraint } from '../database/violated-constraint.ts';
import { Submissions } from '../deploy/submissions.ts';
import { Conflict, InvalidFields, NotFound } from '../http/errors.ts';
import type { Page, Paging } from '../http/paging.ts';
import { Submitted } from '../http/submitted.ts';
import type { User } from '../users/user.entity.ts';
import { Attachment } from './attachment.entity.ts';
import { AttachmentsService } from './attachments.service.ts';
import { certificateFacts } from './certificate-facts.ts';
import { Certificate } from './certificate.entity.ts';
import { mayOwnCertificate } from './certs.rights.ts';

/** A certificate with its owner, but without its PEM and key, and the domains that it is on, sorted. */
export interface CertificateView {
  certificate: Certificate;
  domains: string[];
}

const TAKEN = 'certificate with this name already exists.';

/** How often a certificate that goes is taken off domains that it was put on meanwhile. */
const TRIES = 5;

/** Everything but the PEM and the key, which few need and which cost a decryption. */
const SHOWN = [
  'uuid',
  'id',
  'ownerId',
  'name',
  'commonName',
  'san',
  'fingerprint',
  'starts',
  'expires',
  'issuer',
  'subject',
  'created',
  'updated',
] as const satisfies (keyof Certificate)[];

/** Certificates and their keys, which belong to users. */
@Injectable()
export class CertsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly submissions: Submissions,
    private readonly attachments: AttachmentsService,
    private readonly audit: AuditTrail,
  ) {}

  /** The user's own by name; for administrators all. Two statements. */
  async list(user: User, paging: Paging): Promise<Page<CertificateView>> {
    const query = this.query();
    if (!user.isSuperuser) query.where({ ownerId: user.id });
    const count = await query.getCount();
    // the same order everywhere, whatever the database's language
    query.orderBy('certificate.name COLLATE "C"').offset(paging.offset).limit(paging.limit);
    return paging.page(count, await views(query));
  }

  /** @throws NotFound also for another's */
  async get(user: User, name: string): Promise<CertificateView> {
    const [view] = await views(this.query().where({ name }));
    if (!view || !mayOwnCertificate(user, view.certificate)) throw NotFound.of('Certificate');
    return view;
  }

  /**
   * @param pem certificate and key without faults
   * @throws InvalidFields when the name is taken
   */
  async create(owner: User, name: string, pem: Pick<Certificate, 'certificate' | 'key'>): Promise<CertificateView> {
    const { manager } = this.dataSource;
    const facts = certificateFacts(pem.certificate);
    const certificate = manager.create(Certificate, { uuid: randomUUID(), ownerId: owner.id, name, ...pem, ...facts });
    try {
      await this.dataSource.transaction(async (tx) => {
        await tx.insert(Certificate, certificate);
        await this.audit.record(tx, { object: `cert:${name}`, after: audited(certificate) });
      });
    } catch (error) {
      if (violatedConstraint(error) === 'certificates_name_key') throw new InvalidFields({ name: [TAKEN] });
      throw error;
    }
    return this.get(owner, name);
  }

  /**
   * Takes a certificate off all its domains, then away. Killed in between, it is the same to be asked again.
   * @throws Conflict when it is put on domains faster than it can be taken off
   */
  async remove(user: User, certificate: Certificate): Promise<Submitted<void>> {
    const detached: Submitted<void>[] = [];
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      detached.push(...(await this.attachments.detachAll(user, certificate)));
      if (await this.removeRow(certificate)) return this.allOf(detached);
    }
    throw new Conflict('The certificate is being attached to domains: try again');
  }

  /** @returns false while it is on a domain */
  private async removeRow(certificate: Certificate): Promise<boolean> {
    const { uuid, name } = certificate;
    return this.dataSource.transaction(async (manager) => {
      // from here on it can't be attached: that would have to lock this row too
      await manager.query('SELECT FROM certificates WHERE uuid = $1 FOR UPDATE', [uuid]);
      if (await manager.existsBy(Attachment, { certificateUuid: uuid })) return false;
      await manager.delete(Certificate, { uuid });
      await this.audit.record(manager, { object: `cert:${name}`, before: audited(certificate) });
      return true;
    });
  }

  /** One that waits for all; the operation that a caller can watch is the first app's. */
  private allOf(changes: Submitted<void>[]): Submitted<void> {
    const [first] = changes;
    if (!first) return this.submissions.of(null, () => undefined);
    const settle = async (): Promise<void> => {
      await Promise.all(changes.map((change) => change.settle()));
    };
    return new Submitted(first.operation, settle, first.describe);
  }

  private query(): SelectQueryBuilder<Certificate> {
    return this.dataSource.manager
      .createQueryBuilder(Certificate, 'certificate')
      .select(SHOWN.map((property) => `certificate.${property}`))
      .innerJoin('certificate.owner', 'owner')
      .addSelect(['owner.id', 'owner.username']);
  }
}

/** As the audit log has it. */
const audited = ({ name, commonName, san, fingerprint }: Certificate): object => ({ name, common_name: commonName, san, fingerprint });

/** One statement. */
async function views(query: SelectQueryBuilder<Certificate>): Promise<CertificateView[]> {
  const { entities, raw } = await query
    .addSelect(
      `(SELECT coalesce(json_agg(d.domain ORDER BY d.domain COLLATE "C"), '[]')
        FROM attachments a JOIN domains d ON d.uuid = a.domain_uuid WHERE a.certificate_uuid = certificate.uuid)`,
      'domains',
    )
    .getRawAndEntities<{ domains: string[] }>();
  return entities.map((certificate, index) => ({ certificate, domains: raw[index]?.domains ?? [] }));
}
