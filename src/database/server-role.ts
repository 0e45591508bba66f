import pg from 'pg';
import type { QueryRunner } from 'typeorm';

/** What the server may add to and read, but never change or take away. */
const APPEND_ONLY = ['audit_rows', 'audit_seals', 'audit_keys'];
/** What the server may read and take away: the database adds to it by itself. */
const QUEUE = 'audit_unsealed';

/**
 * Gives the role that the server uses what it needs of the tables that another role owns, and nothing more.
 * @param owner connection of the owner, which holds the advisory lock `lock`
 * @param url of the server
 * @throws {Error} in words where that role can change the audit log all the same, or is at home in another database, or where the tables
 *   belong to somebody else
 */
export async function grantServerRole(owner: QueryRunner, url: string, lock: number): Promise<void> {
  const { role, elsewhere } = await roleOf(url, lock);
  if (elsewhere) throw new Error('DATABASE_URL and MIGRATION_DATABASE_URL lead to different databases: they must lead to the same one.');
  const name = pg.escapeIdentifier(role);
  const tables = APPEND_ONLY.join(', ');
  await owner.startTransaction();
  try {
    await owner.query(`
      GRANT USAGE ON SCHEMA public TO ${name};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${name};
      GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO ${name};
      REVOKE ALL ON ${tables}, ${QUEUE} FROM ${name}, PUBLIC;
      GRANT SELECT, INSERT ON ${tables} TO ${name};
      GRANT SELECT, DELETE ON ${QUEUE} TO ${name};
    `);
    const ways = await waysToChangeAuditLog(owner, role);
    if (ways.length > 0) {
      throw new Error(
        `The role ${role} of DATABASE_URL could change the audit log: it ${ways.join(', ')}. It must be another one than that of ` +
          'MIGRATION_DATABASE_URL, no member of it and no superuser, and have nothing of this.',
      );
    }
    await owner.commitTransaction();
  } catch (error) {
    await owner.rollbackTransaction();
    throw error;
  }
}

/**
 * How a role can change the audit log all the same, in words: by what it is, or by what it or a role that it may become was given.
 * Empty: it can't.
 */
async function waysToChangeAuditLog(owner: QueryRunner, role: string): Promise<string[]> {
  const ways = (await owner.query(
    `WITH audit AS (SELECT oid, relname, relowner FROM pg_class WHERE oid = ANY($2::regclass[])),
          identity AS (SELECT * FROM pg_roles WHERE pg_has_role($1, oid, 'MEMBER'))
     SELECT 'is a superuser' AS way FROM pg_roles WHERE rolname = $1 AND rolsuper
     UNION SELECT 'may act as the superuser ' || rolname FROM identity WHERE rolsuper AND rolname <> $1
     UNION SELECT 'has CREATEROLE' || CASE WHEN rolname = $1 THEN '' ELSE ', as ' || rolname END FROM identity WHERE rolcreaterole
     UNION SELECT 'may act as ' || rolname FROM identity WHERE rolname IN ('pg_execute_server_program', 'pg_write_server_files')
     UNION SELECT 'owns the table ' || relname FROM audit WHERE pg_has_role($1, relowner, 'MEMBER')
     UNION SELECT 'owns the function ' || proname FROM pg_proc
       WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'audit\\_%' AND pg_has_role($1, proowner, 'MEMBER')
     UNION SELECT 'owns the schema public' FROM pg_namespace WHERE nspname = 'public' AND pg_has_role($1, nspowner, 'MEMBER')
     UNION SELECT 'owns the database' FROM pg_database WHERE datname = current_database() AND pg_has_role($1, datdba, 'MEMBER')
     UNION SELECT 'has ' || privilege || ' on ' || relname || CASE WHEN rolname = $1 THEN '' ELSE ', as ' || rolname END
       FROM audit, identity, unnest('{UPDATE,DELETE,TRUNCATE,TRIGGER}'::text[]) privilege
       WHERE has_table_privilege(identity.oid, audit.oid, privilege)
         OR privilege = 'UPDATE' AND has_any_column_privilege(identity.oid, audit.oid, privilege)
     ORDER BY way`,
    [role, APPEND_ONLY],
  )) as { way: string }[];
  const all = ways.map(({ way }) => way);
  // a superuser has all the rest, too
  return all.includes('is a superuser') ? ['is a superuser'] : all;
}

/**
 * The role that the server uses, and whether its URL leads `elsewhere`. Advisory locks are of one database: the owner holds this one, so
 * that it can only be had in another database.
 */
async function roleOf(url: string, lock: number): Promise<{ role: string; elsewhere: boolean }> {
  const client = new pg.Client({ connectionString: url, application_name: 'keelson', connectionTimeoutMillis: 5000 });
  await client.connect();
  try {
    const { rows } = await client.query<{ role: string; elsewhere: boolean }>(
      'SELECT current_user AS role, pg_try_advisory_lock($1) AS elsewhere',
      [lock],
    );
    return rows[0] ?? { role: '', elsewhere: true };
  } finally {
    await client.end();
  }
}
