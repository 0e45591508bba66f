import { Column, Entity, JoinColumn, ManyToOne, type Relation } from 'typeorm';
import { ClusterFact } from '../deploy/cluster-fact.entity.ts';
import { User } from '../users/user.entity.ts';

/** A host name that routes to an app, in ACE form. */
@Entity('domains')
export class Domain extends ClusterFact {
  @ManyToOne(() => User)
  @JoinColumn({ name: 'owner_id' })
  owner!: Relation<User>;

  @Column('integer', { name: 'owner_id' })
  ownerId!: number;

  @Column('text', { unique: true })
  domain!: string;

  @Column('timestamptz', { default: () => 'now()' })
  created!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updated!: Date;
}
