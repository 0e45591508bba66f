import { Column, Entity, PrimaryColumn } from 'typeorm';
import { counter } from '../database/counter.ts';
import { Sealed } from '../database/sealed.decorator.ts';
import type { Cause } from './cause.ts';

export type OperationKind = 'deploy' | 'scale' | 'restart' | 'routing' | 'destroy' | 'heal';
/** Under what an outcome has the words that are about no process type: the whole app, and the facts that were undone. No type is called so. */
export const WHOLE_APP = '(app)';
export const FACTS = '(facts)';

export type OperationState = 'pending' | 'running' | 'succeeded' | 'failed' | 'superseded';

/** The work of bringing one app's cluster objects to what is recorded. At most one runs and one waits for each app. */
@Entity('operations')
export class Operation {
  @PrimaryColumn('uuid')
  uuid!: string;

  @Column('uuid', { name: 'app_uuid' })
  appUuid!: string;

  @Column('text', { name: 'app_id' })
  appId!: string;

  @Column('text')
  kind!: OperationKind;

  @Column('text')
  state!: OperationState;

  /** The app's generation it covers; while it runs, the one that was read when it was claimed. */
  @Column('bigint', { transformer: counter })
  generation!: number;

  /** The release it rolls out, once claimed. */
  @Column('integer', { nullable: true })
  release!: number | null;

  /** Whether it may cut short the roll-out that runs: destroy and rollback. */
  @Column('boolean', { default: false })
  cuts!: boolean;

  /** Whether it also looks at what no watch shows: Secrets, quotas. A scale or restart alone doesn't need to. */
  @Column('boolean', { default: true })
  unwatched!: boolean;

  /** Whether it follows a roll-out that was cut short; such a one is not cut short again but by a destroy. */
  @Column('boolean', { name: 'after_cut', default: false })
  afterCut!: boolean;

  @Column('uuid', { name: 'superseded_by', nullable: true })
  supersededBy!: string | null;

  /** Whether a round failed, and it goes back to what was good: `cause` and `outcome` say what failed then. */
  @Column('boolean', { default: false })
  restoring!: boolean;

  /** What it is doing, in a word. */
  @Column('text', { nullable: true })
  step!: string | null;

  /** Why it failed, or what holds it up. */
  @Sealed('operation.cause', { json: true })
  @Column('text', { nullable: true })
  cause!: Cause | null;

  /** What became of the scales in it, by process type, when some failed: the words to answer with. */
  @Sealed('operation.outcome', { json: true })
  @Column('text', { nullable: true })
  outcome!: Record<string, { status: number; message: string }> | null;

  /** How often it was started; more than one after a crash or while the cluster is out of reach. */
  @Column('integer', { default: 0 })
  attempts!: number;

  /** How often in a row a bug ended such a start. */
  @Column('integer', { default: 0 })
  bugs!: number;

  /** Milliseconds for which its roll-out has been waited for, as of the last renewal: its deadline counts them. */
  @Column('integer', { default: 0 })
  waited!: number;

  @Column('timestamptz', { default: () => 'now()' })
  due!: Date;

  @Column('text', { name: 'lease_owner', nullable: true })
  leaseOwner!: string | null;

  /** Fencing: every write of an owner is conditional on the token that its claim drew. */
  @Column('bigint', { name: 'lease_token', transformer: counter, default: 0 })
  leaseToken!: number;

  @Column('timestamptz', { name: 'lease_expires', nullable: true })
  leaseExpires!: Date | null;

  @Column('timestamptz', { default: () => 'now()' })
  created!: Date;

  @Column('timestamptz', { nullable: true })
  started!: Date | null;

  @Column('timestamptz', { nullable: true })
  finished!: Date | null;
}
