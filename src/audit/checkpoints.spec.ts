import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointsIn } from './checkpoints.ts';

const hash = 'a'.repeat(64);
const line = JSON.stringify({ level: 'info', sequence: 7, hash, msg: 'audit checkpoint' });

it.each<[string, string, boolean]>([
  ['as it was logged', line, true],
  ['behind what a collector puts before it', `2026-01-01T00:00:00Z stdout F ${line}`, true],
  ['as a text in the JSON of a collector', JSON.stringify({ log: `${line}\n`, stream: 'stdout' }), true],
  ['as the message of one', JSON.stringify({ message: line, host: 'a' }), true],
  ['wrapped twice', JSON.stringify({ log: JSON.stringify({ log: line }) }), false],
  ['in something else', JSON.stringify({ msg: `it says audit checkpoint`, sequence: 7, hash }), false],
  ['in no JSON', 'audit checkpoint {', false],
])('finds a checkpoint, %s', async (_, text, found) => {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-log-'));
  writeFileSync(join(folder, 'log'), `{"msg":"before"}\n${text}\n`);
  const checkpoints = [];
  for await (const checkpoint of checkpointsIn(join(folder, 'log'))) checkpoints.push(checkpoint);
  rmSync(folder, { recursive: true });
  expect(checkpoints).toEqual(found ? [{ sequence: 7, hash }] : []);
});
