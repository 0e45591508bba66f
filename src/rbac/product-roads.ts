/** An ACL of the user, as it binds him on a road. */
export interface RoadAcl {
  /** UUID. */
  id: string;
  name: string;
  allow: string[];
  deny: string[];
}

/** How a product gives a user an app. Products that don't (because his groups leave it out) are no roads. */
export interface ProductRoad {
  /** The product's UUID and name. */
  id: string;
  name: string;
  /** The user's groups of the product that have the app; none: he has the whole product. */
  groups: {
    id: string;
    name: string;
    /** Process types; empty: all. */
    types: string[];
  }[];
  /** The user's ACLs of the product. */
  acls: RoadAcl[];
}

/** From products of the user, as `road`, that have the app. A user in groups of a product has only the apps of these groups. */
const fromRoads = (app: string, user: string): string => `
  FROM product_apps AS road
  JOIN user_products AS member ON member.user_id = ${user} AND member.product_uuid = road.product_uuid
  WHERE road.app_uuid = ${app} AND (
    NOT EXISTS (SELECT FROM user_groups ug JOIN groups g ON g.uuid = ug.group_uuid
      WHERE ug.user_id = ${user} AND g.product_uuid = road.product_uuid)
    OR EXISTS (SELECT FROM user_groups ug JOIN group_apps ga ON ga.group_uuid = ug.group_uuid
      WHERE ug.user_id = ${user} AND ga.product_uuid = road.product_uuid AND ga.app_uuid = road.app_uuid))`;

/**
 * An SQL condition: whether a product gives a user an app.
 * @param app SQL for the app's UUID; @param user SQL for the user's id
 */
export const productGives = (app: string, user: string): string => `EXISTS (SELECT ${fromRoads(app, user)})`;

/** An SQL expression: the `ProductRoad`s from a user to an app, as JSON. Takes what `productGives` takes. */
export const productRoads = (app: string, user: string): string => `(
  SELECT coalesce(jsonb_agg(jsonb_build_object(
    'id', road.product_uuid,
    'name', (SELECT name FROM products WHERE uuid = road.product_uuid),
    'groups', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', g.uuid, 'name', g.name, 'types', g.types) ORDER BY g.name), '[]')
      FROM user_groups ug JOIN groups g ON g.uuid = ug.group_uuid JOIN group_apps ga ON ga.group_uuid = g.uuid
      WHERE ug.user_id = ${user} AND g.product_uuid = road.product_uuid AND ga.app_uuid = road.app_uuid),
    'acls', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.uuid, 'name', a.name, 'allow', a.allow, 'deny', a.deny) ORDER BY a.name), '[]')
      FROM user_acls ua JOIN acls a ON a.uuid = ua.acl_uuid WHERE ua.user_id = ${user} AND a.product_uuid = road.product_uuid)
  ) ORDER BY road.product_uuid), '[]') ${fromRoads(app, user)})`;
