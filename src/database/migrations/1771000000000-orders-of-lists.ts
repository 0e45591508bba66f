import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Lists are in the order of bytes, the same in every database: indexes for those that grow with the fleet, so that a page reads a page. */
export class OrdersOfLists1771000000000 implements MigrationInterface {
  readonly name = 'OrdersOfLists1771000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE INDEX apps_in_order ON apps (id COLLATE "C");
      CREATE INDEX users_in_order ON users (username COLLATE "C");
      CREATE INDEX domains_in_order ON domains (app_uuid, domain COLLATE "C");
      CREATE INDEX certificates_in_order ON certificates (name COLLATE "C");
    `);
  }

  down(): Promise<void> {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}
