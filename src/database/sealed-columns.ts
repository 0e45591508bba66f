import pg from 'pg';
import type { DataSource } from 'typeorm';
import { sealedPropertiesOf } from './sealed.decorator.ts';

/** A column with sealed values. */
export interface SealedColumn {
  /** As SQL has it: unquoted names of letters and `_`. */
  column: string;
  /** Logical name; a value is sealed under `<name>:<uuid>`. */
  name: string;
  json: boolean;
}

/** A table with sealed columns, and the column of the uuid that their values are bound to: its primary key. */
export interface SealedTable {
  table: string;
  uuid: string;
  columns: readonly SealedColumn[];
}

/** Every table with sealed values, by name, as the entities say. The data source may be unconnected only if its metadata are built. */
export function sealedTables({ entityMetadatas }: DataSource): SealedTable[] {
  return entityMetadatas
    .flatMap((metadata) => {
      const columnOf = (property: string): string => {
        const column = metadata.findColumnWithPropertyName(property);
        if (!column) throw new Error(`${metadata.name} has no column for ${property}, which @Sealed needs.`);
        return column.databaseName;
      };
      const columns = sealedPropertiesOf(metadata.target).map(({ property, name, json }) => ({ column: columnOf(property), name, json }));
      return columns.length > 0 ? [{ table: metadata.tableName, uuid: columnOf('uuid'), columns }] : [];
    })
    .sort((a, b) => (a.table < b.table ? -1 : 1));
}

/** SQL for the id of the key that a value is sealed with; null for what has no such form. Looks at the value's beginning alone. */
export const keyIdOf = (column: string): string => `substring(left(${pg.escapeIdentifier(column)}, 300) FROM '^v1\\.([A-Za-z0-9_-]+)\\.')`;

/** A sealed value, and where it is. */
export interface SealedValue {
  table: string;
  uuid: string;
  column: SealedColumn;
  sealed: string;
}

/** Values that are read at a time: some have megabytes. */
const BATCH = 25;

/**
 * All sealed values, table by table, in the order of their rows; those that come to be meanwhile may be missing.
 * @param under only those that are not sealed under the key of this id
 */
export async function* sealedValues(dataSource: DataSource, { notUnder }: { notUnder?: string } = {}): AsyncGenerator<SealedValue> {
  for (const { table, uuid, columns } of sealedTables(dataSource)) {
    const names = columns.map(({ column }) => pg.escapeIdentifier(column));
    // null where there is no value: such a row isn't looked at
    const wanted = columns.map(({ column }, index) =>
      notUnder === undefined
        ? `${names[index] ?? ''} IS NOT NULL`
        : `(${names[index] ?? ''} IS NOT NULL AND ${keyIdOf(column)} IS DISTINCT FROM $2)`,
    );
    const key = pg.escapeIdentifier(uuid);
    let last: string | null = null;
    for (;;) {
      const rows: Record<string, string | null>[] = await dataSource.query(
        `SELECT ${key}, ${names.join(', ')} FROM ${pg.escapeIdentifier(table)}
          WHERE ($1::uuid IS NULL OR ${key} > $1) AND (${wanted.join(' OR ')}) ORDER BY ${key} LIMIT ${String(BATCH)}`,
        notUnder === undefined ? [last] : [last, notUnder],
      );
      for (const row of rows) {
        for (const column of columns) {
          const sealed = row[column.column];
          const rowUuid = row[uuid];
          if (!sealed || !rowUuid || (notUnder !== undefined && sealed.startsWith(`v1.${notUnder}.`))) continue;
          yield { table, uuid: rowUuid, column, sealed };
        }
      }
      if (rows.length < BATCH) break;
      last = rows.at(-1)?.[uuid] ?? null;
    }
  }
}

/** The ids of the keys that values are sealed with, each with a value of it; null for values in no such form. Reads every table once. */
export async function keysInUse(dataSource: DataSource): Promise<Map<string | null, SealedValue>> {
  const found = new Map<string | null, SealedValue>();
  for (const { table, uuid, columns } of sealedTables(dataSource)) {
    for (const column of columns) {
      const [name, key] = [pg.escapeIdentifier(column.column), pg.escapeIdentifier(uuid)];
      const rows = await dataSource.query<{ key: string | null; uuid: string }[]>(
        `SELECT ${keyIdOf(column.column)} AS key, min(${key}::text) AS uuid
           FROM ${pg.escapeIdentifier(table)} WHERE ${name} IS NOT NULL GROUP BY 1`,
      );
      for (const row of rows) {
        if (found.has(row.key)) continue;
        const [value] = await dataSource.query<{ sealed: string | null }[]>(
          `SELECT ${name} AS sealed FROM ${pg.escapeIdentifier(table)} WHERE ${key} = $1`,
          [row.uuid],
        );
        if (value?.sealed) found.set(row.key, { table, uuid: row.uuid, column, sealed: value.sealed });
      }
    }
  }
  return found;
}
