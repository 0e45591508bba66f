import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How often in a row a bug kept an operation from its end. */
export class OperationBugs1767000004000 implements MigrationInterface {
  readonly name = 'OperationBugs1767000004000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE operations ADD COLUMN bugs integer NOT NULL DEFAULT 0');
  }

  down(): Promise<void> {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}
