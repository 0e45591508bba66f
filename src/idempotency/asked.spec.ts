import { BadRequest } from '../http/errors.ts';
import { fingerprintOf, keyOf } from './asked.ts';

describe('a key', () => {
  it.each([
    ['as it is', 'a-1', 'a-1'],
    ['quoted', '"a-1"', 'a-1'],
    ['quoted, with quotes in it', String.raw`"a\"b\\c"`, String.raw`a"b\c`],
    ['with a quote at one end', '"a', '"a'],
    ['with blanks', 'a b', 'a b'],
    ['as long as may be', 'k'.repeat(255), 'k'.repeat(255)],
  ])('%s is taken', (_, header, key) => {
    expect(keyOf(header)).toBe(key);
  });

  it.each([
    ['empty', '', 'is empty'],
    ['empty in quotes', '""', 'is empty'],
    ['too long', 'k'.repeat(256), 'has more than 255 characters'],
    ['not printable', 'a\tb', 'has characters that are not printable ASCII'],
    ['not ASCII and too long', 'é'.repeat(300), 'has more than 255 characters and has characters that are not printable ASCII'],
  ])('that is %s is refused', (_, header, fault) => {
    expect(() => keyOf(header)).toThrow(new BadRequest(`The Idempotency-Key ${fault}.`));
  });
});

describe('what is asked', () => {
  const asked = { method: 'POST', path: '/v2/apps', body: { id: 'demo', more: { a: [1, { b: null }], 2: 'x' } } };
  it('is the same in another order', () => {
    expect(fingerprintOf({ ...asked, body: { more: { 2: 'x', a: [1, { b: null }] }, id: 'demo' } })).toBe(fingerprintOf(asked));
  });

  it.each([
    ['method', { ...asked, method: 'PUT' }],
    ['path', { ...asked, path: '/v2/keys' }],
    ['value', { ...asked, body: { id: 'demo2', more: asked.body.more } }],
    ['type', { ...asked, body: { id: 'demo', more: { a: ['1', { b: null }], 2: 'x' } } }],
    ['order in a list', { ...asked, body: { id: 'demo', more: { a: [{ b: null }, 1], 2: 'x' } } }],
    ['shape', { ...asked, body: { id: 'demo', more: ['object', ['2', 'x']] } }],
  ])('is another with another %s', (_, other) => {
    expect(fingerprintOf(other)).not.toBe(fingerprintOf(asked));
  });
});
