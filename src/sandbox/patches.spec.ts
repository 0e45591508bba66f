import { jsonPatch, mergePatch, strategicMergePatch } from './patches.ts';
import type { JsonObject } from './schema.ts';

test('a merge patch merges objects, replaces lists and removes what is null', () => {
  expect(mergePatch({ a: { b: 1, c: 2 }, d: [1, 2] }, { a: { c: null, e: 3 }, d: [3] })).toEqual({ a: { b: 1, e: 3 }, d: [3] });
});

test.each<[what: string, patch: object[], result: JsonObject]>([
  ['adds a field', [{ op: 'add', path: '/x', value: 1 }], { a: { 'b/c': 'd' }, list: [1, 2], x: 1 }],
  ['replaces under an escaped name', [{ op: 'replace', path: '/a/b~1c', value: 'e' }], { a: { 'b/c': 'e' }, list: [1, 2] }],
  ['inserts into a list', [{ op: 'add', path: '/list/1', value: 9 }], { a: { 'b/c': 'd' }, list: [1, 9, 2] }],
  ['appends to a list', [{ op: 'add', path: '/list/-', value: 3 }], { a: { 'b/c': 'd' }, list: [1, 2, 3] }],
  ['removes', [{ op: 'remove', path: '/list/0' }], { a: { 'b/c': 'd' }, list: [2] }],
  ['moves', [{ op: 'move', from: '/list', path: '/a/list' }], { a: { 'b/c': 'd', list: [1, 2] } }],
])('a JSON patch %s', (_what, patch, result) => {
  expect(jsonPatch({ a: { 'b/c': 'd' }, list: [1, 2] }, patch)).toEqual(result);
});

test.each([[{ op: 'remove', path: '/nope' }], [{ op: 'test', path: '/a', value: 2 }], [{ op: 'replace', path: '/x/y', value: 1 }]])(
  'the JSON patch %j does not fit',
  (operation) => {
    expect(() => jsonPatch({ a: 1 }, [operation])).toThrow('the server rejected our request due to an error in our request');
  },
);

describe('a strategic merge patch', () => {
  const pod = {
    spec: {
      containers: [
        { name: 'web', image: 'a', env: [{ name: 'A', value: '1' }] },
        { name: 'side', image: 'b' },
      ],
    },
  };

  test('merges containers and variables by name', () => {
    const patch = { spec: { containers: [{ name: 'web', env: [{ name: 'B', value: '2' }] }] } };
    expect(strategicMergePatch('Pod', pod, patch)).toEqual({
      spec: {
        containers: [
          {
            name: 'web',
            image: 'a',
            env: [
              { name: 'B', value: '2' },
              { name: 'A', value: '1' },
            ],
          },
          { name: 'side', image: 'b' },
        ],
      },
    });
  });

  test('deletes and replaces on request', () => {
    const patch = {
      spec: {
        containers: [
          { name: 'side', $patch: 'delete' },
          { name: 'web', image: 'c', env: [{ $patch: 'replace' }] },
        ],
      },
    };
    expect(strategicMergePatch('Pod', pod, patch)).toEqual({ spec: { containers: [{ name: 'web', image: 'c', env: [] }] } });
  });
});
