import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { User } from '../users/user.entity.ts';

/** Something to run: an image and the commands of its process types. */
@Entity('builds')
export class Build {
  @PrimaryColumn('uuid')
  uuid!: string;

  @Column('uuid', { name: 'app_uuid' })
  appUuid!: string;

  @ManyToOne(() => User)
  @JoinColumn({ name: 'owner_id' })
  owner!: Relation<User>;

  @Column('integer', { name: 'owner_id' })
  ownerId!: number;

  @Column('text')
  image!: string;

  @Column('text', { default: '' })
  sha!: string;

  /** Command by process type. */
  @Column('jsonb', { default: {} })
  procfile!: Record<string, string>;

  @Column('text', { default: '' })
  dockerfile!: string;

  @Column('text', { default: '' })
  stack!: string;

  @Column('timestamptz', { default: () => 'now()' })
  created!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updated!: Date;
}
