import { Column, Entity, JoinColumn, ManyToOne, type Relation } from 'typeorm';
import { ClusterFact } from '../deploy/cluster-fact.entity.ts';
import { User } from '../users/user.entity.ts';

/** The bounds between which the cluster itself decides how many pods of a process type run. The names are the wire's. */
export interface Autoscale {
  min: number;
  max: number;
  cpu_percent: number;
}

/** One state of an app's settings: a full merged copy; the row of the highest generation holds. */
@Entity('app_settings')
export class AppSettings extends ClusterFact {
  @ManyToOne(() => User)
  @JoinColumn({ name: 'owner_id' })
  owner!: Relation<User>;

  @Column('integer', { name: 'owner_id' })
  ownerId!: number;

  @Column('boolean', { default: false })
  maintenance!: boolean;

  @Column('boolean', { default: true })
  routable!: boolean;

  @Column('jsonb', { default: [] })
  whitelist!: string[];

  /** By process type. */
  @Column('jsonb', { default: {} })
  autoscale!: Record<string, Autoscale>;

  @Column('jsonb', { default: {} })
  label!: Record<string, string>;

  @Column('timestamptz', { default: () => 'now()' })
  created!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updated!: Date;
}
