import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { type Checkpoint, CHECKPOINT } from './chain.ts';

/** Of `<sequence>:<hash>`; null where it is none. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const [, sequence, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  return sequence === undefined || hash === undefined ? null : { sequence: Number(sequence), hash };
}

/** Every checkpoint in a log of Keelson, which may hold other lines. @param file its path, `-` for standard input */
export async function* checkpointsIn(file: string): AsyncGenerator<Checkpoint> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (!line.includes(CHECKPOINT)) continue;
    const checkpoint = checkpointOf(line);
    if (checkpoint) yield checkpoint;
  }
}

/** What collects logs may put something of its own before the JSON, or the line as a text into JSON of its own. */
function checkpointOf(line: string, wrapped = false): Checkpoint | null {
  try {
    const { msg, sequence, hash, log, message } = JSON.parse(line.slice(line.indexOf('{'))) as Record<string, unknown>;
    if (msg === CHECKPOINT && typeof sequence === 'number' && typeof hash === 'string') return { sequence, hash };
    const inner = [log, message].find((text) => typeof text === 'string');
    return inner === undefined || wrapped ? null : checkpointOf(inner, true);
  } catch {
    return null;
  }
}
