import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { Build } from '../builds/build.entity.ts';
import { Config } from '../config/config.entity.ts';
import { Sealed } from '../database/sealed.decorator.ts';
import { User } from '../users/user.entity.ts';
import type { Change } from './change.ts';

export type ReleaseState = 'pending' | 'deploying' | 'succeeded' | 'failed' | 'superseded';

/** A numbered change of an app: to its config, its build, or back to an earlier release. */
@Entity('releases')
export class Release {
  @PrimaryColumn('uuid')
  uuid!: string;

  @Column('uuid', { name: 'app_uuid' })
  appUuid!: string;

  @ManyToOne(() => User)
  @JoinColumn({ name: 'owner_id' })
  owner!: Relation<User>;

  @Column('integer', { name: 'owner_id' })
  ownerId!: number;

  @Column('integer')
  version!: number;

  @Column('text')
  state!: ReleaseState;

  @Column('text')
  summary!: string;

  @ManyToOne(() => Build, { nullable: true })
  @JoinColumn({ name: 'build_uuid' })
  build!: Relation<Build> | null;

  @Column('uuid', { name: 'build_uuid', nullable: true })
  buildUuid!: string | null;

  @ManyToOne(() => Config)
  @JoinColumn({ name: 'config_uuid' })
  config!: Relation<Config>;

  @Column('uuid', { name: 'config_uuid' })
  configUuid!: string;

  /** What this release itself changed, so that it can be folded again onto another head. */
  @Sealed('release.change', { json: true })
  @Column('text')
  change!: Change;

  /** Counts by process type that become the structure when this release succeeds; set when its roll-out is claimed. */
  @Column('jsonb', { nullable: true })
  structure!: Record<string, number> | null;

  /** The HTTP status that a failure is answered with; null unless failed. */
  @Column('integer', { name: 'failure_status', nullable: true })
  failureStatus!: number | null;

  /** Why it failed, in words, as people see it; null unless failed. */
  @Sealed('release.exception')
  @Column('text', { nullable: true })
  exception!: string | null;

  @Column('timestamptz', { default: () => 'now()' })
  created!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updated!: Date;
}
