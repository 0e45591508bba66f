import type { MigrationInterface, QueryRunner } from 'typeorm';
import { v1 } from 'uuid';

/** Roles, products, groups and ACLs, and who has which. Who is a superuser is from here on told by the roles alone. */
export class Rbac1766000000000 implements MigrationInterface {
  readonly name = 'Rbac1766000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE users ADD COLUMN uuid uuid;

      CREATE TABLE roles (
        uuid uuid PRIMARY KEY,
        name text NOT NULL CONSTRAINT roles_name_key UNIQUE,
        description text NOT NULL DEFAULT '',
        tag smallint NOT NULL CHECK (tag BETWEEN 0 AND 4),
        built_in boolean NOT NULL DEFAULT false,
        created timestamptz NOT NULL DEFAULT now()
      );
      CREATE UNIQUE INDEX roles_built_in ON roles (tag) WHERE built_in;
      CREATE TABLE user_roles (
        user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        role_uuid uuid NOT NULL REFERENCES roles (uuid) ON DELETE CASCADE,
        PRIMARY KEY (user_id, role_uuid)
      );
      CREATE INDEX user_roles_role ON user_roles (role_uuid);

      CREATE TABLE products (
        uuid uuid PRIMARY KEY,
        name text NOT NULL CONSTRAINT products_name_key UNIQUE,
        description text NOT NULL DEFAULT '',
        created timestamptz NOT NULL DEFAULT now()
      );
      CREATE TABLE product_apps (
        product_uuid uuid NOT NULL REFERENCES products (uuid) ON DELETE CASCADE,
        app_uuid uuid NOT NULL REFERENCES apps (uuid) ON DELETE CASCADE,
        PRIMARY KEY (product_uuid, app_uuid)
      );
      CREATE INDEX product_apps_app ON product_apps (app_uuid);
      CREATE TABLE user_products (
        user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        product_uuid uuid NOT NULL REFERENCES products (uuid) ON DELETE CASCADE,
        PRIMARY KEY (user_id, product_uuid)
      );
      CREATE INDEX user_products_product ON user_products (product_uuid);

      CREATE TABLE groups (
        uuid uuid PRIMARY KEY,
        product_uuid uuid NOT NULL REFERENCES products (uuid) ON DELETE CASCADE,
        name text NOT NULL,
        description text NOT NULL DEFAULT '',
        types jsonb NOT NULL DEFAULT '[]',
        created timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT groups_name_key UNIQUE (product_uuid, name),
        UNIQUE (uuid, product_uuid)
      );
      -- an app that leaves the product leaves its groups
      CREATE TABLE group_apps (
        group_uuid uuid NOT NULL,
        product_uuid uuid NOT NULL,
        app_uuid uuid NOT NULL,
        PRIMARY KEY (group_uuid, app_uuid),
        FOREIGN KEY (group_uuid, product_uuid) REFERENCES groups (uuid, product_uuid) ON DELETE CASCADE,
        FOREIGN KEY (product_uuid, app_uuid) REFERENCES product_apps (product_uuid, app_uuid) ON DELETE CASCADE
      );
      CREATE INDEX group_apps_product_app ON group_apps (product_uuid, app_uuid);
      CREATE TABLE user_groups (
        user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        group_uuid uuid NOT NULL REFERENCES groups (uuid) ON DELETE CASCADE,
        PRIMARY KEY (user_id, group_uuid)
      );
      CREATE INDEX user_groups_group ON user_groups (group_uuid);

      CREATE TABLE acls (
        uuid uuid PRIMARY KEY,
        product_uuid uuid NOT NULL REFERENCES products (uuid) ON DELETE CASCADE,
        name text NOT NULL,
        description text NOT NULL DEFAULT '',
        allow jsonb NOT NULL DEFAULT '[]',
        deny jsonb NOT NULL DEFAULT '[]',
        created timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT acls_name_key UNIQUE (product_uuid, name)
      );
      CREATE TABLE user_acls (
        user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        acl_uuid uuid NOT NULL REFERENCES acls (uuid) ON DELETE CASCADE,
        PRIMARY KEY (user_id, acl_uuid)
      );
      CREATE INDEX user_acls_acl ON user_acls (acl_uuid);
    `);
    for (const [tag, [name, description]] of BUILT_IN.entries()) {
      await runner.query('INSERT INTO roles (uuid, name, description, tag, built_in) VALUES ($1, $2, $3, $4, true)', [
        v1(),
        name,
        description,
        tag,
      ]);
    }
    for (const { id } of (await runner.query('SELECT id FROM users ORDER BY id')) as { id: number }[]) {
      await runner.query('UPDATE users SET uuid = $2 WHERE id = $1', [id, v1()]);
    }
    await runner.query(`
      INSERT INTO user_roles (user_id, role_uuid)
        SELECT users.id, roles.uuid FROM users JOIN roles ON built_in AND (tag = 1 OR (tag = 0 AND is_superuser));
      ALTER TABLE users ALTER COLUMN uuid SET NOT NULL, ADD CONSTRAINT users_uuid_key UNIQUE (uuid),
        DROP COLUMN is_superuser, DROP COLUMN is_staff;
    `);
  }

  down(): Promise<void> {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}

/** Names and descriptions, by tag. */
const BUILT_IN = [
  ['superuser', 'Everything.'],
  ['common_user', 'The own account only.'],
  ['product', 'Products, groups and ACLs of the products that the holder is in, and adding users to them.'],
  ['user', 'Users.'],
  ['acl', 'ACLs.'],
] as const;
