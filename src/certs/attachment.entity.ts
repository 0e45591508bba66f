import { Column, Entity, JoinColumn, ManyToOne, OneToOne, type Relation } from 'typeorm';
import { ClusterFact } from '../deploy/cluster-fact.entity.ts';
import { Domain } from '../domains/domain.entity.ts';
import { Certificate } from './certificate.entity.ts';

/** A certificate's place on a domain. A domain has one at the most. */
@Entity('attachments')
export class Attachment extends ClusterFact {
  @OneToOne(() => Domain)
  @JoinColumn({ name: 'domain_uuid' })
  domain!: Relation<Domain>;

  @Column('uuid', { name: 'domain_uuid', unique: true })
  domainUuid!: string;

  @ManyToOne(() => Certificate)
  @JoinColumn({ name: 'certificate_uuid' })
  certificate!: Relation<Certificate>;

  @Column('uuid', { name: 'certificate_uuid' })
  certificateUuid!: string;
}
