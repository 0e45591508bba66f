import { maskedCommand } from './command-mask.ts';

it.each<[string, string, readonly string[], string]>([
  ['nothing', 'rake db:migrate --trace', [], 'rake db:migrate --trace'],
  ['a long value anywhere', 'echo xlongvaluex', ['longvalue'], 'echo x***x'],
  ['the longer value first', 'echo longvalue-2', ['longvalue', 'longvalue-2'], 'echo ***'],
  ['the lines of a value', 'echo second-line', ['first-line\nsecond-line'], 'echo ***'],
  ['a short value as a word', 'login 1234 x1234 12345', ['1234'], 'login *** x1234 12345'],
  ['a short value of one character', 'scale -n 1 10', ['1'], 'scale -n *** 10'],
  ['a short value with odd characters', 'echo a.b axb (a.b)', ['a.b'], 'echo *** axb (***)'],
  ['no part of options', 'run --x -', ['-'], 'run --x ***'],
  ['no short line of a value', 'echo { x }', ['{\n"a": 1\n}'], 'echo { x }'],
  ['no empty value', 'echo hello', ['', ' ', '\n'], 'echo hello'],
  ['the password of a URL', 'psql postgres://me:se@cret@db/app', [], 'psql postgres://me:***@db/app'],
  ['the password of a URL without a user', 'redis-cli -u redis://:secret@cache:6379', [], 'redis-cli -u redis://:***@cache:6379'],
  ['nothing of a URL with a port', 'curl http://example.com:80/a@b', [], 'curl http://example.com:80/a@b'],
  ['an option', 'mysql --password=secret -e x', [], 'mysql --password=*** -e x'],
  ['an option before its value', 'mysql --password secret -e x', [], 'mysql --password *** -e x'],
  ['an option with one dash', 'tool -token secret', [], 'tool -token ***'],
  ['an option without a value', 'mysql --password --verbose', [], 'mysql --password --verbose'],
  ['an assignment', 'API_KEY=secret ./run', [], 'API_KEY=*** ./run'],
  ['an assignment further on', 'env A=b DB_PASSWD=secret run', [], 'env A=b DB_PASSWD=*** run'],
  ['an assignment in quotes', `sh -c 'SECRET=abc run'`, [], `sh -c 'SECRET=*** run'`],
  ['a quoted value', `run --client-secret="two words" --pin='1 2' x`, [], 'run --client-secret=*** --pin=*** x'],
  ['several credentials', 'run --credentials=a --AuthToken=b', [], 'run --credentials=*** --AuthToken=***'],
  ['nothing of other names', 'run --keyboard=us KEYS_OF=3 --tokenizer x', [], 'run --keyboard=us KEYS_OF=3 --tokenizer x'],
  ['nothing of a word that is no option', 'rake token list', [], 'rake token list'],
])('masks %s', (_, command, values, kept) => {
  expect(maskedCommand(command, values)).toBe(kept);
});

it('keeps 1,000 characters, cut after the secrets are masked', () => {
  const kept = maskedCommand(`${'x'.repeat(995)} longvalue and more`, ['longvalue']);
  expect(kept).toBe(`${'x'.repeat(995)} *** …`);
});

it('is fast, whatever the command', () => {
  const start = performance.now();
  for (const part of ['a', '-', '://', '"', `'`, 'key=', '--key ', '\\', 'key', '@', ':'])
    maskedCommand(part.repeat(131_071 / part.length), ['abc']);
  expect(performance.now() - start).toBeLessThan(20_000);
});
