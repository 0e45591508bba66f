import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** A line of business: a set of apps, and the users who work on them. */
@Entity('products')
export class Product {
  @PrimaryColumn('uuid')
  uuid!: string;

  @Column('text', { unique: true })
  name!: string;

  @Column('text', { default: '' })
  description!: string;

  @CreateDateColumn({ type: 'timestamptz' })
  created!: Date;
}

/** An app of a product. */
@Entity('product_apps')
export class ProductApp {
  @PrimaryColumn('uuid', { name: 'product_uuid' })
  productUuid!: string;

  @PrimaryColumn('uuid', { name: 'app_uuid' })
  appUuid!: string;
}
