import fc from 'fast-check';
import { aclVerdict } from './acl-match.ts';
import type { RoadAcl } from './product-roads.ts';

const acl = (name: string, rules: Partial<Pick<RoadAcl, 'allow' | 'deny'>>): RoadAcl => ({ id: name, name, allow: [], deny: [], ...rules });
const denying = (...deny: string[]): RoadAcl[] => [acl('careful', { deny })];
const allowing = (...allow: string[]): RoadAcl[] => [acl('narrow', { allow })];

describe('a deny', () => {
  it.each([
    ['rm *', 'rm -rf /'],
    ['rm *', '  rm   -rf\t/ '],
    ['rm *', `r'm' "-rf" \\/`],
    ['rm *', '/bin/rm -rf /'],
    ['rm *', './rm x'],
    ['rm *', '/usr//bin/../bin/rm x'],
    ['/bin/rm *', '/bin/./rm x'],
    ['rm -rf *', `rm '-rf tmp'`],
    ['rm -rf *', `rm '' -rf tmp`],
    ['rm -rf *', `rm "-rf  tmp"`],
    ['rm a  b', 'rm a b'],
    ['sh -c *drop*', `sh -c 'x  drop  y'`],
    ['*drop table*', `psql -c "drop \t table x"`],
    ['echo a  b', `echo "a\tb"`],
    ['*', 'true'],
  ])('%j refuses %j', (pattern, command) => {
    const why = `The ACL "careful" denies this command by its pattern "${pattern}".`;
    expect(aclVerdict(denying(pattern), command)).toEqual({ allowed: false, acl: 'careful', why });
  });

  it.each([
    ['rm *', 'rm'],
    ['rm *', 'rmdir x'],
    ['rm *', 'echo rm x'],
    ['rm *', 'RM x'],
  ])('%j has nothing to do with %j', (pattern, command) => {
    expect(aclVerdict(denying(pattern), command)).toMatchObject({ allowed: true });
  });

  it('is asked about commands of a bounded length alone', () => {
    expect(aclVerdict(denying('rm *'), `echo ${'x'.repeat(4_092)}`)).toMatchObject({
      allowed: false,
      why: 'The ACL "careful" takes commands of at most 4096 characters.',
    });
    expect(aclVerdict(denying('rm *'), `echo ${'x'.repeat(4_091)}`)).toMatchObject({ allowed: true });
  });

  it('wins over every allow', () => {
    const acls = [acl('a', { allow: ['*'] }), acl('b', { allow: ['rm *'], deny: ['rm *'] })];
    expect(aclVerdict(acls, 'rm x')).toMatchObject({ allowed: false, acl: 'b' });
  });

  it('is not got round by quoting, blanks, paths or empty words', () => {
    const blanks = fc.stringMatching(/^[ \t]{1,3}$/);
    // a word in one of the ways to write it
    const written = (word: string): fc.Arbitrary<string> =>
      fc.array(fc.constantFrom('plain', 'single', 'double', 'escaped'), { minLength: word.length, maxLength: word.length }).map((ways) =>
        Array.from(word, (character, index) => {
          switch (ways[index]) {
            case 'single':
              return `'${character}'`;
            case 'double':
              return `"${character}"`;
            case 'escaped':
              return `\\${character}`;
            default:
              return character;
          }
        }).join(''),
      );
    const folder = fc.constantFrom('', './', '/bin/', '/usr//bin/', '../../bin/./', '/bin/../bin/');
    const empties = fc.constantFrom('', `''`, '""', `'' ""`);
    const command = fc
      .tuple(
        folder.chain((path) => written(`${path}rm`)),
        blanks,
        empties,
        blanks,
        written('-rf'),
        blanks,
        written('/data'),
        empties,
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(command, (line) => {
        expect(aclVerdict(denying('rm -rf /data*'), line)).toMatchObject({ allowed: false, acl: 'careful' });
      }),
      { numRuns: 2000 },
    );
  });
});

describe('an allow', () => {
  it.each([
    ['rake db:migrate', 'rake db:migrate', ['rake', 'db:migrate']],
    ['rake db:migrate', ` rake  'db:migrate' `, ['rake', 'db:migrate']],
    ['rake  db:*', 'rake db:seed', ['rake', 'db:seed']],
    ['echo *', `echo 'one  two' three`, ['echo', 'one  two', 'three']],
    ['echo ??', `echo "a "`, ['echo', 'a ']],
    ['*', 'anything at all', ['anything', 'at', 'all']],
  ])('%j lets %j through, as the words %j', (pattern, command, words) => {
    expect(aclVerdict(allowing(pattern), command)).toEqual({ allowed: true, words });
  });

  it.each([
    ['rake db:migrate', 'rake'],
    ['rake db:migrate', 'rake db:migrate VERSION=0'],
    ['rake db:migrate', '/tmp/rake db:migrate'],
    ['rake db:migrate', './rake db:migrate'],
    ['rake db:migrate', `rake 'db:migrate '`],
    // other words, written alike
    ['git log --oneline', `git 'log --oneline'`],
    ['git log --oneline', 'git log\\ --oneline'],
    ['git log --oneline', `git log '' --oneline`],
    ['git log --oneline', `git log "\t--oneline"`],
    ['git log --oneline', `git log --oneline ''`],
    ['* log', `git 'x log'`],
  ])('%j does not let %j through', (pattern, command) => {
    const why = 'The ACL "narrow" has no pattern that allows this command.';
    expect(aclVerdict(allowing(pattern), command)).toEqual({ allowed: false, acl: 'narrow', why });
  });

  it('may be in any ACL of the product, and those without one do not count', () => {
    const acls = [acl('a', { deny: ['rm *'] }), acl('b', { allow: ['echo *'] }), acl('c', { allow: ['true'] })];
    expect(aclVerdict(acls, 'true')).toMatchObject({ allowed: true });
    expect(aclVerdict(acls, 'false')).toMatchObject({ allowed: false, acl: 'b' });
    expect(aclVerdict([acl('empty', {})], 'true')).toMatchObject({ allowed: true });
  });
});

it.each(['true; id', 'true\nid', 'true $HOME', 'PATH=/tmp true', '"no end', ''])('%j is refused by any ACL', (command) => {
  expect(aclVerdict([acl('a', {}), acl('b', { allow: ['*'] })], command)).toEqual({
    allowed: false,
    acl: 'a',
    why: expect.stringMatching(/^The ACL "a" takes commands of plain words only: /) as string,
  });
});
