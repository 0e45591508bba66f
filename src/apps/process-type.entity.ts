import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { counter } from '../database/counter.ts';
import { App } from './app.entity.ts';

/** One line of an app's structure: how many pods of a process type shall run. */
@Entity('process_types')
export class ProcessType {
  @PrimaryColumn('uuid', { name: 'app_uuid' })
  appUuid!: string;

  @PrimaryColumn('text')
  type!: string;

  @ManyToOne(() => App, (app) => app.processTypes, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'app_uuid' })
  app!: Relation<App>;

  @Column('integer')
  count!: number;

  /** `ps:stop` sets the cluster to 0 without touching the count. */
  @Column('boolean', { default: false })
  stopped!: boolean;

  /** The stamp of the last rolling restart. */
  @Column('timestamptz', { name: 'restarted_at', nullable: true })
  restartedAt!: Date | null;

  /** The app's generation that last changed this row. */
  @Column('bigint', { transformer: counter })
  generation!: number;

  /** Count and stop that last came up in the cluster: what a failed scale goes back to. */
  @Column('integer', { name: 'settled_count' })
  settledCount!: number;

  @Column('boolean', { name: 'settled_stopped', default: false })
  settledStopped!: boolean;
}
