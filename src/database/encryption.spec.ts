import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { Encryption, UnsealError } from './encryption.ts';

const key = (id: string): { id: string; key: Buffer } => ({ id, key: randomBytes(32) });
const first = key('k1');
const encryption = new Encryption([first]);

describe('Encryption', () => {
  it('opens what it sealed, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (plain, name) => {
        expect(encryption.open(encryption.seal(plain, name), name)).toBe(plain);
      }),
    );
  });

  it('seals the same value differently each time, naming version and key', () => {
    const [one, two] = [encryption.seal('value', 'name'), encryption.seal('value', 'name')];
    expect(one).toMatch(/^v1\.k1\.[A-Za-z0-9_-]+$/);
    expect(one).not.toBe(two);
  });

  it('seals with the newest key and opens with all', () => {
    const rotated = new Encryption([key('k2'), first]);
    expect(rotated.seal('value', 'name')).toMatch(/^v1\.k2\./);
    expect(rotated.open(encryption.seal('value', 'name'), 'name')).toBe('value');
  });

  const sealed = encryption.seal('value', 'config.values:1');
  const flip = (text: string, at: number): string => `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;

  it.each([
    ['was sealed under another name', sealed, 'config.values:2', 'moved from another row or column'],
    ['has a changed iv', flip(sealed, 6), 'config.values:1', 'it was changed'],
    ['has a changed tag', flip(sealed, 25), 'config.values:1', 'it was changed'],
    ['has a changed text', flip(sealed, 44), 'config.values:1', 'it was changed'],
    ['is cut off', 'v1.k1.AAAA', 'config.values:1', 'it is cut off'],
    ['names an unknown key', sealed.replace('.k1.', '.k9.'), 'config.values:1', 'its key "k9" is unknown; add that key to ENCRYPTION_KEYS'],
    ['is clear text', '{"API_KEY":"value"}', 'config.values:1', 'it is not in the form v1.<key>.<payload>'],
    ['has another version', sealed.replace('v1', 'v2'), 'config.values:1', 'it is not in the form v1.<key>.<payload>'],
  ])('refuses what %s, without its content', (_, text, name, words) => {
    const open = (): string => encryption.open(text, name);
    expect(open).toThrow(UnsealError);
    expect(open).toThrow(`Cannot decrypt ${name}: `);
    expect(open).toThrow(words);
    expect(open).not.toThrow('API_KEY');
  });

  it('needs a key', () => {
    expect(() => new Encryption([])).toThrow('at least one key');
  });
});
