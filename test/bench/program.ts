import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that uses less of a processor than this, for so many seconds, is done with what it did. */
const IDLE = 0.1;
export const IDLE_FOR = 5;

/** A server that is measured: a process of its own, whose output goes to a file, so that nobody here has to read it meanwhile. */
export class Program {
  private constructor(
    private readonly child: ChildProcess,
    private readonly log: string,
    /** Milliseconds from its start to its first good answer. */
    readonly startedIn: number,
  ) {}

  /**
   * @param script path of the program; @param env all of its environment but PATH; @param log file for its output
   * @param ready URL that is answered with 200 when it has started; @param headers of that request
   * @throws what it has said, when it ends before
   */
  static async start(
    script: string,
    env: Record<string, string>,
    log: string,
    ready: string,
    headers: Record<string, string> = {},
  ): Promise<Program> {
    const output = openSync(log, 'a', 0o600);
    const began = performance.now();
    const child = spawn(process.execPath, [...(env.NODE_ARGUMENTS?.split(' ') ?? []), script], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', output, output],
    });
    for (;;) {
      if (child.exitCode !== null) throw new Error(`${script} ended with ${child.exitCode}:\n${readFileSync(log, 'utf8')}`);
      const status = await fetch(ready, { headers }).then(
        async (response) => (await response.text(), response.status),
        () => 0,
      );
      if (status === 200) break;
      await sleep(10);
    }
    return new Program(child, log, performance.now() - began);
  }

  /** MiB that it has in memory. */
  resident(): number {
    return statusField(this.child.pid ?? 0, 'VmRSS');
  }

  /** MiB that it has had in memory at the most. */
  peak(): number {
    return statusField(this.child.pid ?? 0, 'VmHWM');
  }

  /** Seconds of processor time that it has used. */
  cpuSeconds(): number {
    const fields =
      readFileSync(`/proc/${String(this.child.pid)}/stat`, 'utf8')
        .split(') ')[1]
        ?.split(' ') ?? [];
    // utime and stime, in hundredths of a second on Linux
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  /** Waits until it has had nothing to do for some seconds. @returns seconds of processor time that it has used since its start */
  async rest(): Promise<number> {
    for (let idle = 0; idle < IDLE_FOR;) {
      const before = this.cpuSeconds();
      await sleep(1_000);
      idle = this.cpuSeconds() - before < IDLE ? idle + 1 : 0;
    }
    return this.cpuSeconds();
  }

  /** All that it has said. */
  words(): string {
    return readFileSync(this.log, 'utf8');
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
  }
}

function statusField(pid: number, name: string): number {
  const line = readFileSync(`/proc/${String(pid)}/status`, 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${name}:`));
  return Number(/\d+/.exec(line ?? '')?.[0] ?? NaN) / 1024;
}
