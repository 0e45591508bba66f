import { generateKeyPairSync } from 'node:crypto';

/** A fresh Ed25519 public key, as in a `.pub` file. */
export function newPublicKey(comment = 'somebody@somewhere'): string {
  const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  return `ssh-ed25519 ${blob('ssh-ed25519', Buffer.from(x, 'base64url'))} ${comment}`;
}

/** The base64 of a key's parts, each behind its length. */
export function blob(...parts: (string | Buffer)[]): string {
  const framed = parts.flatMap((part) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(part));
    return [length, Buffer.from(part)];
  });
  return Buffer.concat(framed).toString('base64');
}
