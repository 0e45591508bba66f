import { generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto';
import { issue } from '../../test/certificates.ts';
import { certificateFacts, certificateFaults, covers, keyFaults } from './certificate-facts.ts';

const pkcs8 = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 1024 });
const { privateKey: ec } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const block = (label: string, content: string): string => `-----BEGIN ${label}-----\n${content}\n-----END ${label}-----\n`;

describe('the facts of a certificate', () => {
  it('are its names, its fingerprint and its times', async () => {
    const starts = new Date('1970-01-02T03:04:05Z');
    const expires = new Date('2049-12-31T23:59:59Z');
    const { certificate } = await issue({ names: ['www.example.com', '*.example.com', 'a.example.com'], starts, expires });
    const facts = certificateFacts(certificate);
    expect(facts).toEqual({
      commonName: 'www.example.com',
      san: ['www.example.com', '*.example.com', 'a.example.com'],
      fingerprint: new X509Certificate(certificate).fingerprint256,
      starts,
      expires,
      issuer: '/CN=www.example.com',
      subject: '/CN=www.example.com',
    });
    expect(facts.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  });

  it('give the subject in its own order, with the short names of OpenSSL and values as they are', async () => {
    const { certificate } = await issue({
      subject: [
        { C: ['US'] },
        { ST: ['Łódź/East'] },
        { L: [' a, b; c + d '] },
        { O: ['back\\\\slash <0A>'], OU: ['two', 'three'] },
        { CN: ['first'] },
        { CN: ['second'] },
        { E: ['ada@example.com'] },
      ],
    });
    const { subject, issuer, commonName } = certificateFacts(certificate);
    expect(commonName).toBe('first');
    expect(issuer).toBe(subject);
    // the attributes of one RDN are a set: DER decides their order
    expect(subject.replace(/\/(O|OU)=[^/]*/g, '')).toBe(
      '/C=US/ST=Łódź/East/L= a, b; c + d /CN=first/CN=second/emailAddress=ada@example.com',
    );
    expect(subject).toContain('/O=back\\slash <0A>');
    expect(subject).toContain('/OU=two');
    expect(subject).toContain('/OU=three');
  });

  it('keep control characters out of names', async () => {
    const { certificate } = await issue({ subject: [{ CN: ['a\nCN=evil\0b'] }] });
    expect(certificateFacts(certificate)).toMatchObject({ commonName: 'a\\0ACN=evil\\00b', subject: '/CN=a\\0ACN=evil\\00b' });
  });

  it('do without a subject, a common name and alternative names', async () => {
    expect(certificateFacts((await issue({ subject: [], names: [] })).certificate)).toMatchObject({
      commonName: null,
      san: [],
      subject: '',
      issuer: '',
    });
    expect(certificateFacts((await issue({ subject: [{ O: ['x'] }] })).certificate)).toMatchObject({ commonName: null, subject: '/O=x' });
  });

  it('count DNS names only, and take no other name for one', async () => {
    const { certificate } = await issue({
      alternatives: [
        { type: 'ip', value: '10.0.0.1' },
        { type: 'dns', value: 'b.example.com' },
        { type: 'email', value: 'x@example.com' },
        { type: 'dns', value: 'one, DNS:two.example.com' },
        { type: 'url', value: 'http://example.com/, DNS:three.example.com' },
        { type: 'dn', value: 'CN=DNS:four.example.com, O=DNS:five.example.com' },
        { type: 'dns', value: `quo"te'\\` },
        { type: 'dns', value: 'a.example.com' },
      ],
    });
    expect(certificateFacts(certificate).san).toEqual(['b.example.com', 'one, DNS:two.example.com', `quo"te'\\`, 'a.example.com']);
  });

  it('are those of the first certificate of a chain, whatever stands around it', async () => {
    const [leaf, authority] = [await issue({ names: ['leaf.example.com'] }), await issue({ names: ['ca.example.com'] })];
    const chain = `Bag Attributes\r\n${leaf.certificate.replaceAll('\n', '\r\n')}subject=/CN=ca\n${authority.certificate}the end`;
    expect(certificateFaults(chain)).toEqual([]);
    expect(certificateFacts(chain).commonName).toBe('leaf.example.com');
  });
});

describe('what is no certificate', () => {
  it('is a chain longer than any, which would keep everybody waiting', async () => {
    const { certificate } = await issue();
    expect(certificateFaults(certificate.repeat(32))).toEqual([]);
    expect(certificateFaults(certificate.repeat(33))).toEqual(['Could not load certificate: there are more than 32 certificates in it']);
  });

  it.each([
    ['nothing', ' ', 'there is no PEM block CERTIFICATE in it'],
    ['junk', 'MIIB', 'there is no PEM block CERTIFICATE in it'],
    ['a block without an end', '-----BEGIN CERTIFICATE-----\nMIIB\n', 'a PEM block in it does not end'],
    ['a block that ends as another', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END X-----\n', 'a PEM block in it does not end'],
    ['a block in a block', block('CERTIFICATE', block('CERTIFICATE', 'MIIB')), 'a PEM block in it does not end'],
    ['a private key', pkcs8(ec), 'it may hold nothing but certificates, and there is a block PRIVATE KEY in it'],
  ])('%s', (_title, pem, reason) => {
    expect(certificateFaults(pem)).toEqual([`Could not load certificate: ${reason}`]);
  });

  it.each([
    ['other contents', 'AAAA'],
    ['no base64', '!!!!'],
  ])('%s', (_title, content) => {
    // the reason is OpenSSL's
    expect(certificateFaults(block('CERTIFICATE', content))).toEqual([
      expect.stringMatching(/^Could not load certificate: certificate 1 of 1 is damaged \([a-z0-9 ]+\)$/),
    ]);
  });

  it('is also a good one with a damaged one behind it', async () => {
    const { certificate } = await issue();
    const cut = certificate.replace(/\n.*\n-----END/, '\n-----END');
    const [fault, ...others] = certificateFaults(certificate + cut);
    expect(fault).toMatch(/^Could not load certificate: certificate 2 of 2 is damaged \([a-z0-9 ]+\)$/);
    expect(others).toEqual([]);
  });

  it('is also one with its key, which would be stored in clear', async () => {
    const { certificate, key } = await issue();
    const only = 'Could not load certificate: it may hold nothing but certificates, and there is a';
    expect(certificateFaults(certificate + key)).toEqual([`${only} block PRIVATE KEY in it`]);
    expect(certificateFaults(certificate + key.replace(/^/gm, ' '))).toEqual([`${only} PRIVATE KEY in it`]);
  });

  it('is also one whose names no database can hold', async () => {
    const { certificate } = await issue({ names: ['a\0.example.com'] });
    expect(certificateFaults(certificate)).toEqual([
      'Could not load certificate: a DNS name in certificate 1 of 1 has characters that no name can have',
    ]);
  });

  it('is told in time, however many blocks there are', () => {
    expect(certificateFaults('-----BEGIN CERTIFICATE-----\nx\n'.repeat(4000))).toHaveLength(1);
    expect(certificateFaults(block('CERTIFICATE', 'x').repeat(2000))).toHaveLength(1);
  });
});

describe('a private key', () => {
  it.each(['rsa', 'ec', 'ed25519'] as const)('of the type %s belongs to its certificate alone', async (type) => {
    const [mine, other] = [await issue({ type }), await issue({ type })];
    expect(keyFaults(mine.key, mine.certificate)).toEqual([]);
    expect(keyFaults(other.key, mine.certificate)).toEqual(['Private key does not match the certificate']);
    // the leaf's, not the authority's
    expect(keyFaults(mine.key, other.certificate + mine.certificate)).toEqual(['Private key does not match the certificate']);
  });

  it.each([
    ['PKCS#1', rsa.export({ type: 'pkcs1', format: 'pem' }).toString()],
    ['SEC 1', ec.export({ type: 'sec1', format: 'pem' }).toString()],
    ['parameters before it', `${block('EC PARAMETERS', 'BggqhkjOPQMBBw==')}${ec.export({ type: 'sec1', format: 'pem' }).toString()}`],
    ['text around it', `Key\r\n${pkcs8(rsa).replaceAll('\n', '\r\n')}end`],
  ])('may come as %s', (_title, pem) => {
    expect(keyFaults(pem, undefined)).toEqual([]);
  });

  const passphrase = { cipher: 'aes-256-cbc', passphrase: 'secret' };
  const type = (name: string): string => `it is of the type ${name}: use RSA, EC or Ed25519`;
  it.each([
    ['junk', 'junk', 'there is no PEM block PRIVATE KEY in it'],
    ['a public key', block('PUBLIC KEY', 'AAAA'), 'there is no PEM block PRIVATE KEY in it'],
    ['damaged', block('PRIVATE KEY', 'AAAA'), 'it is damaged, or in a form other than PKCS#8, PKCS#1 and SEC 1'],
    ['of SSH', block('OPENSSH PRIVATE KEY', 'b3BlbnNzaC1rZXktdjEA'), 'it is damaged, or in a form other than PKCS#8, PKCS#1 and SEC 1'],
    ['cut', '-----BEGIN PRIVATE KEY-----\nAAAA', 'a PEM block in it does not end'],
    ['encrypted', rsa.export({ type: 'pkcs8', format: 'pem', ...passphrase }), 'it is encrypted: take its passphrase away first'],
    ['encrypted of old', rsa.export({ type: 'pkcs1', format: 'pem', ...passphrase }), 'it is encrypted: take its passphrase away first'],
    ['Ed448', pkcs8(generateKeyPairSync('ed448').privateKey), type('ed448')],
    ['RSA-PSS', pkcs8(generateKeyPairSync('rsa-pss', { modulusLength: 1024 }).privateKey), type('rsa-pss')],
  ])('is refused when it is %s, in words that hold nothing of it', (_title, pem, reason) => {
    expect(keyFaults(pem.toString(), undefined)).toEqual([`Could not load private key: ${reason}`]);
  });

  it('is no worse for a faulty certificate', () => {
    for (const certificate of [undefined, null, 7, 'junk']) expect(keyFaults(pkcs8(ec), certificate)).toEqual([]);
  });
});

it.each([
  [['www.example.com'], 'www.example.com', true],
  [['WWW.Example.com'], 'www.example.com', true],
  [['other.example.com', 'www.example.com'], 'www.example.com', true],
  [['*.example.com'], 'www.example.com', true],
  [['*.example.com'], '*.example.com', true],
  [['*.example.com'], 'example.com', false],
  [['*.example.com'], 'a.b.example.com', false],
  [['www.example.com'], '*.example.com', false],
  [['example.com'], 'www.example.com', false],
  [['*'], 'localhost', false],
  [['*t'], 'localhost', false],
  [[], 'www.example.com', false],
])('a certificate for %j and the host %s: %s', (san, host, covered) => {
  expect(covers({ san }, host)).toBe(covered);
});
