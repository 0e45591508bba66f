import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const page = readFileSync('docs/extending.md', 'utf8');

/** However deep it stands in the file. */
const unindented = (code: string): string => code.replace(/^ +/gm, '');

/** Code of the page, with the file that is linked last before it. */
const quotes = [...page.matchAll(/^```\w+\n([^]*?)^```$/gm)].map((match) => {
  const [link] = [...page.slice(0, match.index).matchAll(/\]\((\.\.\/[^)#]+)\)/g)].slice(-1);
  return { code: match[1] ?? '', file: join('docs', link?.[1] ?? '') };
});

it('docs/extending.md quotes code as it is in the file that it links before', () => {
  expect(quotes.length).toBeGreaterThan(0);
  for (const { code, file } of quotes) {
    expect([file, unindented(readFileSync(file, 'utf8'))]).toEqual([file, expect.stringContaining(unindented(code))]);
  }
});

it('every file that it names is there', () => {
  const linked = [...page.matchAll(/\]\(([^)#]+)\)/g)].map(([, path = '']) => join('docs', path));
  const named = [...page.matchAll(/`((?:src|test|examples|image)\/[^`<*]+)`/g)].map(([, path = '']) => path);
  expect([...linked, ...named].filter((path) => !existsSync(path))).toEqual([]);
  expect(Math.min(linked.length, named.length)).toBeGreaterThan(0);
});

it('it links every file of the example', () => {
  const files = readdirSync('examples/contacts', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => !/\/dist\/|extending-docs|dockerignore/.test(path));
  expect(files.filter((path) => !page.includes(`(../${path})`))).toEqual([]);
});
