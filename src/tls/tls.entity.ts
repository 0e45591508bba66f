import { Column, Entity, JoinColumn, ManyToOne, type Relation } from 'typeorm';
import { ClusterFact } from '../deploy/cluster-fact.entity.ts';
import { User } from '../users/user.entity.ts';

/** One state of an app's TLS switches; the row of the highest generation holds. Null: never set. */
@Entity('tls')
export class Tls extends ClusterFact {
  @ManyToOne(() => User)
  @JoinColumn({ name: 'owner_id' })
  owner!: Relation<User>;

  @Column('integer', { name: 'owner_id' })
  ownerId!: number;

  @Column('boolean', { name: 'https_enforced', nullable: true })
  httpsEnforced!: boolean | null;

  @Column('boolean', { name: 'certs_auto_enabled', nullable: true })
  certsAutoEnabled!: boolean | null;

  @Column('timestamptz', { default: () => 'now()' })
  created!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updated!: Date;
}
