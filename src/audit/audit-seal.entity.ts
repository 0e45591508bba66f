import { Column, Entity, JoinColumn, OneToOne, PrimaryColumn, type Relation } from 'typeorm';
import { counter } from '../database/counter.ts';
import { AuditRow } from './audit-row.entity.ts';

/** The place of a row in the chain, and the hash that binds it to the row before. Seals are only ever added. */
@Entity('audit_seals')
export class AuditSeal {
  /** From 1 on, without gaps. */
  @PrimaryColumn('bigint', { transformer: counter })
  sequence!: number;

  @OneToOne(() => AuditRow, (row) => row.seal)
  @JoinColumn({ name: 'row_id' })
  row!: Relation<AuditRow>;

  /** Hex; see `hashOf`. */
  @Column('text')
  hash!: string;
}
