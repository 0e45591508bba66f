import { ContainerLog, type LogOptions } from './pod-logs.ts';

const never = new AbortController().signal;

async function read(log: ContainerLog, options: LogOptions = {}, signal = never): Promise<string> {
  let text = '';
  for await (const piece of log.read(options, signal)) text += piece;
  return text;
}

function logOf(...texts: string[]): ContainerLog {
  const log = new ContainerLog();
  for (const text of texts) log.append(text);
  return log;
}

it.each<[string, LogOptions, string]>([
  ['everything as it was printed', {}, 'one\n\ntwo\nthree'],
  ['the last lines', { tailLines: 2 }, 'two\nthree'],
  ['no line', { tailLines: 0 }, ''],
  ['more lines than there are', { tailLines: 10 }, 'one\n\ntwo\nthree'],
  ['a number of bytes', { limitBytes: 5 }, 'one\n\n'],
  ['nothing of the future', { sinceTime: '2999-01-01T00:00:00Z' }, ''],
  ['all since a time', { sinceTime: '2000-01-01T00:00:00.5Z' }, 'one\n\ntwo\nthree'],
  ['all since some seconds', { sinceSeconds: 60 }, 'one\n\ntwo\nthree'],
])('a log gives %s', async (_, options, text) => {
  expect(await read(logOf('one\n\ntwo\n', 'three'), options)).toBe(text);
});

it('gives every line a time of its own, from whose second on it can be read again', async () => {
  const log = logOf('one\ntwo\nthree\n');
  const lines = (await read(log, { timestamps: true })).trim().split('\n');
  const times = lines.map((line) => line.split(' ')[0] ?? '');
  expect(lines.map((line) => line.split(' ')[1])).toEqual(['one', 'two', 'three']);
  expect(times).toEqual([...new Set(times)].sort());
  expect(times[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  const second = (times[1] ?? '').slice(0, 19);
  const since = lines.filter((line) => line >= second).map((line) => `${line.split(' ')[1] ?? ''}\n`);
  expect(await read(log, { sinceTime: times[1] ?? '' })).toBe(since.join(''));
});

it('is followed, without a gap or a repeat, until it is closed', async () => {
  const log = logOf('one\n', 'two\n');
  const following = read(log, { follow: true, tailLines: 1 });
  for (const text of ['three\n', 'four\n']) {
    await new Promise(setImmediate);
    log.append(text);
  }
  log.append('five\n');
  log.close();
  expect(await following).toBe('two\nthree\nfour\nfive\n');
});

it('is followed until the reader goes', async () => {
  const gone = new AbortController();
  const following = read(logOf('one\n'), { follow: true }, gone.signal);
  await new Promise(setImmediate);
  gone.abort();
  expect(await following).toBe('one\n');
});

it('refuses a time that is none at once', () => {
  expect(() => logOf('one\n').read({ sinceTime: 'yesterday' }, never)).toThrow('parsing time "yesterday"');
});

it('keeps its newest 10 MiB', async () => {
  const log = new ContainerLog();
  const line = `${'x'.repeat(1023)}\n`;
  for (let count = 0; count < 11 * 1024; count += 1) log.append(line);
  log.append('last\n');
  const text = await read(log);
  expect(text.length).toBeLessThanOrEqual(10 * 1024 * 1024);
  expect(text.length).toBeGreaterThan(10 * 1024 * 1024 - 2048);
  expect(text.endsWith('last\n')).toBe(true);
});
