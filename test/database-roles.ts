import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { createTestDatabase } from './database.ts';

/** A database without tables, and two roles: one that is to own them, and one for the server. */
export interface DatabaseWithRoles {
  /** For whoever may do everything. */
  url: string;
  ownerUrl: string;
  serverUrl: string;
  drop(): Promise<void>;
}

export async function createDatabaseWithRoles(): Promise<DatabaseWithRoles> {
  const database = await createTestDatabase();
  const [owner, server] = ['owner', 'server'].map((part) => `t_${part}_${randomBytes(4).toString('hex')}`) as [string, string];
  const password = randomBytes(8).toString('hex');
  const admin = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  await admin(`
    CREATE ROLE ${owner} LOGIN PASSWORD '${password}';
    CREATE ROLE ${server} LOGIN PASSWORD '${password}';
    DROP SCHEMA public CASCADE;
    CREATE SCHEMA public AUTHORIZATION ${owner};
  `);
  const urlOf = (role: string): string => Object.assign(new URL(database.url), { username: role, password }).href;
  return {
    url: database.url,
    ownerUrl: urlOf(owner),
    serverUrl: urlOf(server),
    drop: async () => {
      await admin(`DROP OWNED BY ${owner}, ${server} CASCADE; DROP ROLE ${owner}, ${server}`);
      await database.drop();
    },
  };
}
