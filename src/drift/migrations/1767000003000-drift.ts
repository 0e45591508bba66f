import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was found of each app's objects that isn't as recorded, and what is done about it. */
export class Drift1767000003000 implements MigrationInterface {
  readonly name = 'Drift1767000003000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE app_drift (
        app_uuid uuid PRIMARY KEY REFERENCES apps (uuid) ON DELETE CASCADE,
        paused boolean NOT NULL DEFAULT false,
        looked timestamptz,
        found text,
        kinds jsonb NOT NULL DEFAULT '{}',
        healing boolean NOT NULL DEFAULT false,
        heals integer NOT NULL DEFAULT 0,
        healed timestamptz
      );
      CREATE INDEX app_drift_found ON app_drift (app_uuid) WHERE found IS NOT NULL;
    `);
  }

  down(): Promise<void> {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}
