import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Sealed } from '../database/sealed.decorator.ts';

/** A deploy hook that waits to be sent: one release, told to one URL. It goes when it was sent or given up. */
@Entity('deploy_hooks')
export class DeployHook {
  @PrimaryColumn('uuid')
  uuid!: string;

  @Column('uuid', { name: 'app_uuid' })
  appUuid!: string;

  /** With its parameters. Administrators put tokens into it. */
  @Sealed('deploy_hook.url')
  @Column('text')
  url!: string;

  /** How often somebody set out to send it. */
  @Column('integer', { default: 0 })
  attempts!: number;

  /** When to send it. While somebody does, when to take him for dead. */
  @Column('timestamptz', { default: () => 'clock_timestamp()' })
  due!: Date;
}
