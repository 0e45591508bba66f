import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** Which one-off commands its users may run in the apps of a product. */
@Entity('acls')
export class Acl {
  @PrimaryColumn('uuid')
  uuid!: string;

  @Column('uuid', { name: 'product_uuid' })
  productUuid!: string;

  /** Unique in its product. */
  @Column('text')
  name!: string;

  @Column('text', { default: '' })
  description!: string;

  /** Globs over the command line. Where there are any, one has to match. */
  @Column('jsonb', { default: [] })
  allow!: string[];

  /** The same; they win. */
  @Column('jsonb', { default: [] })
  deny!: string[];

  @CreateDateColumn({ type: 'timestamptz' })
  created!: Date;
}
