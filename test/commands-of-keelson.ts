import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** How a command ended, and all that it said. */
export interface Ended {
  code: number;
  out: string;
}

/** Runs a command of what is built. @param env all of its environment but PATH */
export async function keelsonCommand(words: string, env: Record<string, string>, input?: string): Promise<Ended> {
  const child = spawn(process.execPath, ['dist/keelson.js', ...words.split(' ')], { env: { PATH: process.env.PATH, ...env } });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stdin.on('error', () => undefined).end(input);
  const [code] = (await once(child, 'close')) as [number];
  return { code, out };
}
