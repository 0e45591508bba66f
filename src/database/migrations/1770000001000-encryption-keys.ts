import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What each key of the encryption is known by, and the hash of the token that the first registration has to show. */
export class EncryptionKeys1770000001000 implements MigrationInterface {
  readonly name = 'EncryptionKeys1770000001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE encryption_keys (
        id text PRIMARY KEY,
        check_value text NOT NULL,
        added timestamptz NOT NULL DEFAULT now(),
        retired timestamptz
      );

      CREATE TABLE setup_tokens (
        hash text NOT NULL,
        made timestamptz NOT NULL DEFAULT now(),
        singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton)
      );
    `);
  }

  down(): Promise<void> {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}
