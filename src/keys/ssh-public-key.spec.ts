import { blob } from '../../test/ssh-key.ts';
import { fingerprintsOf, publicKeyFaults, readFingerprint } from './ssh-public-key.ts';

const ed25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH+1oYxJ1mzG/UI8nYBPllAoXNa/kB/f0MN56Ivmje+x ada@laptop';
const blobOf = (key: string): Buffer => Buffer.from(key.split(' ')[1] ?? '', 'base64');

/** The fingerprints are what `ssh-keygen -l` says of them. */
const keys: [string, string, string][] = [
  [ed25519, '9d:bd:e7:a3:e4:e1:d0:4c:3e:77:4f:78:e1:ef:ad:e2', 'ja0WyJm5IoELN7s8+7JBf+odwrxop9OcgEkDXz1jlBc'],
  [
    'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDPzfDqI0dgYHxU2Afj85EsJ5RVRiyAaFhEg7wa0X0vSWZw1cW0xkEkHmGtdm5sEtG3eKCgLnvjE1TV8by6KFHxG22hZ46GV10K6uUwo8cy56IQqSSI+IjR63vDVMNo+dEsbxP1dGszWfVySt0kzVNR1A0C+0Y4AwoETcqmS1U90Q==',
    'a3:2b:b6:70:44:fb:16:92:c4:6d:9c:d3:a3:a5:42:a3',
    '4DIot9XSri+q77rCfCAvIFf5mDCB0KmrBr1LBSmVHh0',
  ],
  [
    'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBO/ziD5Xr/JfeS7SZgtmDae/QahtCaT68r9YeV5N0LHJwrr5oz5ja4yd55XV5kXpiAjEe3uoSQKcXQltPMgJvNI= ada@laptop',
    '96:bb:f0:b1:52:a4:f8:94:70:4e:d7:f1:78:16:d0:e7',
    '4L7aqNWNhWhqiazFG5oHj04KPo8KpetauO7GJw+OSF8',
  ],
  [
    'ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBHVAse5Np2X1tBzyqZJVirpEqmAxn2hJ1CYjaT7mK0GLED9W5DaAYQTn2e4GjjveD5JSWimFiNKu/JH2WPn2ZFD7U3RlZ+QeXq2KUssz8WAxPuPpVkBP1+mIv+J0WgKN/g==',
    'bd:b9:79:18:c1:47:1c:94:b5:b6:50:e6:71:78:a8:35',
    'Ss19IXAAdTnofAcnOsAdC0pe9OqK0aaV+TVkm90oCzY',
  ],
  [
    'ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAB1v0FUfLjxOl4ALkSg1q8oQ9hUIcZXjhB9rD4uogtuIt9LgXaTxgFMCKzjVJlMxd34h8ayH1QB//onPyWNDu/lPADK2e1QXbMkh9PXzTW2Jzmkbu8U+G/Drttj3zS1uO+9QlS2nTXojvgYa2vCxxsAGOPw4lr19yCBOHOcQO22VT5CqA==',
    '07:90:48:f6:a7:2d:b8:34:28:12:e0:99:12:23:ff:08',
    'WgQ4qhS7Jk/qwpa9IIm/wdf97mBePhOxqYuliF/C5H8',
  ],
  [
    'sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIDUTcUzSCSKaY/ErHh2mDQSjpxNJRU3J+L4zLiOukwudAAAABHNzaDo= ada@token',
    'dd:55:69:a1:a9:be:bb:7d:3f:bd:6b:45:7f:c8:5e:e1',
    'AJ3yO3dVclMkw27iHySbIUCwIu3nrd8A0By/GBuvQhU',
  ],
  [
    'sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBB09vXz7iitNLfxrvTUxlW5X238T1RUcJWiDgp+qnJ9NxuZis+9cGNJZuV8lSU96mUi1ij42BUQO1A6xzMr1T3MAAAAEc3NoOg==',
    '1e:af:69:db:f6:4c:97:04:44:60:56:68:d4:21:36:7f',
    'BVU4nm/F+B6BpHxJSWj2LgbOGlFjQIAw6xIXIhssJMg',
  ],
  [
    'ssh-dss AAAAB3NzaC1kc3MAAACBAO3tAiKsPgDv2Bi6QNKS+u1OGJNrvzzTilszlAAl4OYsBz8h+jrc8OzNmGPYcVVIhtvCsrVRydelpjYHydCL1L6pu6SWWlTPsJhsRsPMmeBu4T4ersoqLM+vEXmv+mf/mB1agSX/LDwzhzPVPTQDIm95vljB1ryFRx3gnX6vCDDHAAAAFQCK8e7ctAt0DlJB2IIh6XHs1pfBGwAAAIBacQHO+D75ym6xn5wwhI1VbAKJFeyq0RFzU3rq0i8fC1U48FPKJt4VvxXq8XANvRF1BOqWEJqsCTZggCp/89cWx1Puog/uD+KS2qdDFv8jUNiLiAe9vh+n9SIW5XYFXpo2HIIUxfRlgwtBOUkiatGaeR0rDDeqWo3pJQYpZltgkAAAAIEA5tRo49OSgo6Vifbj1Cb0TaUTALtVsZ0DjrkfpUZ9hMBwe/4Z9N23s/6Y+N+VRkQeOvCFoSoib3OFWuuwiGx93z52LodeBaICd9nHXHHMaVUAOI1EEkkRBADijSrvsokje+iITYSVvh28N9AZQvfETihzFHdKeb7RsizkC0Bfqqo=',
    'd9:80:d0:16:39:89:9b:fc:fc:c2:2f:66:07:86:44:eb',
    'c7ox0N/Bb1su4tXaeDSnvM2LHp12oDjiSHIO5KWj96Y',
  ],
];

describe.each(keys.map((key) => [key[0].split(' ')[0], ...key] as const))('a key of type %s', (type, text, md5, sha256) => {
  it('is taken, with blanks around it too', () => {
    expect([publicKeyFaults(text), publicKeyFaults(`  ${text.replace(' ', ' \t ')}\r\n`)]).toEqual([[], []]);
  });

  it('has the fingerprints of ssh-keygen, whatever its comment', () => {
    expect([fingerprintsOf(text), fingerprintsOf(` ${text} and more\n`)]).toEqual([
      { md5, sha256 },
      { md5, sha256 },
    ]);
  });

  it('is refused when it is cut anywhere, or longer', () => {
    const blob = blobOf(text);
    const lengths = Array.from({ length: blob.length - 1 }, (_, index) => index + 1);
    const spoilt = [
      ...lengths.map((length) => blob.subarray(0, length)),
      ...[1, 4, 8].map((more) => Buffer.concat([blob, Buffer.alloc(more)])),
    ];
    expect(spoilt.filter((wrong) => publicKeyFaults(`${type} ${wrong.toString('base64')}`).length === 0)).toEqual([]);
  });
});

const base64 = 'Key contains invalid base64 chars';
const oneLine = 'A key is one line, without control characters.';
const unknown = expect.stringMatching(/^A key starts with its type, one of ssh-ed25519, ssh-rsa, /) as string;
const cut = 'The key is cut off, or has something after its end.';
const otherType = 'The type in front of the key is not the type that the key itself names.';
const invalid = 'This is not a valid key of its type. An RSA key needs 1024 bits or more.';
const [, edBlob = ''] = ed25519.split(' ');
const exponent = Buffer.from([1, 0, 1]);

it.each<[string, string, string]>([
  ['one word', 'ssh-ed25519', base64],
  ['something else than base64', 'ssh-ed25519 AAAA*AAA', base64],
  ['base64 without its padding', 'ssh-rsa AAAAB3NzaC1yc2E', base64],
  ['base64 with too much padding', `ssh-ed25519 ${edBlob}====`, base64],
  ['base64 whose last bits are lost', `ssh-rsa ${blob('ssh-rsa').replace('=', '').slice(0, -1)}B=`, base64],
  ['base64 for URLs', ed25519.replace('/', '_'), base64],
  ['a line break in the base64', ed25519.replace('NTE5', 'NTE5\n'), base64],
  ['two keys', `${ed25519}\n${ed25519}`, oneLine],
  ['a control character in the comment', `${ed25519}\u0007`, oneLine],
  ['options in front', `command="sh" ${ed25519}`, base64],
  ['an unknown type', `ssh-foo ${blob('ssh-foo', 'x')}`, unknown],
  ['a certificate', `ssh-ed25519-cert-v01@openssh.com ${blob('ssh-ed25519-cert-v01@openssh.com', 'x')}`, unknown],
  ['a property of all objects for a type', `constructor ${edBlob}`, unknown],
  ['no string at all', 'ssh-ed25519 AAA=', cut],
  ['a length beyond its end', 'ssh-ed25519 /////w==', cut],
  ['the type of another key in front', `ssh-rsa ${edBlob}`, otherType],
  ['an Ed25519 key of 31 bytes', `ssh-ed25519 ${blob('ssh-ed25519', Buffer.alloc(31))}`, invalid],
  ['an Ed25519 key with something behind it', `ssh-ed25519 ${blob('ssh-ed25519', Buffer.alloc(32), '')}`, invalid],
  ['a token’s key without its application', `sk-ssh-ed25519@openssh.com ${blob('sk-ssh-ed25519@openssh.com', Buffer.alloc(32))}`, invalid],
  ['a short RSA key', `ssh-rsa ${blob('ssh-rsa', exponent, Buffer.alloc(127, 0x7f))}`, invalid],
  ['a negative RSA modulus', `ssh-rsa ${blob('ssh-rsa', exponent, Buffer.alloc(128, 0xff))}`, invalid],
  [
    'needless zeros in a number',
    `ssh-rsa ${blob('ssh-rsa', Buffer.concat([Buffer.alloc(1), exponent]), Buffer.alloc(256, 0x7f))}`,
    invalid,
  ],
  ['zero for a number', `ssh-rsa ${blob('ssh-rsa', Buffer.alloc(1), Buffer.alloc(256, 0x7f))}`, invalid],
  ['nothing for a number', `ssh-rsa ${blob('ssh-rsa', '', Buffer.alloc(256, 0x7f))}`, invalid],
  ['another curve than its type’s', `ecdsa-sha2-nistp256 ${blob('ecdsa-sha2-nistp256', 'nistp384', Buffer.alloc(65, 4))}`, invalid],
  ['a compressed point', `ecdsa-sha2-nistp256 ${blob('ecdsa-sha2-nistp256', 'nistp256', Buffer.alloc(33, 2))}`, invalid],
])('refuses a key with %s', (_, text, fault) => {
  expect(publicKeyFaults(text)).toEqual([fault]);
});

it.each<[string, ReturnType<typeof readFingerprint>]>([
  ['9d:bd:e7:a3:e4:e1:d0:4c:3e:77:4f:78:e1:ef:ad:e2', { md5: '9d:bd:e7:a3:e4:e1:d0:4c:3e:77:4f:78:e1:ef:ad:e2' }],
  ['MD5:9D:BD:E7:A3:E4:E1:D0:4C:3E:77:4F:78:E1:EF:AD:E2', { md5: '9d:bd:e7:a3:e4:e1:d0:4c:3e:77:4f:78:e1:ef:ad:e2' }],
  [' 9d:bd:e7:a3:e4:e1:d0:4c:3e:77:4f:78:e1:ef:ad:e2 /', { md5: '9d:bd:e7:a3:e4:e1:d0:4c:3e:77:4f:78:e1:ef:ad:e2' }],
  ['ja0WyJm5IoELN7s8+7JBf+odwrxop9OcgEkDXz1jlBc', { sha256: 'ja0WyJm5IoELN7s8+7JBf+odwrxop9OcgEkDXz1jlBc' }],
  ['SHA256:ja0WyJm5IoELN7s8+7JBf+odwrxop9OcgEkDXz1jlBc=/', { sha256: 'ja0WyJm5IoELN7s8+7JBf+odwrxop9OcgEkDXz1jlBc' }],
  ['SHA256:9d:bd:e7:a3:e4:e1:d0:4c:3e:77:4f:78:e1:ef:ad:e2', null],
  ['9d:bd:e7', null],
  ['ja0WyJm5IoELN7s8', null],
  ['', null],
])('reads %j as a fingerprint', (text, expected) => {
  expect(readFingerprint(text)).toEqual(expected);
});
