import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { v1 } from 'uuid';
import { InvalidFields } from '../http/errors.ts';
import type { User } from '../users/user.entity.ts';
import { Acl } from './acl.entity.ts';
import { aclResponse } from './acl.response.ts';
import { idOf, uuidOf } from './ids.ts';
import { isWithin, productNamed, productWithin, type Reach, reachOf, STAYS, withinReach } from './product-reach.ts';
import { RbacChanges } from './rbac-changes.ts';
import { Tag } from './role.entity.ts';

/** What an ACL is made of, beside its product. */
export type AclFields = Pick<Acl, 'name' | 'description' | 'allow' | 'deny'>;

type AclRow = AclFields & Pick<Acl, 'uuid' | 'productUuid'>;

/** Takes a `Reach` as $1. */
const SELECT = `
  SELECT uuid, product_uuid AS "productUuid", name, description, allow, deny, ${isWithin('acl.product_uuid', '$1')} AS within FROM acls acl`;

/** Superusers and who administers ACLs have to do with those of all products, product administrators with those of theirs. */
const aclReach = (user: User): Reach => reachOf(user, Tag.acl);

/** Which one-off commands may be run in the apps of products. */
@Injectable()
export class AclsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes: RbacChanges,
  ) {}

  /**
   * By name, those within the user's reach. Two statements at most.
   * @param productId only those of this product
   * @throws NotFound, Forbidden for the product
   */
  async list(user: User, productId: string | null): Promise<AclRow[]> {
    const { manager } = this.dataSource;
    const reach = aclReach(user);
    const product = productId === null ? null : await productWithin(manager, productId, reach);
    // the same order everywhere, whatever the database's language
    const sql = `${SELECT} WHERE ${isWithin('acl.product_uuid', '$1')} AND ($2::uuid IS NULL OR product_uuid = $2)
      ORDER BY name COLLATE "C", uuid`;
    return manager.query(sql, [reach, product]);
  }

  /** One statement. @throws NotFound; Forbidden for one of a product that the user isn't in */
  async get(user: User, id: string, within: EntityManager = this.dataSource.manager): Promise<AclRow> {
    const sql = `${SELECT} WHERE uuid = $2`;
    const [row] = await within.query<(AclRow & { within: boolean })[]>(sql, [aclReach(user), uuidOf('a', id) ?? null]);
    return withinReach(row, id);
  }

  /**
   * @returns its id
   * @throws InvalidFields for a product that doesn't exist; Forbidden for one that the user isn't in; Conflict when the name is taken
   */
  async create(user: User, productId: string, fields: AclFields): Promise<string> {
    return this.changes.commit(async (tx) => {
      const productUuid = await productNamed(tx, productId, aclReach(user));
      const acl: AclRow = { uuid: v1(), productUuid, ...fields };
      await tx.insert(Acl, acl);
      return { value: idOf('a', acl.uuid), audit: { object: `acl:${acl.name}`, after: aclResponse(acl) } };
    });
  }

  /**
   * @param given what shall be another; a product only for the check that it is the same
   * @throws NotFound; Forbidden for one of a product that the user isn't in; InvalidFields for another product; Conflict when the name is taken
   */
  async change(user: User, id: string, given: Partial<AclFields> & { productId?: string }): Promise<void> {
    await this.changes.commit(async (tx) => {
      const acl = await this.get(user, id, tx);
      const { name = acl.name, description = acl.description, allow = acl.allow, deny = acl.deny, productId } = given;
      if (productId !== undefined && productId !== idOf('p', acl.productUuid)) throw new InvalidFields({ product_id: [STAYS] });
      await tx.update(Acl, { uuid: acl.uuid }, { name, description, allow, deny });
      const after = aclResponse({ ...acl, name, description, allow, deny });
      return { value: undefined, audit: { object: `acl:${acl.name}`, before: aclResponse(acl), after } };
    });
  }

  /** @throws NotFound; Forbidden for one of a product that the user isn't in */
  async remove(user: User, id: string): Promise<void> {
    await this.changes.commit(async (tx) => {
      const acl = await this.get(user, id, tx);
      await tx.delete(Acl, { uuid: acl.uuid });
      return { value: undefined, audit: { object: `acl:${acl.name}`, before: aclResponse(acl) } };
    });
  }
}
