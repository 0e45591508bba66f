import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { v1 } from 'uuid';
import { InvalidFields } from '../http/errors.ts';
import { FieldFaults } from '../http/field-faults.ts';
import type { User } from '../users/user.entity.ts';
import { Group } from './group.entity.ts';
import type { GroupResponse } from './group.response.ts';
import { idOf, uuidOf } from './ids.ts';
import { isWithin, productNamed, productWithin, type Reach, reachOf, STAYS, withinReach } from './product-reach.ts';
import { RbacChanges } from './rbac-changes.ts';

/** What a group is made of, beside its product. */
export interface GroupFields {
  name: string;
  description: string;
  /** Ids. */
  apps: string[];
  /** Process types; empty: all. */
  types: string[];
}

interface GroupRow extends GroupFields {
  uuid: string;
  productUuid: string;
  within: boolean;
}

/** Takes a `Reach` as $1. */
const SELECT = `
  SELECT uuid, product_uuid AS "productUuid", name, description, types, ${isWithin('grp.product_uuid', '$1')} AS within,
    (SELECT coalesce(jsonb_agg(app.id ORDER BY app.id COLLATE "C"), '[]')
     FROM group_apps JOIN apps app ON app.uuid = app_uuid WHERE group_uuid = grp.uuid) AS apps
  FROM groups grp`;

const shown = ({ uuid, name, productUuid, description, apps, types }: Omit<GroupRow, 'within'>): GroupResponse => ({
  id: idOf('g', uuid),
  name,
  product_id: idOf('p', productUuid),
  description,
  apps,
  types,
});

/** What narrows products for their users. */
@Injectable()
export class GroupsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes: RbacChanges,
  ) {}

  /**
   * By name, those of the products that the user is in; for superusers all. Two statements at most.
   * @param productId only those of this product
   * @throws NotFound, Forbidden for the product
   */
  async list(user: User, productId: string | null): Promise<GroupResponse[]> {
    const { manager } = this.dataSource;
    const reach = reachOf(user);
    const product = productId === null ? null : await productWithin(manager, productId, reach);
    // the same order everywhere, whatever the database's language
    const sql = `${SELECT} WHERE ${isWithin('grp.product_uuid', '$1')} AND ($2::uuid IS NULL OR product_uuid = $2)
      ORDER BY name COLLATE "C", uuid`;
    return (await manager.query<GroupRow[]>(sql, [reach, product])).map(shown);
  }

  /** One statement. @throws NotFound; Forbidden for one of a product that the user isn't in */
  async get(user: User, id: string): Promise<GroupResponse> {
    return shown(await this.row(this.dataSource.manager, id, reachOf(user)));
  }

  /**
   * @returns its id
   * @throws InvalidFields for a product that doesn't exist and apps that aren't in it; Forbidden for a product that the user isn't in; Conflict
   * when the name is taken
   */
  async create(user: User, productId: string, fields: GroupFields): Promise<string> {
    const { name, description, apps, types } = fields;
    const uuid = v1();
    return this.changes.commit(async (tx) => {
      const productUuid = await productNamed(tx, productId, reachOf(user));
      const added = await lockedApps(tx, productUuid, apps);
      const faults = foreignApps(apps, added, productId);
      if (faults.length > 0) throw new InvalidFields({ apps: faults });
      await tx.insert(Group, { uuid, productUuid, name, description, types });
      await putApps(tx, uuid, productUuid, added);
      const after = shown({ uuid, productUuid, name, description, apps: [...apps].sort(), types });
      return { value: idOf('g', uuid), audit: { object: `group:${name}`, after } };
    });
  }

  /**
   * @param given what shall be another; a product only for the check that it is the same
   * @throws NotFound; Forbidden for one of a product that the user isn't in; the others as `create`
   */
  async change(user: User, id: string, given: Partial<GroupFields> & { productId?: string }): Promise<void> {
    await this.changes.commit(async (tx) => {
      const before = await this.row(tx, id, reachOf(user));
      const { uuid, productUuid } = before;
      const { name = before.name, description = before.description, apps = before.apps, types = before.types } = given;
      const wanted = given.apps && (await lockedApps(tx, productUuid, given.apps));
      const faults = new FieldFaults();
      const productId = idOf('p', productUuid);
      if (given.productId !== undefined && given.productId !== productId) faults.add('product_id', STAYS);
      for (const fault of wanted ? foreignApps(apps, wanted, productId) : []) faults.add('apps', fault);
      faults.check();
      await tx.update(Group, { uuid }, { name, description, types });
      if (wanted) await putApps(tx, uuid, productUuid, wanted);
      const after = shown({ uuid, productUuid, name, description, apps: [...apps].sort(), types });
      return { value: undefined, audit: { object: `group:${before.name}`, before: shown(before), after } };
    });
  }

  /** @throws NotFound; Forbidden for one of a product that the user isn't in */
  async remove(user: User, id: string): Promise<void> {
    await this.changes.commit(async (tx) => {
      const group = await this.row(tx, id, reachOf(user));
      await tx.delete(Group, { uuid: group.uuid });
      return { value: undefined, audit: { object: `group:${group.name}`, before: shown(group) } };
    });
  }

  private async row(manager: EntityManager, id: string, reach: Reach): Promise<GroupRow> {
    const [row] = await manager.query<GroupRow[]>(`${SELECT} WHERE uuid = $2`, [reach, uuidOf('g', id) ?? null]);
    return withinReach(row, id);
  }
}

interface AppRow {
  uuid: string;
  id: string;
}

/** Those of the apps that are in a product. Until the transaction ends they stay there. */
async function lockedApps(tx: EntityManager, productUuid: string, ids: string[]): Promise<AppRow[]> {
  return tx.query<AppRow[]>(
    `SELECT app.uuid, app.id FROM product_apps JOIN apps app ON app.uuid = app_uuid
     WHERE product_uuid = $1 AND app.id = ANY ($2) ORDER BY app.uuid FOR KEY SHARE OF product_apps`,
    [productUuid, ids],
  );
}

/** What is wrong with a group's apps: those that aren't among its product's. */
function foreignApps(ids: string[], apps: AppRow[], productId: string): string[] {
  const known = new Set(apps.map(({ id }) => id));
  return ids.filter((id) => !known.has(id)).map((id) => `${id} is no app of ${productId}`);
}

/** Gives a group these apps of its product and no others. */
async function putApps(tx: EntityManager, groupUuid: string, productUuid: string, apps: AppRow[]): Promise<void> {
  const uuids = apps.map(({ uuid }) => uuid);
  await tx.query('DELETE FROM group_apps WHERE group_uuid = $1 AND app_uuid <> ALL ($2::uuid[])', [groupUuid, uuids]);
  await tx.query('INSERT INTO group_apps (group_uuid, product_uuid, app_uuid) SELECT $1, $2, unnest($3::uuid[]) ON CONFLICT DO NOTHING', [
    groupUuid,
    productUuid,
    uuids,
  ]);
}
