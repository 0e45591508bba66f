import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { Sealed } from '../database/sealed.decorator.ts';
import { User } from '../users/user.entity.ts';
import type { Healthchecks } from './config-content.ts';

/** One state of an app's config: a full merged copy, one a release. */
@Entity('configs')
export class Config {
  @PrimaryColumn('uuid')
  uuid!: string;

  @Column('uuid', { name: 'app_uuid' })
  appUuid!: string;

  @ManyToOne(() => User)
  @JoinColumn({ name: 'owner_id' })
  owner!: Relation<User>;

  @Column('integer', { name: 'owner_id' })
  ownerId!: number;

  /** Environment variables of the app's processes. */
  @Sealed('config.values', { json: true })
  @Column('text')
  values!: Record<string, string>;

  @Column('jsonb', { default: {} })
  memory!: Record<string, string>;

  @Column('jsonb', { default: {} })
  cpu!: Record<string, string>;

  @Column('jsonb', { default: {} })
  tags!: Record<string, string>;

  /** Credentials of a private registry: username, password, hostname. */
  @Sealed('config.registry', { json: true })
  @Column('text')
  registry!: Record<string, string>;

  @Column('jsonb', { default: {} })
  healthcheck!: Healthchecks;

  /** Seconds by process type. */
  @Column('jsonb', { name: 'termination_grace_period', default: {} })
  terminationGracePeriod!: Record<string, string>;

  @Column('jsonb', { name: 'lifecycle_post_start', default: {} })
  lifecyclePostStart!: Record<string, string>;

  @Column('jsonb', { name: 'lifecycle_pre_stop', default: {} })
  lifecyclePreStop!: Record<string, string>;

  @Column('timestamptz', { default: () => 'now()' })
  created!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updated!: Date;
}
