import 'reflect-metadata';
import { type JsonName, SubjectAlternativeNameExtension, X509CertificateGenerator, type JsonGeneralNames } from '@peculiar/x509';
import { createPrivateKey, webcrypto } from 'node:crypto';

/** A certificate that vouches for itself, made for one test, with its key. Both PEM. */
export interface Issued {
  certificate: string;
  key: string;
}

interface Wanted {
  /** Each object is one RDN. `CN=<the first of names>` by default. */
  subject?: JsonName;
  /** DNS names of the subject's alternative names. */
  names?: string[];
  /** In place of `names`: alternative names of all kinds. */
  alternatives?: JsonGeneralNames;
  type?: 'rsa' | 'ec' | 'ed25519';
  starts?: Date;
  expires?: Date;
}

const ALGORITHMS = {
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 },
  ec: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  ed25519: { name: 'Ed25519' },
};

/** Issues a certificate. EC by default, valid in 2026. */
export async function issue({ names = ['www.example.com'], type = 'ec', ...wanted }: Wanted = {}): Promise<Issued> {
  const algorithm = ALGORITHMS[type];
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const alternatives = wanted.alternatives ?? names.map((value) => ({ type: 'dns' as const, value }));
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: wanted.subject ?? [{ CN: [names[0] ?? 'nobody'] }],
      notBefore: wanted.starts ?? new Date('2026-01-01T00:00:00Z'),
      notAfter: wanted.expires ?? new Date('2026-12-31T23:59:59Z'),
      keys,
      signingAlgorithm: algorithm,
      extensions: alternatives.length > 0 ? [new SubjectAlternativeNameExtension(alternatives)] : [],
    },
    webcrypto as Crypto,
  );
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' });
  return { certificate: `${certificate.toString('pem')}\n`, key: key.toString() };
}
