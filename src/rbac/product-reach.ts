import type { EntityManager } from 'typeorm';
import { Forbidden, InvalidFields, NotFound } from '../http/errors.ts';
import type { User } from '../users/user.entity.ts';
import { uuidOf } from './ids.ts';
import type { Tag } from './role.entity.ts';
import { hasStanding } from './standing.ts';

/** The products that somebody has to do with, and what belongs to them: those that the user of this id is in; null: all. */
export type Reach = number | null;

/** @param everywhere the roles that reach all products, beside the superusers' */
export const reachOf = (user: User, ...everywhere: Tag[]): Reach => (hasStanding(user, ...everywhere) ? null : user.id);

/** An SQL condition: whether a product is within a reach. @param product SQL for its UUID; @param reach SQL for the `Reach` */
export const isWithin = (product: string, reach: string): string =>
  `(${reach}::integer IS NULL OR EXISTS (SELECT FROM user_products own WHERE own.product_uuid = ${product} AND own.user_id = ${reach}))`;

/**
 * Looks at what was found by an id.
 * @param row with the value of `isWithin`
 * @throws NotFound, Forbidden
 */
export function withinReach<T extends { within: boolean }>(row: T | undefined, id: string): T {
  if (!row) throw new NotFound(`${id} does not exist`);
  if (!row.within) throw new Forbidden(`You may not do this to ${id}: you are not in the product`);
  return row;
}

/** The UUID of the product of an id. One statement. @throws NotFound, Forbidden */
export async function productWithin(manager: EntityManager, id: string, reach: Reach): Promise<string> {
  const rows = await manager.query<{ uuid: string; within: boolean }[]>(
    `SELECT uuid, ${isWithin('products.uuid', '$2')} AS within FROM products WHERE uuid = $1`,
    [uuidOf('p', id) ?? null, reach],
  );
  return withinReach(rows[0], id).uuid;
}

/** The same for what a body names as `product_id`. @throws InvalidFields, Forbidden */
export async function productNamed(manager: EntityManager, id: string, reach: Reach): Promise<string> {
  return productWithin(manager, id, reach).catch((error: unknown) => {
    throw error instanceof NotFound ? new InvalidFields({ product_id: [error.message] }) : error;
  });
}

/** What is wrong with another `product_id` for what is in a product already. */
export const STAYS = 'What is in a product stays in it: this is another one.';
