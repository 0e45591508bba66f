import { readFileSync } from 'node:fs';

/** The words of a file that a pattern finds. */
const found = (file: string, pattern: RegExp): string[] => [...readFileSync(file, 'utf8').matchAll(pattern)].map(([, word = '']) => word);

it('docs/configure.md has a row for every setting, and for nothing else', () => {
  const defined = found('src/settings/settings.ts', /setting\('(\w+)'/g);
  const documented = found('docs/configure.md', /^\| `(\w+)`/gm);
  expect(defined.length).toBeGreaterThan(0);
  expect(documented.sort()).toEqual(defined.sort());
});
