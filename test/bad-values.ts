import fc from 'fast-check';

/** Values that no field expects, and ways to work them into those that it does. */

const injections = [
  `'; DROP TABLE apps; --`,
  `" OR "1"="1`,
  '$(reboot)',
  '`id`; rm -rf / #',
  '../../../../etc/passwd',
  '..\\..\\windows\\system32',
  'x\r\nX-Injected: yes\r\n\r\n',
  '{{7*7}} ${7*7} <%= 7 %>',
  '<script>alert(1)</script>',
  '%s%n%x %00 %zz',
  'a: &a [*a, *a]',
  '--all',
];

const oddText = [
  '',
  ' ',
  '\t\n',
  '\0',
  'a\0b',
  '\ud800',
  '\udc00x',
  'a\u0301\u0327\u0301'.repeat(40),
  '\u202egnp.exe',
  '\u200b\ufeff',
  '\u{1f469}\u200d\u{1f469}\u200d\u{1f467}',
  'ＡＢＣ',
  'İıſK',
  'straße',
  'xn--',
  'xn--a.example.com',
  '-',
  '.',
  '*',
  '*.*',
  'null',
  'undefined',
  'NaN',
  'true',
  '[]',
  '{}',
  '[object Object]',
  '1e309',
  '-0',
  '0x10',
  '١٢٣',
  '99999999999999999999',
  '2147483648',
  'https://[::1]:99999/?#',
  '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
  'ssh-rsa AAAAB3NzaC1yc2E= x',
  '10.0.0.0/99',
  '(((((((((((',
  '(a+)+$',
  '$ref',
];

export const oddKeys = fc.constantFrom(
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'then',
  '',
  ' ',
  '0',
  ...injections,
  ...oddText,
);

const longText = fc
  .integer({ min: 64, max: 70_000 })
  .chain((length) => fc.constantFrom('x', 'é', '0', '../', '\u{1f4a9}').map((unit) => unit.repeat(length / unit.length)));

export const text = fc.oneof(
  { arbitrary: fc.constantFrom(...injections, ...oddText), weight: 5 },
  { arbitrary: fc.string({ unit: 'binary', maxLength: 40 }), weight: 3 },
  { arbitrary: longText, weight: 1 },
);

const number = fc.oneof(
  fc.constantFrom(-1, 0, 1, 2, 1.5, -0.5, 1e21, 1e308, -1e308, 5e-324, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, 65536, 10001),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
);

const depths = fc.integer({ min: 3, max: 60 });
const nested = fc.oneof(
  depths.map((depth) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown),
  depths.map((depth) => JSON.parse('{"a":'.repeat(depth) + '1' + '}'.repeat(depth)) as unknown),
);

const manyKeys = fc
  .integer({ min: 100, max: 3000 })
  .map((count) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`K${n}`, `${n}`])));

const entries = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .array(fc.tuple(fc.oneof(oddKeys, fc.constantFrom('web', 'cmd', 'run')), value), { maxLength: 3 })
    .map((list) => Object.fromEntries(list));

const scalar = fc.oneof({ arbitrary: text, weight: 4 }, { arbitrary: number, weight: 2 }, fc.boolean(), fc.constant(null));

/** Anything that JSON can say. */
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  { arbitrary: scalar, weight: 6 },
  { arbitrary: fc.array(scalar, { maxLength: 4 }), weight: 2 },
  { arbitrary: entries(fc.oneof(scalar, entries(scalar), fc.array(scalar, { maxLength: 2 }))), weight: 3 },
  { arbitrary: nested, weight: 1 },
  { arbitrary: manyKeys, weight: 1 },
);

type Path = readonly (string | number)[];

/** The way to every part of a value, itself first. */
function parts(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, item]) => parts(item, [...path, Array.isArray(value) ? Number(key) : key]))];
}

const at = (value: unknown, path: Path): unknown => path.reduce((inner, key) => (inner as Record<string, unknown>)[key], value);

function replaced(value: unknown, [key, ...rest]: Path, part: unknown): unknown {
  if (key === undefined) return part;
  if (Array.isArray(value)) return value.map((item: unknown, index) => (index === key ? replaced(item, rest, part) : item));
  return Object.fromEntries(
    Object.entries(value as object).map(([name, item]) => [name, name === key ? replaced(item, rest, part) : item]),
  );
}

/** A good value of which one part is spoilt: replaced, appended to, given more entries or fewer. */
export function spoilt(value: unknown): fc.Arbitrary<unknown> {
  return fc.constantFrom(...parts(value)).chain((path) => spoiltPart(at(value, path)).map((part) => replaced(value, path, part)));
}

function spoiltPart(part: unknown): fc.Arbitrary<unknown> {
  if (Array.isArray(part))
    return fc.oneof(
      anything,
      anything.map((item) => [...(part as unknown[]), item]),
      fc.constant([...(part as unknown[]), ...(part as unknown[])]),
    );
  if (typeof part === 'object' && part !== null) {
    const values = Object.values(part) as unknown[];
    const item = values.length > 0 ? fc.oneof(anything, fc.constantFrom(...values)) : anything;
    return fc.oneof(
      anything,
      fc.tuple(oddKeys, item).map((entry) => Object.fromEntries([...Object.entries(part), entry])),
      fc.constant({}),
    );
  }
  if (typeof part === 'string') {
    const turned: unknown[] = [part.toUpperCase(), ` ${part} `, [part], { [part]: part }, part.slice(1)];
    return fc.oneof(
      anything,
      text.map((more) => part + more),
      text.map((more) => more + part),
      fc.constantFrom(...turned),
    );
  }
  return fc.oneof(anything, fc.constantFrom<unknown>(String(part), [part], `${String(part)}.0`, `+${String(part)}`));
}
