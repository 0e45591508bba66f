import pg from 'pg';
import { type DataSource, QueryFailedError } from 'typeorm';
import { UnsealError, type Encryption } from '../database/encryption.ts';
import { sealedTables, sealedValues, type SealedValue } from '../database/sealed-columns.ts';
import { nameOf } from './sealed-check.ts';

/** What a rotation did. */
export interface Rotated {
  /** Values that were sealed anew, by table. */
  counts: Map<string, number>;
  /** Values that something else wrote, or took away, just then: theirs is left as it is. */
  overtaken: number;
  /** What doesn't open, in words that name it: it stays as it is. */
  faults: string[];
  /** Values that are still not under the newest key, beside those that don't open. */
  left: number;
}

/** How often all tables are gone through: what others write under an older key meanwhile is found the next time. */
const ROUNDS = 5;
const FAULTS = 200;
/** Triggers keep this table from being changed. Who owns it may put them aside. */
const APPEND_ONLY: Readonly<Record<string, string>> = { audit_keys: 'audit_keys_append_only' };

/**
 * Seals everything anew that isn't under the newest key, one value at a time and only where the row still has the value that was read:
 * what is written meanwhile wins, nobody waits for a lock of more than one row, and what was done stays done when it breaks off.
 * @param dataSource of the role that owns the tables
 * @param newest id of the newest key
 */
export async function rotate(dataSource: DataSource, encryption: Encryption, newest: string): Promise<Rotated> {
  const rotated: Rotated = { counts: new Map(), overtaken: 0, faults: [], left: 0 };
  const broken = new Set<string>();
  for (let round = 1; ; round++) {
    let found = 0;
    for await (const value of sealedValues(dataSource, { notUnder: newest })) {
      if (broken.has(nameOf(value))) continue;
      const clear = opened(encryption, value);
      if (clear instanceof UnsealError) {
        broken.add(nameOf(value));
        if (rotated.faults.length < FAULTS) rotated.faults.push(`${clear.message} It is in the table ${value.table}.`);
        continue;
      }
      found += 1;
      if (await replace(dataSource, value, encryption.seal(clear, nameOf(value)))) {
        rotated.counts.set(value.table, (rotated.counts.get(value.table) ?? 0) + 1);
      } else {
        rotated.overtaken += 1;
      }
    }
    if (found === 0) return rotated;
    if (round === ROUNDS) return { ...rotated, left: found };
  }
}

function opened(encryption: Encryption, value: SealedValue): string | UnsealError {
  try {
    return encryption.open(value.sealed, nameOf(value));
  } catch (error) {
    if (error instanceof UnsealError) return error;
    throw error;
  }
}

/** @returns whether the row still had the value that was read */
async function replace(dataSource: DataSource, { table, uuid, column, sealed }: SealedValue, anew: string): Promise<boolean> {
  const key = sealedTables(dataSource).find((one) => one.table === table)?.uuid ?? 'uuid';
  const name = pg.escapeIdentifier(column.column);
  const sql = `UPDATE ${pg.escapeIdentifier(table)} SET ${name} = $3 WHERE ${pg.escapeIdentifier(key)} = $1 AND ${name} = $2`;
  const trigger = APPEND_ONLY[table];
  if (trigger === undefined) {
    const [, affected] = await dataSource.query<[unknown, number]>(sql, [uuid, sealed, anew]);
    return affected === 1;
  }
  try {
    return await dataSource.transaction(async (tx) => {
      await tx.query(`ALTER TABLE ${table} DISABLE TRIGGER ${trigger}`);
      const [, affected] = await tx.query<[unknown, number]>(sql, [uuid, sealed, anew]);
      await tx.query(`ALTER TABLE ${table} ENABLE TRIGGER ${trigger}`);
      return affected === 1;
    });
  } catch (error) {
    if (!(error instanceof QueryFailedError) || (error.driverError as { code?: string }).code !== '42501') throw error;
    throw new Error(`The table ${table} belongs to another role: set MIGRATION_DATABASE_URL for it. What is done already stays done.`);
  }
}
