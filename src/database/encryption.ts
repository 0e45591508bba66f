import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** One key of AES-256-GCM; its id is written into every value that it seals. */
export interface EncryptionKey {
  /** Letters, digits, `-` and `_`. */
  id: string;
  /** 32 bytes. */
  key: Buffer;
}

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encryption at rest. A sealed value is `v1.<key id>.<base64url of iv, tag and ciphertext>`.
 * The name under which a value is sealed (`config.values:<uuid of the row>`) is authenticated with it: a ciphertext that was moved to
 * another row or column does not open.
 */
export class Encryption {
  private readonly keys: ReadonlyMap<string, Buffer>;
  private readonly newest: EncryptionKey;

  /** @param keys newest first: the first one seals, all of them open */
  constructor(keys: readonly EncryptionKey[]) {
    const [newest] = keys;
    if (!newest) throw new Error('Encryption needs at least one key.');
    this.newest = newest;
    this.keys = new Map(keys.map(({ id, key }) => [id, key]));
  }

  seal(plain: string, name: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.newest.key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(name));
    const ciphertext = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
    return `v1.${this.newest.id}.${Buffer.concat([iv, cipher.getAuthTag(), ciphertext]).toString('base64url')}`;
  }

  /** @throws {UnsealError} in words that name the value, never its content */
  open(sealed: string, name: string): string {
    const [version, keyId, payload, ...rest] = sealed.split('.');
    if (version !== 'v1' || keyId === undefined || payload === undefined || rest.length > 0) {
      throw new UnsealError(name, 'it is not in the form v1.<key>.<payload>; was it written past the encryption?');
    }
    const key = this.keys.get(keyId);
    if (!key) throw new UnsealError(name, `its key "${keyId}" is unknown; add that key to ENCRYPTION_KEYS`);
    const bytes = Buffer.from(payload, 'base64url');
    if (bytes.length < IV_BYTES + TAG_BYTES) throw new UnsealError(name, 'it is cut off');
    const tagEnd = IV_BYTES + TAG_BYTES;
    try {
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(name))
        .setAuthTag(bytes.subarray(IV_BYTES, tagEnd));
      return Buffer.concat([decipher.update(bytes.subarray(tagEnd)), decipher.final()]).toString('utf8');
    } catch {
      throw new UnsealError(name, `it was changed, moved from another row or column, or sealed with another key named "${keyId}"`);
    }
  }
}

/** A stored value that cannot be read: the operator's trouble, never the caller's. */
export class UnsealError extends Error {
  constructor(name: string, reason: string) {
    super(`Cannot decrypt ${name}: ${reason}.`);
    this.name = 'UnsealError';
  }
}
