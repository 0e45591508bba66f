import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** Narrows a product for its users who are in the group. */
@Entity('groups')
export class Group {
  @PrimaryColumn('uuid')
  uuid!: string;

  @Column('uuid', { name: 'product_uuid' })
  productUuid!: string;

  /** Unique in its product. */
  @Column('text')
  name!: string;

  @Column('text', { default: '' })
  description!: string;

  /** Process types that they may scale and restart; empty: all. */
  @Column('jsonb', { default: [] })
  types!: string[];

  @CreateDateColumn({ type: 'timestamptz' })
  created!: Date;
}

/** An app of a group, which is one of its product. */
@Entity('group_apps')
export class GroupApp {
  @PrimaryColumn('uuid', { name: 'group_uuid' })
  groupUuid!: string;

  @Column('uuid', { name: 'product_uuid' })
  productUuid!: string;

  @PrimaryColumn('uuid', { name: 'app_uuid' })
  appUuid!: string;
}
