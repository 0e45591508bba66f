import type { EntityManager } from 'typeorm';

/** A page of a list, in SQL. */
export interface Listing {
  /** What is selected. */
  columns: string;
  /** The table that there is a row of for each item. */
  table: string;
  /** The name that all else has for that table. */
  alias: string;
  /** What is joined for the columns alone: it must leave the number of rows as it is, for they are counted without it. */
  join?: string;
  /** Which rows there are. */
  where: string;
  order: string;
  values: unknown[];
}

/** A page and how many there are in all, by one statement, also where the page has nothing. */
export async function listed(
  manager: EntityManager,
  { columns, table, alias, join = '', where, order, values }: Listing,
  { limit, offset }: { limit: number; offset: number },
): Promise<{ count: number; rows: Record<string, unknown>[] }> {
  const [size, skip] = [values.length + 1, values.length + 2].map((n) => `$${String(n)}`);
  // the columns are worked out of the page's rows alone, not of those that are passed over before it
  const rows = await manager.query<({ listed: string; is_there: true | null } & Record<string, unknown>)[]>(
    `SELECT page.*, counted.listed FROM (SELECT count(*) AS listed FROM ${table} AS ${alias} WHERE ${where}) AS counted
     LEFT JOIN LATERAL (
       SELECT true AS is_there, ${columns} FROM (
         SELECT ${alias}.* FROM ${table} AS ${alias} WHERE ${where} ORDER BY ${order} LIMIT ${String(size)} OFFSET ${String(skip)}
       ) AS ${alias} ${join} ORDER BY ${order}
     ) AS page ON true`,
    [...values, limit, offset],
  );
  return { count: Number(rows[0]?.listed ?? 0), rows: rows.filter(({ is_there }) => is_there === true) };
}
