import type { MigrationInterface, QueryRunner } from 'typeorm';

/** For how long an operation's roll-out has been waited for, so that who takes over from a dead owner goes on counting. */
export class OperationWaited1767000011000 implements MigrationInterface {
  readonly name = 'OperationWaited1767000011000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE operations ADD COLUMN waited integer NOT NULL DEFAULT 0');
  }

  down(): Promise<void> {
    throw new Error('Migrations only go forward: restore a backup instead.');
  }
}
