import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What is known of an app's drift. An app that never had any may have no row. */
@Entity('app_drift')
export class AppDrift {
  @PrimaryColumn('uuid', { name: 'app_uuid' })
  appUuid!: string;

  /** Nothing is healed until somebody says so. */
  @Column('boolean', { default: false })
  paused!: boolean;

  /** When all of the app was last looked at by the pass that goes round. */
  @Column('timestamptz', { nullable: true })
  looked!: Date | null;

  /** Hash of what was found last; null: nothing. It tells whether something is new. */
  @Column('text', { nullable: true })
  found!: string | null;

  /** How many objects were found, by kind. */
  @Column('jsonb', { default: {} })
  kinds!: Record<string, number>;

  /** Whether what was found was given to an operation to heal. */
  @Column('boolean', { default: false })
  healing!: boolean;

  /** How often it was healed in a row, without a pause of ten minutes. */
  @Column('integer', { default: 0 })
  heals!: number;

  /** When the last of these operations was asked for. */
  @Column('timestamptz', { nullable: true })
  healed!: Date | null;
}
