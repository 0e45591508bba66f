import fc from 'fast-check';
import { foldBlanks, glob } from './glob.ts';

describe('a glob', () => {
  it.each<[string, string, boolean]>([
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['*', 'anything at all', true],
    ['a', 'a', true],
    ['a', 'A', false],
    ['a', 'ab', false],
    ['a', 'ba', false],
    ['rm *', 'rm -rf /', true],
    ['rm *', 'rm', false],
    ['rm*', 'rm', true],
    ['*rm', 'rm rm', true],
    ['*/rm *', '/bin/rm x', true],
    ['a*b*c', 'axxbxxc', true],
    ['a*b*c', 'axxcxxb', false],
    ['**a**', 'a', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['?', '🐘', true],
    ['a??', 'a', false],
    ['?*', '', false],
    ['[a-z].+(x)\\', '[a-z].+(x)\\', true],
    ['.', 'x', false],
    ['$', '', false],
    ['  rm \t -rf  ', 'rm -rf', true],
    ['rm -rf', 'rm  -rf', false],
  ])('%j, held against %j: %s', (pattern, text, expected) => {
    expect(glob(pattern)(text)).toBe(expected);
  });

  it('matches what the same regular expression does', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '🐘'), maxLength: 8 });
    // long ones too: they take several words of bits
    const pattern = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'b', '.', '?', '*'), maxLength: 8 }),
      text.map((inner) => `*${'a'.repeat(31)}${inner}*${'b'.repeat(40)}?`),
    );
    const long = fc.tuple(text, text).map(([one, other]) => `${'a'.repeat(33)}${one}${'b'.repeat(41)}${other}`);
    const expression = (glob: string): RegExp =>
      new RegExp(`^${glob.replace(/[.]/g, '\\.').replace(/\*+/g, '.*').replaceAll('?', '.')}$`, 'su');
    fc.assert(
      fc.property(pattern, fc.oneof(text, long), (given, held) => {
        expect(glob(given)(held)).toBe(expression(given).test(held));
      }),
      { numRuns: 2000 },
    );
  });

  it('is done at once with what makes others try for ages', () => {
    expect(glob(`${'*a'.repeat(400)}b`)('a'.repeat(131_071))).toBe(false);
    expect(glob(`*${'a'.repeat(999)}b`)('a'.repeat(131_071))).toBe(false);
  });
});

it('folds runs of blanks', () => {
  expect(foldBlanks(' \t a  b\t\tc ')).toBe('a b c');
});
