import { DataSource, type MigrationInterface } from 'typeorm';
import { createTestDatabase } from '../../../test/database.ts';
import { migrationOptions } from '../../database/data-source.ts';
import { Rbac1766000000000 } from './1766000000000-rbac.ts';

it('gives who was a superuser the role of one, everybody that of a user, and each an id', async () => {
  const database = await createTestDatabase();
  const { migrations = [], ...options } = await migrationOptions(database.url);
  const all = migrations as (new () => MigrationInterface)[];
  const source = await new DataSource({ ...options, migrations: all.filter(({ name }) => !/1766\d+$/.test(name)) }).initialize();
  try {
    await source.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    await source.runMigrations();
    await source.query(
      `INSERT INTO users (username, password_hash, is_superuser, is_staff) VALUES ('root', '', true, true), ('ada', '', false, false)`,
    );
    const runner = source.createQueryRunner();
    await runner.startTransaction();
    await new Rbac1766000000000().up(runner);
    await runner.commitTransaction();
    await runner.release();
    const users = await source.query<{ username: string; version: string; roles: string[] }[]>(
      `SELECT username, substr(users.uuid::text, 15, 1) AS version, array_agg(name ORDER BY tag) AS roles
         FROM users JOIN user_roles ON user_id = id JOIN roles ON roles.uuid = role_uuid GROUP BY username, users.uuid ORDER BY username`,
    );
    expect(users).toEqual([
      { username: 'ada', version: '1', roles: ['common_user'] },
      { username: 'root', version: '1', roles: ['superuser', 'common_user'] },
    ]);
  } finally {
    await source.destroy();
    await database.drop();
  }
}, 60_000);
