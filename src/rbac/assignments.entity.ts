import { Entity, PrimaryColumn } from 'typeorm';

// Who has which role, product, group and ACL. What is deleted takes its rows along.

@Entity('user_roles')
export class UserRole {
  @PrimaryColumn('integer', { name: 'user_id' })
  userId!: number;

  @PrimaryColumn('uuid', { name: 'role_uuid' })
  roleUuid!: string;
}

@Entity('user_products')
export class UserProduct {
  @PrimaryColumn('integer', { name: 'user_id' })
  userId!: number;

  @PrimaryColumn('uuid', { name: 'product_uuid' })
  productUuid!: string;
}

@Entity('user_groups')
export class UserGroup {
  @PrimaryColumn('integer', { name: 'user_id' })
  userId!: number;

  @PrimaryColumn('uuid', { name: 'group_uuid' })
  groupUuid!: string;
}

@Entity('user_acls')
export class UserAcl {
  @PrimaryColumn('integer', { name: 'user_id' })
  userId!: number;

  @PrimaryColumn('uuid', { name: 'acl_uuid' })
  aclUuid!: string;
}
