import { Column, Entity, JoinColumn, ManyToOne, type Relation } from 'typeorm';
import { ClusterFact } from '../deploy/cluster-fact.entity.ts';
import { User } from '../users/user.entity.ts';

/** A Kubernetes Service of one process type, beside the app's own. */
@Entity('services')
export class Service extends ClusterFact {
  @ManyToOne(() => User)
  @JoinColumn({ name: 'owner_id' })
  owner!: Relation<User>;

  @Column('integer', { name: 'owner_id' })
  ownerId!: number;

  /** One for each type of an app. */
  @Column('text', { name: 'procfile_type' })
  procfileType!: string;

  /** Comma list of regular expressions: the paths that shall go to the type. */
  @Column('text', { name: 'path_pattern' })
  pathPattern!: string;

  @Column('timestamptz', { default: () => 'now()' })
  created!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updated!: Date;
}
