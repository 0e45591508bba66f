import type { ProductRoad, RoadAcl } from '../rbac/product-roads.ts';
import { User } from '../users/user.entity.ts';
import { App } from './app.entity.ts';
import { assertMayRunTypes, commandVerdict, typesOf } from './app.rights.ts';

const user = (id: number, isSuperuser = false): User => Object.assign(new User(), { id, tags: isSuperuser ? [1, 0] : [1] });
const somebody = user(2);
const app = Object.assign(new App(), { id: 'shop', ownerId: 1 });
/** @param groups the types of each; @param acls the patterns that each allows */
const road = (groups: string[][] = [], acls: string[][] = []): ProductRoad => ({
  id: 'p',
  name: 'p',
  groups: groups.map((types, index) => ({ id: `g${String(index)}`, name: `g${String(index)}`, types })),
  acls: acls.map((allow, index): RoadAcl => ({ id: `a${String(index)}`, name: `a${String(index)}`, allow, deny: [] })),
});
const access = (...roads: ProductRoad[]) => ({ app, collaborates: false, roads });

const narrow = road([['worker']], [['echo *']]);

it.each([
  ['the owner', user(1), access(narrow)],
  ['an administrator', user(3, true), access(narrow)],
  ['a collaborator who has the app by a product too', somebody, { ...access(narrow), collaborates: true }],
])('%s is bound by neither groups nor ACLs', (_, who, how) => {
  expect(typesOf(who, how)).toBeNull();
  expect(commandVerdict(who, how, 'rm -rf / | true')).toEqual({ allowed: true, words: null });
});

describe('the process types of a user', () => {
  it.each<[string, ProductRoad[], string[] | null]>([
    ['in no group', [road()], null],
    ['in a group without types', [road([[]])], null],
    ['in a group', [road([['worker']])], ['worker']],
    [
      'in two groups',
      [
        road([
          ['worker', 'web'],
          ['clock', 'web'],
        ]),
      ],
      ['clock', 'web', 'worker'],
    ],
    ['in two groups, one without types', [road([['worker'], []])], null],
    ['in two products', [road([['worker']]), road([['clock']])], ['clock', 'worker']],
    ['in two products, in one without groups', [road([['worker']]), road()], null],
  ])('%s', (_, roads, types) => {
    expect(typesOf(somebody, access(...roads))).toEqual(types);
  });

  it('are told with all that he may not', () => {
    const how = access(road([['worker', 'clock']]));
    expect(() => {
      assertMayRunTypes(somebody, how, ['web', 'worker', 'cmd']);
    }).toThrow('The groups leave out the process types web, cmd: they have clock, worker.');
    expect(() => {
      assertMayRunTypes(somebody, how, ['worker']);
    }).not.toThrow();
  });
});

describe('a command of a user', () => {
  it.each<[string, ProductRoad[], string, object]>([
    ['without ACLs goes to a shell', [road()], 'a | b', { allowed: true, words: null }],
    ['with one is plain words', [narrow], 'echo "a b"', { allowed: true, words: ['echo', 'a b'] }],
    ['with one that does not allow it is refused', [narrow], 'rm x', { allowed: false, acl: 'a0' }],
    ['with a road that allows it is allowed', [narrow, road([], [['rm *']])], 'rm x', { allowed: true, words: ['rm', 'x'] }],
    ['with a road without ACLs goes to a shell', [narrow, road()], 'rm x; id', { allowed: true, words: null }],
    ['with two roads that refuse it is refused', [narrow, road([], [['true']])], 'rm x', { allowed: false, acl: 'a0' }],
  ])('%s', (_, roads, command, verdict) => {
    expect(commandVerdict(somebody, access(...roads), command)).toMatchObject(verdict);
  });
});
