import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { User } from '../users/user.entity.ts';

/** An SSH public key by which the builder tells who pushes. */
@Entity('keys')
export class Key {
  @PrimaryColumn('uuid')
  uuid!: string;

  /** The name that people give it, nearly always `user@host`. */
  @Column('text', { unique: true })
  id!: string;

  @ManyToOne(() => User)
  @JoinColumn({ name: 'owner_id' })
  owner!: Relation<User>;

  @Column('integer', { name: 'owner_id' })
  ownerId!: number;

  /** `<type> <base64> [comment]`. */
  @Column('text')
  public!: string;

  /** MD5 of the key itself: lower-case hex pairs joined by colons. */
  @Column('text', { unique: true })
  fingerprint!: string;

  /** SHA-256 of the key itself, in base64 without padding. */
  @Column('text', { unique: true })
  sha256!: string;

  @Column('timestamptz', { default: () => 'now()' })
  created!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updated!: Date;
}
