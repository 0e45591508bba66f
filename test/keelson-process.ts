import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterSettings } from './test-cluster.ts';

/** The first user of a Keelson, an administrator, as its environment has him. */
export const FIRST_ADMIN = { FIRST_ADMIN_USERNAME: 'ada', FIRST_ADMIN_PASSWORD: 'opensesame' };
/** Tests log in and register often. */
export const NO_LIMITS = { LOGIN_FAILURES_PER_ACCOUNT: '0', LOGIN_FAILURES_PER_ADDRESS: '0', REGISTRATIONS_PER_ADDRESS: '0' };

/** A program of `dist/` that runs by itself, so that it can be killed. */
export class KeelsonProcess {
  private output = '';

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  /**
   * @param program path below `dist/`, or an absolute one
   * @param env all of its environment but PATH, limits on logins and the real cluster, if there is one
   */
  static start(program: string, env: Record<string, string>): KeelsonProcess {
    const child = spawn(process.execPath, [resolve('dist', program)], {
      env: { PATH: process.env.PATH, ...NO_LIMITS, ...clusterSettings, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new KeelsonProcess(child);
  }

  /** Waits until the URL is answered with 200. */
  async answers(url: string): Promise<void> {
    await eventually(async () => {
      if (this.child.exitCode !== null) throw new Ended(`it ended with ${String(this.child.exitCode)}:\n${this.output}`);
      const { status } = await fetch(url);
      if (status !== 200) throw new Error(`${url} answered ${String(status)}`);
    });
  }

  /** All that it has said so far. */
  get log(): string {
    return this.output;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill(signal);
    await ended;
  }
}

class Ended extends Error {}

/** Tries until it doesn't throw; generous, because the machine may be slow. */
export async function eventually<T>(attempt: () => Promise<T>, seconds = 120): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof Ended || Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
