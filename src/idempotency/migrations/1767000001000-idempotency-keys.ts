import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What requests with an `Idempotency-Key` came to. */
export class IdempotencyKeys1767000001000 implements MigrationInterface {
  readonly name = 'IdempotencyKeys1767000001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE idempotency_keys (
        uuid uuid PRIMARY KEY,
        owner_id integer REFERENCES users ON DELETE CASCADE,
        key text NOT NULL,
        request text NOT NULL,
        remembered text,
        status integer,
        answer text,
        created timestamptz NOT NULL DEFAULT now(),
        UNIQUE NULLS NOT DISTINCT (owner_id, key)
      );
      CREATE INDEX idempotency_keys_created_idx ON idempotency_keys (created);
    `);
  }

  down(): Promise<void> {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}
