import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { plainWords } from './plain-words.ts';

describe('plain words', () => {
  it.each<[string, string[]]>([
    ['rake db:migrate', ['rake', 'db:migrate']],
    ['  rake \t db:migrate  ', ['rake', 'db:migrate']],
    [`echo 'one  two' "three $(four)"`.replace('$(four)', 'four'), ['echo', 'one  two', 'three four']],
    [`r'a'k"e" db:'mig'rate`, ['rake', 'db:migrate']],
    [`echo '' ""`, ['echo', '', '']],
    ['echo a\\ b \\; \\$HOME \\\\', ['echo', 'a b', ';', '$HOME', '\\']],
    [`echo '$HOME \`id\` \\ ; | & < > ( )'`, ['echo', '$HOME `id` \\ ; | & < > ( )']],
    [String.raw`echo "a\"b" "\$HOME" "\\" "\n" "it's"`, ['echo', 'a"b', '$HOME', '\\', '\\n', "it's"]],
    ['echo ~ * ? [a-z] {a,b} # ! = A=b', ['echo', '~', '*', '?', '[a-z]', '{a,b}', '#', '!', '=', 'A=b']],
    ['./bin/run --flag=x', ['./bin/run', '--flag=x']],
    ['echo \u00a0 ünïcode 🐘', ['echo', '\u00a0', 'ünïcode', '🐘']],
    [`echo "a\tb"`, ['echo', 'a\tb']],
  ])('%j are %j', (line, words) => {
    expect(plainWords(line)).toEqual({ words });
  });

  it.each([
    ...['a; b', 'a ;b', 'a | b', 'a & b', 'a && b', 'a < b', 'a > b', '(a)', 'a $(b)', 'a >b', 'a)'],
    ...['a $B', 'a ${B}', 'a "$B"', 'a `b`', 'a "`b`"', 'a "$(b)"', "a $'b'", '$A'],
    ...['a\nb', 'a\rb', "a '\n'", 'a "\r"', 'a \\\nb', 'a \x00', 'a \x1b', 'a \x7f', 'a \x85'],
    ...['A=b c', 'A= c', 'A+=b c', 'A[0]=b c', '_A1=b', `"A"=b c`, '\\A=b c'],
    ...[`a 'b`, 'a "b', `a "b\\"`, 'a b\\', `'`],
    ...['', ' ', ' \t ', `''`, `"" a`, `'a b' c`, 'a\\ b c', `"a\tb"`],
  ])('%j are none', (line) => {
    expect(plainWords(line)).toEqual({ fault: expect.any(String) as string });
  });

  it('do not tell the value of an assignment', () => {
    expect(plainWords('SECRET=opensesame rake')).toEqual({ fault: 'assignments are not allowed (SECRET=)' });
  });

  it('are what a shell makes of them', () => {
    const character = fc.constantFrom('a', 'b', ' ', '\t', "'", '"', '\\', '-', '/', '=');
    const lines = fc.sample(fc.array(character, { maxLength: 12 }), 400).map((characters) => `x${characters.join('')}`);
    const plain = lines.flatMap((line) => {
      const result = plainWords(line);
      return 'words' in result ? [{ line, words: result.words }] : [];
    });
    expect(plain.length).toBeGreaterThan(50);
    const script = plain.map(({ line }) => `set -- ${line}\nprintf '%s\\0' "$#" "$@"`).join('\n');
    const { stdout } = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
    const printed = stdout.split('\0').slice(0, -1);
    const shell = plain.map(() => printed.splice(0, Number(printed.shift())));
    expect(shell).toEqual(plain.map(({ words }) => words));
  });
});
