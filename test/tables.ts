import type { DataSource } from 'typeorm';

/** What changes by itself: the engine's work, what it finds in the cluster, and what the installation knows about itself. */
const RESTLESS = ['operations', 'migrations', 'app_events', 'app_event_counters', 'app_drift'];

/** What only grows: it can't be set back. */
const APPEND_ONLY = ['audit_rows', 'audit_seals', 'audit_unsealed', 'audit_keys'];

/** The rows of every table: compared as a whole, and set back to how they were. */
export class Tables {
  private constructor(
    private readonly database: DataSource,
    private readonly names: readonly string[],
    /** Of each table's rows as they were kept. */
    private readonly digests: Record<string, string | null>,
  ) {}

  /** Keeps a copy of all rows as they are now. */
  static async keep(database: DataSource): Promise<Tables> {
    const tables = await database.query<{ name: string }[]>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT LIKE 'audit@_%' ESCAPE '@' ORDER BY 1`,
    );
    const keys = await database.query<{ table: string; name: string }[]>(
      `SELECT conrelid::regclass AS table, conname AS name FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace`,
    );
    const names = tables.map(({ name }) => name).filter((name) => !APPEND_ONLY.includes(name));
    await database.query(
      [
        'CREATE SCHEMA kept',
        ...names.map((name) => `CREATE TABLE kept.${name} AS TABLE public.${name}`),
        // so that rows can be put back in any order; to everybody else they are as strict as before
        ...keys.map(({ table, name }) => `ALTER TABLE ${table} ALTER CONSTRAINT ${name} DEFERRABLE`),
      ].join(';\n'),
    );
    return new Tables(database, names, await digests(database, names));
  }

  /** The tables that are no longer as they were kept. */
  async changed(): Promise<string[]> {
    const now = await digests(this.database, this.names);
    return this.names.filter((name) => !RESTLESS.includes(name) && now[name] !== this.digests[name]);
  }

  /** Sets all rows back to how they were kept. */
  async putBack(): Promise<void> {
    const missing = (name: string, from: string, to: string): string =>
      `FROM ${from}.${name} a WHERE NOT EXISTS (SELECT 1 FROM ${to}.${name} b WHERE b::text = a::text)`;
    await this.database.transaction(async (manager) => {
      await manager.query('SET CONSTRAINTS ALL DEFERRED');
      await manager.query(
        [
          ...this.names.map((name) => `DELETE ${missing(name, 'public', 'kept')}`),
          ...this.names.map((name) => `INSERT INTO public.${name} OVERRIDING SYSTEM VALUE SELECT * ${missing(name, 'kept', 'public')}`),
        ].join(';\n'),
      );
    });
  }
}

async function digests(database: DataSource, names: readonly string[]): Promise<Record<string, string | null>> {
  const columns = names.map((name) => `(SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM public.${name} t) AS ${name}`);
  const [row] = await database.query<[Record<string, string | null>]>(`SELECT ${columns.join(', ')}`);
  return row;
}
