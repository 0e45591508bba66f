import { randomBytes, randomUUID } from 'node:crypto';
import type { ClientBase } from 'pg';
import { Column, Entity, type EntityManager, PrimaryColumn } from 'typeorm';
import type { Encryption } from '../database/encryption.ts';
import { Sealed } from '../database/sealed.decorator.ts';

/** Logical name of what is encrypted. */
const KEY = 'audit_keys.key';
/** Why nothing can be sealed or verified. */
export const KEY_GONE = 'The key of the audit log is gone from the table audit_keys: bring it back from a backup.';

/** The one key that the chain is made with. It stays the same when the keys of the encryption are replaced. */
@Entity('audit_keys')
export class AuditKey {
  @PrimaryColumn('uuid')
  uuid!: string;

  /** Base64 of 32 bytes. */
  @Sealed(KEY)
  @Column('text')
  key!: string;
}

/** Null before the first row is sealed. */
export async function readAuditKey(manager: EntityManager): Promise<Buffer | null> {
  const [row] = await manager.find(AuditKey);
  return row ? Buffer.from(row.key, 'base64') : null;
}

/**
 * The key to seal with, made with the first seal.
 * @param client in the transaction that seals: the one that holds the lock of sealers
 * @param begun whether there are seals
 * @throws {Error} where the key is gone: what was sealed with it could not be told from what was changed
 */
export async function sealingKey(client: ClientBase, encryption: Encryption, begun: boolean): Promise<Buffer> {
  const { rows } = await client.query<{ uuid: string; key: string }>('SELECT uuid, key FROM audit_keys');
  if (rows[0]) return Buffer.from(encryption.open(rows[0].key, `${KEY}:${rows[0].uuid}`), 'base64');
  if (begun) throw new Error(KEY_GONE);
  const [uuid, key] = [randomUUID(), randomBytes(32)];
  await client.query('INSERT INTO audit_keys (uuid, key) VALUES ($1, $2)', [
    uuid,
    encryption.seal(key.toString('base64'), `${KEY}:${uuid}`),
  ]);
  return key;
}
