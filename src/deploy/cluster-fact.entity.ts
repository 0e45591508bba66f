import { Column, PrimaryColumn } from 'typeorm';
import { counter } from '../database/counter.ts';

/**
 * A row that the cluster follows, such as a domain. Written by a change of the app, with that change's generation; the engine marks it
 * `settled` once the cluster shows it, and takes it away again when the cluster refuses what it asks for.
 */
export abstract class ClusterFact {
  @PrimaryColumn('uuid')
  uuid!: string;

  @Column('uuid', { name: 'app_uuid' })
  appUuid!: string;

  /** The app's generation that wrote it: of several that follow each other, such as settings, the highest holds. */
  @Column('bigint', { transformer: counter })
  generation!: number;

  /** Whether it was in the cluster once. */
  @Column('boolean', { default: false })
  settled!: boolean;
}
