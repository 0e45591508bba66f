import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Sealed } from '../database/sealed.decorator.ts';

/** Under which the text of a line is sealed. */
export const LINE = 'app_log.line';

/** One of the controller's own lines about an app. */
@Entity('app_log_lines')
export class AppLogLine {
  @PrimaryColumn('uuid')
  uuid!: string;

  /** Rises with every line of the platform; gives the order. */
  @Column({ type: 'bigint', insert: false, update: false })
  id!: string;

  @Column('uuid', { name: 'app_uuid' })
  appUuid!: string;

  @Column('timestamptz', { default: () => 'clock_timestamp()' })
  at!: Date;

  @Sealed(LINE)
  @Column('text')
  line!: string;
}
