import { pathPatternFaults } from './path-pattern.ts';

it.each(['/', '/api', '/api/.*,^/v[0-9]+/', '(a+)+$', '[/a]', '.*'])('%s is a pattern', (pattern) => {
  expect(pathPatternFaults(pattern)).toEqual([]);
});

it.each(['(', '/ok,[', '/a,', ',', '/a,,/b', '*', '\\'])('%s is none', (pattern) => {
  expect(pathPatternFaults(pattern)).toEqual(['Service value should be valid regex (or set of regex split by comma)']);
});
