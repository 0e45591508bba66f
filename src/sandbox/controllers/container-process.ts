import type { Program } from './image-behaviour.ts';
import { timing } from './timing.ts';
import { runInShell } from './virtual-shell.ts';

export interface ProcessEnd {
  exitCode: number;
  reason?: 'OOMKilled';
}

/** What runs in a container: it prints, may listen on a port, and ends by itself or by a signal. */
export class ContainerProcess {
  readonly ended: Promise<ProcessEnd>;
  /** Settled when the process listens; never for one that doesn't. */
  readonly listening: Promise<void>;
  private readonly killed = new AbortController();
  private timers: NodeJS.Timeout[] = [];
  private over = false;
  private resolveEnded!: (end: ProcessEnd) => void;
  private resolveListening!: () => void;
  private openPort?: number;

  constructor(
    private readonly program: Program,
    env: Record<string, string>,
    private readonly print: (text: string) => void,
  ) {
    this.ended = new Promise((resolve) => (this.resolveEnded = resolve));
    this.listening = new Promise((resolve) => (this.resolveListening = resolve));
    if (program.kind === 'script') this.runScript(program.argv, env);
    else if (program.kind === 'server')
      this.after(program.listenAfter, () => {
        this.listen(program.port);
      });
    else {
      print(program.output);
      this.after(program.after, () => {
        this.end({ exitCode: program.exitCode, reason: program.reason });
      });
    }
  }

  get isListening(): boolean {
    return this.openPort !== undefined;
  }

  /** The HTTP status that a request is answered with; undefined where nobody listens. */
  answer(port: number, path: string): number | undefined {
    if (this.over || port !== this.openPort || this.program.kind !== 'server') return undefined;
    return this.program.paths?.includes(path.replace(/\?.*/, '')) === false ? 404 : 200;
  }

  listensOn(port: number): boolean {
    return !this.over && port === this.openPort;
  }

  /** SIGTERM, and SIGKILL after `grace` milliseconds: a server ends in order, anything else is ended by it. */
  terminate(grace: number): void {
    this.after(Math.min(timing.stop, grace), () => {
      if (grace < timing.stop) this.kill();
      else this.end({ exitCode: this.program.kind === 'server' ? 0 : 143 });
    });
  }

  /** SIGKILL. */
  kill(): void {
    this.end({ exitCode: 137 });
  }

  private listen(port: number): void {
    this.openPort = port;
    this.print(`listening on ${port}\n`);
    this.resolveListening();
  }

  private runScript(argv: string[], env: Record<string, string>): void {
    runInShell({ argv, env, merged: true }, this.killed.signal).then(
      ({ stdout, stderr, exitCode }) => {
        this.print(stdout + stderr);
        this.end({ exitCode });
      },
      () => undefined, // killed: its end is told already
    );
  }

  private after(delay: number, act: () => void): void {
    if (!this.over) this.timers.push(setTimeout(act, delay));
  }

  private end(end: ProcessEnd): void {
    if (this.over) return;
    this.over = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.killed.abort(new Error('killed'));
    this.resolveEnded(end);
  }
}
