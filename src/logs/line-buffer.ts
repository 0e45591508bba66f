import { type LogLine, shown } from './log-lines.ts';

/** Characters that wait for a reader. Who has more has to wait. */
const ROOM = 256 * 1024;

/** Lines of many logs on their way to one reader, as many as there is room for. */
export class LineBuffer {
  private lines: LogLine[] = [];
  private size = 0;
  private wakeReader: () => void = () => undefined;
  private waiting: (() => void)[] = [];

  /** @param signal ends the waiting of all */
  constructor(
    private readonly signal: AbortSignal,
    private readonly room = ROOM,
  ) {
    signal.addEventListener('abort', () => {
      this.wakeReader();
      this.makeRoom();
    });
  }

  /** Adds a line, when there is room. */
  async put(line: LogLine): Promise<void> {
    while (this.size >= this.room && !this.signal.aborted) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.lines.push(line);
    this.size += line.text.length;
    this.wakeReader();
  }

  /** All that waits, whenever something does, until the signal comes; then what is left. */
  async *texts(): AsyncGenerator<string, void, undefined> {
    for (;;) {
      if (this.lines.length === 0) {
        if (this.signal.aborted) return;
        await new Promise<void>((resolve) => (this.wakeReader = resolve));
        continue;
      }
      const text = shown(this.lines);
      this.lines = [];
      this.size = 0;
      this.makeRoom();
      yield text;
    }
  }

  private makeRoom(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const wake of waiting) wake();
  }
}
