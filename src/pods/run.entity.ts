import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { App } from '../apps/app.entity.ts';
import { Sealed } from '../database/sealed.decorator.ts';
import { User } from '../users/user.entity.ts';

/** `timed_out`: it did not start, or not end, in time. `lost`: its pod went before it ended. */
export type RunState = 'pending' | 'running' | 'finished' | 'timed_out' | 'lost';

/**
 * A one-off command. The row comes before its pod, so that the pod is made once at most. As long as the row has a lease there may be a
 * pod: whoever holds the lease sees the run to its end and takes the pod away.
 */
@Entity('runs')
export class Run {
  @PrimaryColumn('uuid')
  uuid!: string;

  @ManyToOne(() => App)
  @JoinColumn({ name: 'app_uuid' })
  app!: Relation<App>;

  @Column('uuid', { name: 'app_uuid' })
  appUuid!: string;

  @ManyToOne(() => User)
  @JoinColumn({ name: 'owner_id' })
  owner!: Relation<User>;

  /** Who runs it. */
  @Column('integer', { name: 'owner_id' })
  ownerId!: number;

  /** Version of the release that it runs. */
  @Column('integer')
  release!: number;

  /** Name of its pod. */
  @Column('text')
  pod!: string;

  @Sealed('run.command')
  @Column('text')
  command!: string;

  @Column('text')
  state!: RunState;

  /** Null unless the command ended, or could not start. */
  @Column('integer', { name: 'exit_code', nullable: true })
  exitCode!: number | null;

  @Sealed('run.output')
  @Column('text', { nullable: true })
  output!: string | null;

  /** Whether the output is only the beginning of what was printed. */
  @Column('boolean', { default: false })
  truncated!: boolean;

  /** The process that sees to it; null when it is over and its pod gone. */
  @Column('text', { name: 'lease_owner', nullable: true })
  leaseOwner!: string | null;

  @Column('timestamptz', { name: 'lease_expires', nullable: true })
  leaseExpires!: Date | null;

  @Column('timestamptz', { default: () => 'now()' })
  created!: Date;

  @Column('timestamptz', { nullable: true })
  started!: Date | null;

  @Column('timestamptz', { nullable: true })
  finished!: Date | null;
}
