import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Operations and runs that are over, by their end: those that are old enough are taken away. */
export class Finished1770000002001 implements MigrationInterface {
  readonly name = 'Finished1770000002001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE INDEX operations_finished ON operations (finished) WHERE finished IS NOT NULL;
      CREATE INDEX runs_finished ON runs (finished) WHERE finished IS NOT NULL;
    `);
  }

  down(): Promise<void> {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}
