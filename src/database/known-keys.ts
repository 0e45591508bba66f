import { createHmac, timingSafeEqual } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { maintenanceOptions } from './data-source.ts';
import { Encryption, type EncryptionKey, UnsealError } from './encryption.ts';
import { keysInUse } from './sealed-columns.ts';

/** Advisory lock: of all processes that start, one enters keys at a time. */
const LOCK = 7_261_003;

interface KnownKey {
  id: string;
  check_value: string;
  /** Since when it is given no more, and nothing is sealed with it. */
  retired: Date | null;
}

/** What a key is known by: it tells whether another one is the same, and nothing else about it. Never change what it gives. */
export function checkValueOf({ id, key }: EncryptionKey): string {
  return createHmac('sha256', key).update(`keelson encryption key ${id}`).digest('hex');
}

/** The keys that can't be used with this database, in words that name them by their ids. */
export class WrongKeys extends Error {
  constructor(faults: readonly string[]) {
    super(`Keelson cannot use this database with these ENCRYPTION_KEYS:\n${faults.map((fault) => `- ${fault}`).join('\n')}`);
    this.name = 'WrongKeys';
  }
}

/** The keys that the database knows, oldest first. One statement. */
export async function knownKeys(manager: EntityManager): Promise<KnownKey[]> {
  return manager.query<KnownKey[]>('SELECT id, check_value, retired FROM encryption_keys ORDER BY added, id');
}

/**
 * Holds the given keys against those that the database knows. New ones are entered; those that are given no more and that nothing is
 * sealed with any more are retired. Where nothing is new that is one statement; else every table is read once.
 * @param url of the database, without limits of time
 * @throws {WrongKeys} where a key is another one than the database knows by that id, doesn't open what is sealed with it, or is missing
 */
export async function enterKeys(dataSource: DataSource, url: string, keys: readonly EncryptionKey[]): Promise<void> {
  const known = await knownKeys(dataSource.manager);
  const given = new Set(keys.map(({ id }) => id));
  const faults = mismatches(known, keys);
  if (faults.length > 0) throw new WrongKeys(faults);
  const active = known.filter(({ retired }) => retired === null);
  if (active.length === keys.length && active.every(({ id }) => given.has(id))) return;
  const { entities } = dataSource.options;
  const patient = await new DataSource({ ...(await maintenanceOptions(url, new Encryption(keys))), entities }).initialize();
  try {
    await patient.transaction(async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
      await enter(tx, patient, keys);
    });
  } finally {
    await patient.destroy();
  }
}

async function enter(tx: EntityManager, dataSource: DataSource, keys: readonly EncryptionKey[]): Promise<void> {
  // another process may have entered some meanwhile
  const known = await knownKeys(tx);
  const inUse = await keysInUse(dataSource);
  const encryption = new Encryption(keys);
  const faults = mismatches(known, keys);
  for (const [id, { table, uuid, column, sealed }] of inUse) {
    // what is in no such form is no question of keys: `keelson secrets verify` tells of it
    if (id === null) continue;
    const key = keys.find((one) => one.id === id);
    if (!key)
      faults.push(`The key "${id}" is missing, and values are sealed with it, one of them in the table ${table}: add it to the list.`);
    else if (!known.some((one) => one.id === id) && !opens(encryption, sealed, `${column.name}:${uuid}`)) {
      faults.push(`The key "${id}" does not open what is sealed with a key of that id, such as ${column.name}:${uuid}: ${WRONG}`);
    }
  }
  if (faults.length > 0) throw new WrongKeys([...new Set(faults)]);
  for (const key of keys) {
    if (known.some(({ id }) => id === key.id)) continue;
    await tx.query('INSERT INTO encryption_keys (id, check_value) VALUES ($1, $2)', [key.id, checkValueOf(key)]);
  }
  await tx.query('UPDATE encryption_keys SET retired = CASE WHEN id = ANY($1) THEN NULL ELSE coalesce(retired, now()) END', [
    keys.map(({ id }) => id),
  ]);
}

const WRONG = 'give the key that this database was used with, or a new key a new id.';

/** Known ids that were given with other keys, in words. */
export function mismatches(known: readonly KnownKey[], keys: readonly EncryptionKey[]): string[] {
  return keys
    .filter((key) => known.some(({ id, check_value }) => id === key.id && !isSame(check_value, checkValueOf(key))))
    .map(({ id }) => `The key "${id}" is not the one that this database knows by that id: ${WRONG}`);
}

function isSame(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

function opens(encryption: Encryption, sealed: string, name: string): boolean {
  try {
    encryption.open(sealed, name);
    return true;
  } catch (error) {
    if (error instanceof UnsealError) return false;
    throw error;
  }
}
