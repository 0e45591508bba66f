import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { isStorable } from '../http/field-values.ts';
import { pemBlocks, type PemBlock } from './pem.ts';

/** What a certificate says of itself. */
export interface CertificateFacts {
  /** CN of the subject, the first of several; null without one. */
  commonName: string | null;
  /** DNS names of the subject's alternative names, in order. */
  san: string[];
  /** SHA-256 of the DER: upper-case hex pairs joined by colons. */
  fingerprint: string;
  starts: Date;
  expires: Date;
  /** `/C=…/CN=…` in the certificate's order, with OpenSSL's short names. */
  issuer: string;
  subject: string;
}

/** What can't be made use of. Its message says why and holds nothing of what was given. */
class Unusable extends Error {}

/** Go's TLS, which Kubernetes and most Ingress controllers read Secrets with, knows no others. */
const KEY_TYPES = new Set<string | undefined>(['rsa', 'ec', 'ed25519']);

/** Far more than any chain has: each takes time to look into, during which nobody else is served. */
const MAX_CHAIN = 32;

/** @param pem text that has no `certificateFaults`: a certificate, whose facts these are, and those that vouch for it */
export function certificateFacts(pem: string): CertificateFacts {
  const [certificate] = loadChain(pem);
  const subject = attributesOf(certificate.subject);
  const commonName = subject.find((attribute) => attribute.startsWith('CN='));
  return {
    commonName: commonName?.slice('CN='.length) ?? null,
    san: dnsNames(certificate),
    fingerprint: certificate.fingerprint256,
    // Node 20 has no validToDate
    starts: new Date(certificate.validFrom),
    expires: new Date(certificate.validTo),
    issuer: slashed(attributesOf(certificate.issuer)),
    subject: slashed(subject),
  };
}

/** Why a text is no certificate, with or without a chain; empty if it is one. */
export function certificateFaults(pem: string): string[] {
  return faultsOf('Could not load certificate', () => {
    loadChain(pem);
    return [];
  });
}

/**
 * Why a text is no private key, or none that belongs to the certificate; empty if it is one.
 * @param certificate PEM, as it was sent: one that is faulty itself is no fault of the key
 */
export function keyFaults(pem: string, certificate: unknown): string[] {
  return faultsOf('Could not load private key', () => {
    const key = loadKey(pem);
    if (typeof certificate !== 'string' || certificateFaults(certificate).length > 0) return [];
    return loadChain(certificate)[0].checkPrivateKey(key) ? [] : ['Private key does not match the certificate'];
  });
}

/** Whether browsers take the certificate for this host name, or for all that a wildcard stands for. A common name counts for nothing. */
export function covers({ san }: Pick<CertificateFacts, 'san'>, host: string): boolean {
  const wildcard = host.includes('.') ? `*${host.slice(host.indexOf('.'))}` : host;
  return san.map((name) => name.toLowerCase()).some((name) => name === host || name === wildcard);
}

function faultsOf(what: string, check: () => string[]): string[] {
  try {
    return check();
  } catch (error) {
    if (error instanceof Unusable) return [`${what}: ${error.message}`];
    throw error;
  }
}

/** All certificates have to be good: whoever serves the Secret loads it whole. */
function loadChain(pem: string): [X509Certificate, ...X509Certificate[]] {
  const blocks = blocksOf(pem);
  // the text is stored in clear, so it must not hold a key
  const other = blocks.find(({ label }) => label !== 'CERTIFICATE');
  if (other) throw new Unusable(`it may hold nothing but certificates, and there is a block ${other.label} in it`);
  // one that is indented, say, is no block
  if (pem.includes('PRIVATE KEY-----')) throw new Unusable('it may hold nothing but certificates, and there is a PRIVATE KEY in it');
  if (blocks.length > MAX_CHAIN) throw new Unusable(`there are more than ${String(MAX_CHAIN)} certificates in it`);
  const [first, ...rest] = blocks.map((block, index) => load(block, `certificate ${String(index + 1)} of ${String(blocks.length)}`));
  if (!first) throw new Unusable('there is no PEM block CERTIFICATE in it');
  return [first, ...rest];
}

function load({ text }: PemBlock, which: string): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(text);
  } catch (error) {
    throw new Unusable(`${which} is damaged (${(error as { reason?: string }).reason ?? 'it cannot be read'})`);
  }
  if (Number.isNaN(Date.parse(certificate.validFrom)) || Number.isNaN(Date.parse(certificate.validTo))) {
    throw new Unusable(`the validity of ${which} cannot be read`);
  }
  if (!dnsNames(certificate).every(isStorable)) throw new Unusable(`a DNS name in ${which} has characters that no name can have`);
  return certificate;
}

function loadKey(pem: string): KeyObject {
  const block = blocksOf(pem).find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (!block) throw new Unusable('there is no PEM block PRIVATE KEY in it');
  if (block.label.startsWith('ENCRYPTED') || block.text.includes('\nProc-Type: 4,ENCRYPTED')) {
    throw new Unusable('it is encrypted: take its passphrase away first');
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(block.text);
  } catch {
    throw new Unusable('it is damaged, or in a form other than PKCS#8, PKCS#1 and SEC 1');
  }
  if (!KEY_TYPES.has(key.asymmetricKeyType)) {
    throw new Unusable(`it is of the type ${key.asymmetricKeyType ?? 'unknown'}: use RSA, EC or Ed25519`);
  }
  return key;
}

function blocksOf(pem: string): PemBlock[] {
  const blocks = pemBlocks(pem);
  if (!blocks) throw new Unusable('a PEM block in it does not end');
  return blocks;
}

/** Node's form is `DNS:a, IP Address:1.2.3.4, DNS:"b\u002c c"`: JSON where there is something special in a value, commas then escaped. */
function dnsNames({ subjectAltName }: X509Certificate): string[] {
  const values = (subjectAltName ?? '')
    .split(', ')
    .filter((entry) => entry.startsWith('DNS:'))
    .map((entry) => entry.slice('DNS:'.length));
  return values.map((value) => (value.startsWith('"') ? (JSON.parse(value) as string) : value));
}

/**
 * A name's `K=V`. Node gives one RDN a line, its attributes joined by ` + `, none at all as undefined, and values escaped as in
 * RFC 2253; control characters stay escaped.
 */
function attributesOf(name: string | undefined): string[] {
  if (!name) return [];
  return name
    .split('\n')
    .flatMap((rdn) => rdn.split(' + '))
    .map((attribute) => attribute.replace(/\\([^0-9A-F])/g, '$1'));
}

const slashed = (attributes: string[]): string => attributes.map((attribute) => `/${attribute}`).join('');
