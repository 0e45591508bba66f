import { prefers } from './accept.ts';

it.each<[string | undefined, boolean]>([
  [undefined, false],
  ['', false],
  ['*/*', false],
  ['application/json', true],
  ['Application/JSON; charset=utf-8', true],
  ['text/plain', false],
  ['application/json, text/plain', false],
  ['application/json, text/plain;q=0.9', true],
  ['application/json;q=0.5, text/plain', false],
  ['application/json, text/plain, */*', false],
  ['application/json, */*;q=0.1', true],
  ['text/*, application/*;q=0.3', false],
  ['application/json;q=0', false],
  ['application/json;q=nonsense', false],
])('%p asks for JSON: %p', (accept, expected) => {
  expect(prefers(accept, 'application/json', 'text/plain')).toBe(expected);
});
