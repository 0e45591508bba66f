import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The deploy hooks that wait to be sent. */
export class DeployHooks1765000003000 implements MigrationInterface {
  readonly name = 'DeployHooks1765000003000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE deploy_hooks (
        uuid uuid PRIMARY KEY,
        app_uuid uuid NOT NULL REFERENCES apps (uuid) ON DELETE CASCADE,
        url text NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        due timestamptz NOT NULL DEFAULT clock_timestamp()
      );
      CREATE INDEX deploy_hooks_due ON deploy_hooks (due);
      CREATE INDEX deploy_hooks_app ON deploy_hooks (app_uuid);
    `);
  }

  down(): Promise<void> {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}
