import { appIdFaults, generateAppId } from './app-id.ts';
import { adjectives, nouns } from './app-words.ts';

const CHARACTERS = 'App name can only contain a-z (lowercase), 0-9 and hyphens';
const ENDS =
  'App name must start with an alphabetic character, cannot end with a hyphen and can only contain a-z (lowercase), 0-9 and hyphens.';
const LENGTH = 'Ensure this field has no more than 63 characters.';

describe('the id of an app', () => {
  it.each([
    ['a', []],
    ['demo', []],
    ['a--b-1', []],
    ['x'.repeat(63), []],
    ['x'.repeat(64), [LENGTH]],
    [`X${'x'.repeat(63)}`, [LENGTH, CHARACTERS]],
    ['Demo', [CHARACTERS]],
    ['a_b', [CHARACTERS]],
    ['a.b', [CHARACTERS]],
    ['a\n', [CHARACTERS]],
    ['ä', [CHARACTERS]],
    ['1a', [ENDS]],
    ['-a', [ENDS]],
    ['a-', [ENDS]],
    ['', [ENDS]],
    ['kube-system', ['kube-system is a reserved name.']],
    ['kube-systems', []],
  ])('%j', (id, faults) => {
    expect(appIdFaults(id, ['drycc', 'kube-system'])).toEqual(faults);
  });

  it('is an adjective and a noun where none was given', () => {
    expect(generateAppId(() => 0)).toBe('able-acorn');
    expect(generateAppId((below) => below - 1)).toBe('zesty-zephyr');
  });

  it('made of any of the words is valid', () => {
    for (const words of [adjectives, nouns]) {
      expect(words.length).toBeGreaterThanOrEqual(150);
      expect([...new Set(words)].sort()).toEqual([...words]);
      for (const word of words) expect(word).toMatch(/^[a-z]{2,12}$/);
    }
  });
});
