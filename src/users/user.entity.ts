import { Column, Entity, PrimaryGeneratedColumn, VirtualColumn } from 'typeorm';
import { Tag } from '../rbac/role.entity.ts';

/** Somebody who can log in. One row serves both APIs. */
@Entity('users')
export class User {
  @PrimaryGeneratedColumn('identity', { generatedIdentity: 'BY DEFAULT' })
  id!: number;

  /** Of version 1: his id in the user API. */
  @Column('uuid', { unique: true })
  uuid!: string;

  @Column('text', { unique: true })
  username!: string;

  /** An argon2id hash in PHC form. */
  @Column('text', { name: 'password_hash', select: false })
  passwordHash!: string;

  @Column('text', { default: '' })
  email!: string;

  @Column('text', { name: 'first_name', default: '' })
  firstName!: string;

  @Column('text', { name: 'last_name', default: '' })
  lastName!: string;

  /** Of his roles, as the database has them: what he may administer. */
  @VirtualColumn('jsonb', {
    query: (user) =>
      `(SELECT coalesce(jsonb_agg(DISTINCT role.tag), '[]') FROM user_roles held JOIN roles role ON role.uuid = held.role_uuid WHERE held.user_id = ${user}.id)`,
  })
  tags!: readonly Tag[];

  @Column('boolean', { name: 'is_active', default: true })
  isActive!: boolean;

  /** A token is good while its `ver` equals this; adding one ends every older token of the user. */
  @Column('integer', { name: 'token_version', default: 1 })
  tokenVersion!: number;

  @Column('timestamptz', { name: 'last_login', default: () => 'now()' })
  lastLogin!: Date;

  @Column('timestamptz', { name: 'date_joined', default: () => 'now()' })
  dateJoined!: Date;

  get isSuperuser(): boolean {
    return this.tags.includes(Tag.superuser);
  }
}
