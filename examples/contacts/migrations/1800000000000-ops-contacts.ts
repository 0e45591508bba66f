import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Contacts of apps. They leave with their app. */
export class OpsContacts1800000000000 implements MigrationInterface {
  readonly name = 'OpsContacts1800000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE ops_contacts (
        uuid uuid PRIMARY KEY,
        app_uuid uuid NOT NULL REFERENCES apps (uuid) ON DELETE CASCADE,
        generation bigint NOT NULL,
        settled boolean NOT NULL DEFAULT false,
        role text NOT NULL,
        email text,
        phone text,
        created timestamptz NOT NULL DEFAULT now(),
        updated timestamptz NOT NULL DEFAULT now(),
        UNIQUE (app_uuid, role),
        CHECK (email IS NOT NULL OR phone IS NOT NULL)
      );
    `);
  }

  down(): Promise<void> {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}
