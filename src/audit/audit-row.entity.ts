import { Column, Entity, OneToOne, PrimaryGeneratedColumn, type Relation } from 'typeorm';
import { AuditSeal } from './audit-seal.entity.ts';

/** Of the row that a mutation adds: `committed`. Of the row that tells what its request was answered with, and of one that was refused: the others. */
export const auditOutcomes = ['committed', 'succeeded', 'accepted', 'refused', 'failed'] as const;
export type AuditOutcome = (typeof auditOutcomes)[number];

/** Something that somebody did, or was kept from. Rows are only ever added. */
@Entity('audit_rows')
export class AuditRow {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id!: string;

  @Column('timestamptz', { default: () => 'clock_timestamp()' })
  time!: Date;

  /** Username; null: nobody, or not known. */
  @Column('text', { nullable: true })
  actor!: string | null;

  @Column('text', { nullable: true })
  address!: string | null;

  @Column('text', { name: 'request_id', nullable: true })
  requestId!: string | null;

  @Column('text')
  action!: string;

  /** `<kind>:<name>`, e.g. `app:peachy-waxworks`. */
  @Column('text', { nullable: true })
  object!: string | null;

  /** Of the app that it is about. Another one may get its id later. */
  @Column('uuid', { name: 'app_uuid', nullable: true })
  appUuid!: string | null;

  /** Its id. */
  @Column('text', { nullable: true })
  app!: string | null;

  @Column('jsonb', { nullable: true })
  before!: object | null;

  @Column('jsonb', { nullable: true })
  after!: object | null;

  @Column('text')
  outcome!: AuditOutcome;

  /** Null until it is sealed. */
  @OneToOne(() => AuditSeal, (seal) => seal.row)
  seal?: Relation<AuditSeal> | null;
}
