import { BadRequest } from '../http/errors.ts';
import { matchingNodes, noMatchingNodes } from './tags.ts';

const fast = { labels: { ssd: 'true', zone: 'a' } };
const slow = { labels: { ssd: 'false', zone: 'a' } };

it.each([
  [{}, [fast, slow]],
  [{ zone: 'a' }, [fast, slow]],
  [{ ssd: 'true', zone: 'a' }, [fast]],
  [{ ssd: 'true', zone: 'b' }, []],
  [{ gpu: '' }, []],
] as [Record<string, string>, object[]][])('%j selects the nodes that carry all of it', (tags, nodes) => {
  expect(matchingNodes([fast, slow], tags)).toEqual(nodes);
});

it.each([
  [{ c: 'd', a: 'b' }, { a: 'b' }, 'No nodes matched the provided labels: a=b, c=d - Addition of c=d is the cause'],
  [{ a: 'b', c: 'd' }, { a: 'x', c: 'd' }, 'No nodes matched the provided labels: a=b, c=d - Addition of a=b is the cause'],
  [{ a: 'b' }, {}, 'No nodes matched the provided labels: a=b - Addition of a=b is the cause'],
  [{ a: 'b' }, { a: 'b', c: 'd' }, 'No nodes matched the provided labels: a=b'],
] as [Record<string, string>, Record<string, string>, string][])(
  'tags %j after %j that match no node name what is new',
  (tags, previous, message) => {
    expect(noMatchingNodes(tags, previous)).toEqual(new BadRequest(message));
  },
);
