import { Column, Entity } from 'typeorm';
import { ClusterFact } from '../../src/deploy/cluster-fact.entity.ts';

/** Whom to call about an app, for one purpose. The cluster may refuse it: then the row goes again. */
@Entity('ops_contacts')
export class Contact extends ClusterFact {
  /** What for: `on-call`, `owner`, `security` … One contact of an app for each. */
  @Column('text')
  role!: string;

  /** Email address; null: none, then there is a phone number. */
  @Column('text', { nullable: true })
  email!: string | null;

  /** As one dials it; null: none, then there is an email address. */
  @Column('text', { nullable: true })
  phone!: string | null;

  @Column('timestamptz', { default: () => 'now()' })
  created!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updated!: Date;
}
