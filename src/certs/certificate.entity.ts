import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { Sealed } from '../database/sealed.decorator.ts';
import { User } from '../users/user.entity.ts';

/** A TLS certificate with its key. It belongs to a user, not to an app; what is derived from the PEM is stored beside it. */
@Entity('certificates')
export class Certificate {
  @PrimaryColumn('uuid')
  uuid!: string;

  /** The number that clients show. */
  @Column({ type: 'integer', generated: 'identity', insert: false, update: false })
  id!: number;

  @ManyToOne(() => User)
  @JoinColumn({ name: 'owner_id' })
  owner!: Relation<User>;

  @Column('integer', { name: 'owner_id' })
  ownerId!: number;

  @Column('text', { unique: true })
  name!: string;

  /** PEM of the certificate with its chain, as it was given. */
  @Column('text')
  certificate!: string;

  /** PEM of the private key. */
  @Sealed('certificate.key')
  @Column('text')
  key!: string;

  /** CN of the subject; null without one. */
  @Column('text', { name: 'common_name', nullable: true })
  commonName!: string | null;

  /** DNS names of the subject's alternative names, in order. */
  @Column('jsonb')
  san!: string[];

  /** SHA-256 of the DER: upper-case hex pairs joined by colons. */
  @Column('text')
  fingerprint!: string;

  @Column('timestamptz')
  starts!: Date;

  @Column('timestamptz')
  expires!: Date;

  /** `/C=…/CN=…`, with OpenSSL's short names. */
  @Column('text')
  issuer!: string;

  @Column('text')
  subject!: string;

  @Column('timestamptz', { default: () => 'now()' })
  created!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updated!: Date;
}
