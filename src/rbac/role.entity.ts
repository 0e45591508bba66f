import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** What the holder of a role may administer. */
export const Tag = { superuser: 0, commonUser: 1, product: 2, user: 3, acl: 4 } as const;
export type Tag = (typeof Tag)[keyof typeof Tag];

/** A name for one of the five standings. */
@Entity('roles')
export class Role {
  @PrimaryColumn('uuid')
  uuid!: string;

  @Column('text', { unique: true })
  name!: string;

  @Column('text', { default: '' })
  description!: string;

  @Column('smallint')
  tag!: Tag;

  /** From the first migration, one a tag: it can't be deleted. */
  @Column('boolean', { name: 'built_in', default: false })
  builtIn!: boolean;

  @CreateDateColumn({ type: 'timestamptz' })
  created!: Date;
}
