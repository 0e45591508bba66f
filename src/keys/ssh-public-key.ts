import { createHash } from 'node:crypto';

/**
 * SSH public keys in the form of `id_*.pub`: `<type> <base64> [comment]`, where the base64 is of a blob of length-prefixed strings, the
 * type first (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4, OpenSSH's PROTOCOL.u2f). Read by hand, since what is wanted is little and
 * strict: `sshpk` refuses keys that live in a FIDO token (`sk-…`), and fingerprints are hashes of the blob itself.
 */

/** The fingerprints by which a key is found, as `ssh-keygen -l` prints them behind `MD5:` and `SHA256:`. */
export interface Fingerprints {
  /** 16 lower-case hex pairs joined by colons. */
  md5: string;
  /** 43 characters of base64, without padding. */
  sha256: string;
}

/** A text on its way to be a key: long enough for every key, RSA of 16384 bits included. */
export const MAX_PUBLIC_LENGTH = 16_384;

/** Bits of an RSA modulus below which OpenSSH refuses a key. */
const MIN_RSA_BITS = 1024;

const INVALID_BASE64 = 'Key contains invalid base64 chars';

/** Whether a part of a blob is what its place asks for. */
type Part = (part: Buffer) => boolean;

/** A positive number without needless zeros in front. */
const number =
  (minimalBits = 1): Part =>
  (part) => {
    const [first = 0, second = 0] = part;
    const positive = first > 0 && first < 0x80;
    const padded = first === 0 && second >= 0x80;
    const magnitude = padded ? part.subarray(1) : part;
    return (positive || padded) && magnitude.length * 8 - (Math.clz32(magnitude[0] ?? 0) - 24) >= minimalBits;
  };
const bytes =
  (length: number): Part =>
  (part) =>
    part.length === length;
const words =
  (text: string): Part =>
  (part) =>
    part.equals(Buffer.from(text));
/** An uncompressed point of a curve whose coordinates have so many bytes. */
const point =
  (coordinate: number): Part =>
  (part) =>
    part.length === 1 + 2 * coordinate && part[0] === 4;
const filled: Part = (part) => part.length > 0;

/** What follows the type in the blob of each type. */
const parts = new Map<string, Part[]>([
  ['ssh-ed25519', [bytes(32)]],
  ['ssh-rsa', [number(), number(MIN_RSA_BITS)]],
  ['ecdsa-sha2-nistp256', [words('nistp256'), point(32)]],
  ['ecdsa-sha2-nistp384', [words('nistp384'), point(48)]],
  ['ecdsa-sha2-nistp521', [words('nistp521'), point(66)]],
  ['sk-ssh-ed25519@openssh.com', [bytes(32), filled]],
  ['sk-ecdsa-sha2-nistp256@openssh.com', [words('nistp256'), point(32), filled]],
  ['ssh-dss', [number(), number(), number(), number()]],
]);

/** What is wrong with a text that should be a public key; empty when it is one. Blanks around it don't matter. */
export function publicKeyFaults(text: string): string[] {
  const [type = '', base64] = text.trim().split(/[ \t]+/);
  const blob = base64 === undefined ? null : decoded(base64);
  if (!blob) return [INVALID_BASE64];
  // a second line would be a second key to whoever writes the text into a list of keys
  if (/\p{Cc}/u.test(text.trim().replaceAll('\t', ' '))) return ['A key is one line, without control characters.'];
  const expected = parts.get(type);
  if (!expected) return [`A key starts with its type, one of ${[...parts.keys()].join(', ')}.`];
  const [named, ...rest] = strings(blob) ?? [];
  if (!named) return ['The key is cut off, or has something after its end.'];
  if (named.toString('latin1') !== type) return ['The type in front of the key is not the type that the key itself names.'];
  if (rest.length !== expected.length || !expected.every((is, index) => is(rest[index] as Buffer))) {
    return [`This is not a valid key of its type. An RSA key needs ${String(MIN_RSA_BITS)} bits or more.`];
  }
  return [];
}

/** @param text a key without faults */
export function fingerprintsOf(text: string): Fingerprints {
  const blob = Buffer.from(text.trim().split(/[ \t]+/)[1] ?? '', 'base64');
  const md5 = createHash('md5')
    .update(blob)
    .digest('hex')
    .replace(/..(?!$)/g, '$&:');
  return { md5, sha256: createHash('sha256').update(blob).digest('base64').replace('=', '') };
}

/**
 * Reads a fingerprint as people and programs write it: MD5 or SHA-256, with or without `MD5:` or `SHA256:` in front and `=` behind.
 * @returns the one that it is, in the form of `Fingerprints`; null for what is none
 */
export function readFingerprint(text: string): Partial<Fingerprints> | null {
  const written = text.trim().replace(/\/$/, '').trim();
  const md5 = /^(?:MD5:)?([0-9a-f]{2}(?::[0-9a-f]{2}){15})$/i.exec(written)?.[1];
  if (md5 !== undefined) return { md5: md5.toLowerCase() };
  const sha256 = /^(?:SHA256:)?([A-Za-z0-9+/]{43})=?$/.exec(written)?.[1];
  return sha256 === undefined ? null : { sha256 };
}

/** Null for anything but base64 as it is written by the book, padding included. */
function decoded(base64: string): Buffer | null {
  const blob = Buffer.from(base64, 'base64');
  return blob.length > 0 && blob.toString('base64') === base64 ? blob : null;
}

/** The strings that a blob is made of, each behind its length in 4 bytes; null when the last one is cut off. */
function strings(blob: Buffer): Buffer[] | null {
  const found: Buffer[] = [];
  for (let at = 0; at < blob.length;) {
    if (at + 4 > blob.length) return null;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return null;
    found.push(blob.subarray(at + 4, end));
    at = end;
  }
  return found;
}
