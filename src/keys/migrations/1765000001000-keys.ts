import type { MigrationInterface, QueryRunner } from 'typeorm';

/** SSH keys. They leave with their owner. */
export class Keys1765000001000 implements MigrationInterface {
  readonly name = 'Keys1765000001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE keys (
        uuid uuid PRIMARY KEY,
        id text NOT NULL UNIQUE CHECK (length(id) <= 128),
        owner_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        public text NOT NULL,
        fingerprint text NOT NULL UNIQUE,
        sha256 text NOT NULL UNIQUE,
        created timestamptz NOT NULL DEFAULT now(),
        updated timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX keys_owner ON keys (owner_id);
    `);
  }

  down(): Promise<void> {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}
