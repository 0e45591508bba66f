import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How often something was tried, counted for all replicas together. */
export class Attempts1770000002000 implements MigrationInterface {
  readonly name = 'Attempts1770000002000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- key: a keyed hash of what is counted; neither names nor addresses are kept
      CREATE TABLE attempts (
        key text PRIMARY KEY,
        count integer NOT NULL,
        ends timestamptz NOT NULL
      );
      CREATE INDEX attempts_ends ON attempts (ends);
    `);
  }

  down(): Promise<void> {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}
