import { LineBuffer } from './line-buffer.ts';

const line = (text: string) => ({ at: Date.parse('2026-01-01T00:00:01Z'), text });

it('hands on all that waits, and lets writers wait while there is no room', async () => {
  const over = new AbortController();
  const buffer = new LineBuffer(over.signal, 4);
  const written: string[] = [];
  const writing = (async () => {
    for (const text of ['ab', 'cd', 'ef']) {
      await buffer.put(line(text));
      written.push(text);
    }
  })();
  const texts = buffer.texts();
  await new Promise(setImmediate);
  expect(written).toEqual(['ab', 'cd']);
  expect((await texts.next()).value).toBe('00:00:01 ab\n00:00:01 cd\n');
  await writing;
  expect((await texts.next()).value).toBe('00:00:01 ef\n');
  const next = texts.next();
  over.abort();
  expect(await next).toEqual({ done: true, value: undefined });
});

it('lets nobody wait when it is over', async () => {
  const over = new AbortController();
  const buffer = new LineBuffer(over.signal, 1);
  await buffer.put(line('ab'));
  const waiting = buffer.put(line('cd'));
  over.abort();
  await waiting;
  const left: string[] = [];
  for await (const text of buffer.texts()) left.push(text);
  expect(left).toEqual(['00:00:01 ab\n00:00:01 cd\n']);
});
