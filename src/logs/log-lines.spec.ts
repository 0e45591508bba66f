import type { CachedPod } from '../kubernetes/cached-objects.ts';
import { LastLines, linesAsTheyCome, newest, ownLines, podLines, shown, timedLine } from './log-lines.ts';

const pod = (name: string, type: string, version?: string): CachedPod =>
  ({ name, labels: { type, ...(version === undefined ? {} : { version }) } }) as unknown as CachedPod;
const at = (time: string): Date => new Date(`2026-01-01T${time}Z`);

it('what Keelson says is one line for each line of the message', () => {
  expect(ownLines(at('00:00:01'), 'first\nsecond\n')).toEqual([
    { at: at('00:00:01').getTime(), text: 'drycc[api]: first' },
    { at: at('00:00:01').getTime(), text: 'drycc[api]: second' },
  ]);
});

it('a line of a pod tells app, type, release and the end of the name', async () => {
  const log =
    '2026-01-01T00:00:02.123456789Z GET / 200\n2026-01-01T00:00:03Z \n2026-01-01T00:00:04Z no end\nunable to retrieve container logs';
  expect(await podLines('demo', pod('demo-web-6f7d9c5b4-x2x9k', 'web', 'v2'), pieces(log), 10)).toEqual({
    lines: [
      { at: Date.parse('2026-01-01T00:00:02.123Z'), text: 'demo[web.v2.x2x9k]: GET / 200' },
      { at: Date.parse('2026-01-01T00:00:03Z'), text: 'demo[web.v2.x2x9k]: ' },
      { at: Date.parse('2026-01-01T00:00:04Z'), text: 'demo[web.v2.x2x9k]: no end' },
    ],
    position: { at: BigInt(Date.parse('2026-01-01T00:00:04Z')) * 1_000_000n, lines: 1 },
    cut: false,
  });
  expect(await podLines('demo', pod('demo-run-a1b2c', 'run'), pieces(''), 10)).toEqual({ lines: [], position: null, cut: false });
});

it('logs are merged by time, those of one moment in their order, and end with a line feed', async () => {
  const own = [...ownLines(at('00:00:01'), 'a'), ...ownLines(at('00:00:03'), 'c\nd')];
  const printed = pieces('2026-01-01T00:00:02Z b\n2026-01-01T00:00:03Z e\n');
  const web = (await podLines('demo', pod('demo-web-x-y', 'web', 'v1'), printed, 10)).lines;
  expect(shown(newest([own, web], 100).lines)).toBe(
    '00:00:01 drycc[api]: a\n00:00:02 demo[web.v1.y]: b\n00:00:03 drycc[api]: c\n00:00:03 drycc[api]: d\n00:00:03 demo[web.v1.y]: e\n',
  );
  expect(shown(newest([own, web], 1).lines)).toBe('00:00:03 demo[web.v1.y]: e\n');
  expect(shown(newest([], 100).lines)).toBe('');
});

const MOMENT = BigInt(Date.parse('2026-01-01T00:00:02Z')) * 1_000_000n;

it.each([
  ['2026-01-01T00:00:02Z x', { at: MOMENT, text: 'x' }],
  ['2026-01-01T00:00:02.5Z x', { at: MOMENT + 500_000_000n, text: 'x' }],
  ['2026-01-01T00:00:02.000000001Z x', { at: MOMENT + 1n, text: 'x' }],
  ['2026-01-01T01:00:02.000000001+01:00  x ', { at: MOMENT + 1n, text: ' x ' }],
  ['2026-01-01T00:00:02Z', { at: MOMENT, text: '' }],
  ['failed to try resolving symlinks', null],
])('%j is at its nanosecond', (line, expected) => {
  expect(timedLine(line)).toEqual(expected);
});

it('a position counts the lines of its moment', async () => {
  const log = '2026-01-01T00:00:01Z a\n2026-01-01T00:00:02Z b\n2026-01-01T00:00:02.000Z c\n';
  expect((await podLines('demo', pod('demo-web-x-y', 'web'), pieces(log), 1)).position).toEqual({ at: MOMENT, lines: 2 });
});

it('of many lines the last ones are kept that there is room for, but one at least', () => {
  const kept = (count: number, room: number): { lines: string; cut: boolean } => {
    const last = new LastLines(count, room);
    for (let at = 0; at < 5000; at++) last.add({ at, text: String(at).padStart(10, '-') });
    return {
      lines: last
        .lines()
        .map(({ at }) => at)
        .join(' '),
      cut: last.cut,
    };
  };
  expect(kept(3, 1000)).toEqual({ lines: '4997 4998 4999', cut: false });
  expect(kept(100, 25)).toEqual({ lines: '4998 4999', cut: true });
  expect(kept(100, 1)).toEqual({ lines: '4999', cut: true });
});

async function* pieces(...texts: string[]): AsyncGenerator<string> {
  for (const text of texts) yield await Promise.resolve(text);
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

it('lines come out of pieces whole, wherever those are cut', async () => {
  expect(await all(linesAsTheyCome(pieces('on', 'e\n', '\ntw', 'o\r\nthree\nfo', 'ur')))).toEqual(['one', '', 'two', 'three', 'four']);
  expect(await all(linesAsTheyCome(pieces('one\n')))).toEqual(['one']);
  expect(await all(linesAsTheyCome(pieces()))).toEqual([]);
});

it('a line without end is cut', async () => {
  const long = 'x'.repeat(200_000);
  const [first, second] = await all(linesAsTheyCome(pieces(long, long, long, '\nnext')));
  expect([first?.length, second]).toEqual([256 * 1024, 'next']);
});

it('a line that breaks off is none', async () => {
  async function* broken(): AsyncGenerator<string> {
    yield* pieces('one\ntw');
    throw new Error('broken');
  }
  const found: string[] = [];
  await expect(
    (async () => {
      for await (const line of linesAsTheyCome(broken())) found.push(line);
    })(),
  ).rejects.toThrow('broken');
  expect(found).toEqual(['one']);
});
