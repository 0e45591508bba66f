import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { v1 } from 'uuid';
import { App } from '../apps/app.entity.ts';
import { mayOwn } from '../apps/app.rights.ts';
import { Conflict, Forbidden, InvalidFields } from '../http/errors.ts';
import type { User } from '../users/user.entity.ts';
import { UserProduct } from './assignments.entity.ts';
import { idOf, uuidOf } from './ids.ts';
import { Product } from './product.entity.ts';
import { isWithin, type Reach, reachOf, withinReach } from './product-reach.ts';
import type { ProductResponse } from './product.response.ts';
import { RbacChanges } from './rbac-changes.ts';
import { Tag } from './role.entity.ts';

/** What a product is made of. */
export interface ProductFields {
  name: string;
  description: string;
  /** Ids. */
  apps: string[];
}

interface ProductRow extends ProductFields {
  uuid: string;
  within: boolean;
}

/** Takes a `Reach` as $1. */
const SELECT = `
  SELECT uuid, name, description, ${isWithin('product.uuid', '$1')} AS within,
    (SELECT coalesce(jsonb_agg(app.id ORDER BY app.id COLLATE "C"), '[]')
     FROM product_apps JOIN apps app ON app.uuid = app_uuid WHERE product_uuid = product.uuid) AS apps
  FROM products product`;

const shown = ({ uuid, name, description, apps }: Omit<ProductRow, 'within'>): ProductResponse => ({
  id: idOf('p', uuid),
  name,
  description,
  apps,
});

/** Lines of business: sets of apps, and of the users who work on them. */
@Injectable()
export class ProductsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes: RbacChanges,
  ) {}

  /** By name, those that the user is in; for superusers and who administers ACLs all. One statement. */
  async list(user: User): Promise<ProductResponse[]> {
    // the same order everywhere, whatever the database's language
    const sql = `${SELECT} WHERE ${isWithin('product.uuid', '$1')} ORDER BY name COLLATE "C"`;
    return (await this.dataSource.manager.query<ProductRow[]>(sql, [reachOf(user, Tag.acl)])).map(shown);
  }

  /** One statement. @throws NotFound; Forbidden for one that `list` doesn't have */
  async get(user: User, id: string): Promise<ProductResponse> {
    return shown(await this.row(this.dataSource.manager, id, reachOf(user, Tag.acl)));
  }

  async isTaken(name: string): Promise<boolean> {
    return this.dataSource.manager.existsBy(Product, { name });
  }

  /**
   * Makes a product, which the user is in.
   * @returns its id
   * @throws Conflict when the name is taken, or an app is being destroyed; InvalidFields for apps that don't exist; Forbidden for those that
   * the user may not give away
   */
  async create(user: User, { name, description, apps }: ProductFields): Promise<string> {
    const uuid = v1();
    return this.changes.commit(async (tx) => {
      const added = await this.lockedApps(tx, apps);
      assertMayGive(user, added);
      await tx.insert(Product, { uuid, name, description });
      await putApps(tx, uuid, added);
      await tx.insert(UserProduct, { userId: user.id, productUuid: uuid });
      const after = shown({ uuid, name, description, apps: [...apps].sort() });
      return { value: idOf('p', uuid), audit: { object: `product:${name}`, after } };
    });
  }

  /**
   * What leaves a product leaves its groups.
   * @param given what shall be another
   * @throws NotFound; Forbidden for a product that the user isn't in; the others as `create`
   */
  async change(user: User, id: string, given: Partial<ProductFields>): Promise<void> {
    await this.changes.commit(async (tx) => {
      const before = await this.row(tx, id, reachOf(user));
      const { uuid } = before;
      const { name = before.name, description = before.description, apps = before.apps } = given;
      await tx.update(Product, { uuid }, { name, description });
      if (given.apps) {
        const wanted = await this.lockedApps(tx, given.apps);
        const held = await appsOf(tx, uuid);
        assertMayGive(
          user,
          wanted.filter((app) => !held.has(app.uuid)),
        );
        await putApps(tx, uuid, wanted);
      }
      const after = shown({ uuid, name, description, apps: [...apps].sort() });
      return { value: undefined, audit: { object: `product:${before.name}`, before: shown(before), after } };
    });
  }

  /** With its groups and ACLs. @throws NotFound; Forbidden for one that the user isn't in */
  async remove(user: User, id: string): Promise<void> {
    await this.changes.commit(async (tx) => {
      const product = await this.row(tx, id, reachOf(user));
      await tx.delete(Product, { uuid: product.uuid });
      return { value: undefined, audit: { object: `product:${product.name}`, before: shown(product) } };
    });
  }

  private async row(manager: EntityManager, id: string, reach: Reach): Promise<ProductRow> {
    const [row] = await manager.query<ProductRow[]>(`${SELECT} WHERE uuid = $2`, [reach, uuidOf('p', id) ?? null]);
    return withinReach(row, id);
  }

  /** Until the transaction ends they neither go nor change hands. @throws InvalidFields naming those that don't exist */
  private async lockedApps(tx: EntityManager, ids: string[]): Promise<App[]> {
    const apps = await tx
      .createQueryBuilder(App, 'app')
      .where('app.id = ANY(:ids)', { ids })
      .orderBy('app.uuid')
      .setLock('pessimistic_read')
      .getMany();
    const existing = new Set(apps.map(({ id }) => id));
    const unknown = ids.filter((id) => !existing.has(id));
    if (unknown.length > 0) throw new InvalidFields({ apps: unknown.map((id) => `${id} does not exist`) });
    return apps;
  }
}

/** UUIDs of the apps that a product has. */
async function appsOf(tx: EntityManager, productUuid: string): Promise<Set<string>> {
  const rows = await tx.query<{ uuid: string }[]>('SELECT app_uuid AS uuid FROM product_apps WHERE product_uuid = $1', [productUuid]);
  return new Set(rows.map(({ uuid }) => uuid));
}

/** Gives a product these apps and no others. */
async function putApps(tx: EntityManager, productUuid: string, apps: App[]): Promise<void> {
  const values = [productUuid, apps.map(({ uuid }) => uuid)];
  await tx.query('DELETE FROM product_apps WHERE product_uuid = $1 AND app_uuid <> ALL ($2::uuid[])', values);
  await tx.query('INSERT INTO product_apps (product_uuid, app_uuid) SELECT $1, unnest($2::uuid[]) ON CONFLICT DO NOTHING', values);
}

/** An app gets into a product by who may give it away: a product of one's own is no road to other people's. */
function assertMayGive(user: User, apps: App[]): void {
  const foreign = apps.filter((app) => !mayOwn(user, { app })).map(({ id }) => id);
  if (foreign.length > 0)
    throw new Forbidden(`Only their owners and superusers put apps into a product: you do not own ${foreign.join(', ')}`);
  const going = apps.find(({ destroying }) => destroying);
  if (going) throw new Conflict(`${going.id} is being destroyed`);
}
