import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { FaultPoint } from '../src/deploy/fault-points.ts';
import { eventually, NO_LIMITS } from './keelson-process.ts';
import { clusterSettings } from './test-cluster.ts';

/** What the process says (test/keelson-at-fault-points.mjs). */
type Message =
  | { type: 'reached'; number: number; point: FaultPoint; app: string; object?: string }
  | { type: 'began' | 'ended' | 'passed'; app: string }
  | { type: 'called'; app: string; writes: boolean; call: string }
  | { type: 'claim'; on: boolean };

/** Says whether an app is to be held where it is. */
export type Hold = (at: { app: string; point: FaultPoint; object?: string }) => boolean;

/** A Keelson process that can be held at the points of its operations. It takes up operations only when told to. */
export class HeldKeelson {
  /** Apps that are held, with the number of what they reached. */
  readonly held = new Map<string, number>();
  /** What was reached of each app, in order, since the last `watch`. */
  readonly passed = new Map<string, Set<FaultPoint>>();
  /** Writing calls to the cluster of each app since the last `watch`. */
  readonly calls = new Map<string, string[]>();
  /** Points and calls of each app that were reached and not yet left. */
  private readonly open = new Map<string, number>();
  private readonly runs = new Map<string, number>();
  private readonly ran = new Set<string>();
  private hold: Hold = () => false;
  private output = '';

  private constructor(
    private readonly child: ChildProcess,
    readonly base: string,
  ) {
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.on('message', (message) => {
      this.hear(message as Message);
    });
  }

  /** @param env all of its environment but PATH */
  static async start(env: Record<string, string> & { PORT: string }): Promise<HeldKeelson> {
    const child = fork(join('test', 'keelson-at-fault-points.mjs'), {
      env: { PATH: process.env.PATH, ...NO_LIMITS, ...clusterSettings, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [],
    });
    const keelson = new HeldKeelson(child, `http://127.0.0.1:${env.PORT}`);
    await eventually(async () => {
      if (child.exitCode !== null) return;
      const { status } = await fetch(`${keelson.base}/readiness`);
      if (status !== 200) throw new Error(`it is not ready: ${String(status)}\n${keelson.output}`);
    });
    if (child.exitCode !== null) throw new Error(`it ended with ${String(child.exitCode)}:\n${keelson.output}`);
    return keelson;
  }

  /** Begins to count anew, and holds each app once, where `hold` says so. */
  watch(hold: Hold): void {
    this.hold = hold;
    for (const seen of [this.held, this.passed, this.calls, this.ran]) seen.clear();
  }

  /** Whether it takes up operations from now on. */
  async claims(on: boolean): Promise<void> {
    const done = new Promise<void>((resolve) => {
      const listener = (message: unknown): void => {
        if ((message as Message).type !== 'claim') return;
        this.child.off('message', listener);
        resolve();
      };
      this.child.on('message', listener);
    });
    this.child.send({ type: 'claim', on });
    await done;
  }

  /** Whether an app was worked on, and isn't any more. */
  workedOn(app: string): boolean {
    return this.ran.has(app) && this.idle(app);
  }

  /** Whether nothing of the app's is done here now. */
  idle(app: string): boolean {
    return (this.runs.get(app) ?? 0) === 0;
  }

  /** Whether an app is held, and nothing of it is on its way to the cluster. */
  still(app: string): boolean {
    return this.held.has(app) && this.open.get(app) === 1;
  }

  /** Where an app is, for the words of a failure. */
  whereabouts(app: string): string {
    const passed = [...(this.passed.get(app) ?? [])].join(', ');
    const [open, runs] = [this.open, this.runs].map((counts) => counts.get(app) ?? 0);
    return `${app} (${this.held.has(app) ? 'held' : 'not held'}, ${String(open)} open, ${String(runs)} running, passed ${passed})`;
  }

  /** Lets go all that is held, and holds nothing more. */
  letGo(): void {
    this.hold = () => false;
    for (const number of this.held.values()) this.child.send({ type: 'go', number });
    this.held.clear();
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  private hear(message: Message): void {
    if (message.type === 'claim') return;
    const { app } = message;
    const add = (counts: Map<string, number>, change: number): unknown => counts.set(app, (counts.get(app) ?? 0) + change);
    switch (message.type) {
      case 'reached': {
        const { number, point, object } = message;
        add(this.open, 1);
        if (!this.held.has(app) && this.hold({ app, point, object })) this.held.set(app, number);
        else this.child.send({ type: 'go', number });
        this.passed.set(app, (this.passed.get(app) ?? new Set()).add(point));
        break;
      }
      case 'called':
        add(this.open, 1);
        if (message.writes) this.calls.set(app, [...(this.calls.get(app) ?? []), message.call]);
        break;
      case 'passed':
        add(this.open, -1);
        break;
      case 'began':
        add(this.runs, 1);
        break;
      case 'ended':
        add(this.runs, -1);
        this.ran.add(app);
    }
  }
}
