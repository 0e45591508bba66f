import type { CachedPod } from '../kubernetes/cached-objects.ts';

/** A line of an app's log, wherever it comes from. */
export interface LogLine {
  /** Milliseconds since the epoch. */
  at: number;
  /** What it says, with who says it, in one line. */
  text: string;
}

/** How far a pod's log was read: the time of the last line, in nanoseconds since the epoch, and how many lines of that time there were. */
export interface LogPosition {
  at: bigint;
  lines: number;
}

/** What Keelson itself says about an app; a message of several lines makes several. */
export function ownLines(at: Date, message: string): LogLine[] {
  return linesOf(message).map((line) => ({ at: at.getTime(), text: `drycc[api]: ${line}` }));
}

/**
 * The last lines that a pod printed, as `<app>[<type>.<release>.<end of the pod's name>]: <text>`, the form that this family of controllers has.
 * @param log with the time before each line, RFC 3339, as the API server puts it there
 * @returns the lines that there is room for, how far they go (null if there are none), and whether lines before them were left out
 */
export async function podLines(
  app: string,
  pod: CachedPod,
  log: AsyncIterable<string>,
  count: number,
): Promise<{ lines: LogLine[]; position: LogPosition | null; cut: boolean }> {
  const source = sourceOf(app, pod);
  const last = new LastLines(count);
  let position: LogPosition | null = null;
  for await (const line of linesAsTheyCome(log)) {
    const timed = timedLine(line);
    if (!timed) continue;
    last.add(podLine(source, timed));
    position = positionAfter(position, timed);
  }
  return { lines: last.lines(), position, cut: last.cut };
}

/** Characters of the lines that are kept to be sent: who asks for many lines gets as many of the last ones as there is room for. */
export const ROOM = 4 * 1024 * 1024;

/** The last of the lines that are added: at most `count`, and as many as there is room for, but one at least. */
export class LastLines {
  /** Whether some were left out because there was no room. */
  cut = false;
  private kept: LogLine[] = [];
  /** Of the oldest line that counts; those before it are taken out now and then. */
  private first = 0;
  private size = 0;

  constructor(
    private readonly count: number,
    private readonly room = ROOM,
  ) {}

  add(line: LogLine): void {
    this.kept.push(line);
    this.size += line.text.length;
    while (this.kept.length - this.first > this.count) this.drop();
    while (this.size > this.room && this.kept.length - this.first > 1) {
      this.drop();
      this.cut = true;
    }
    if (this.first > 1000 && 2 * this.first > this.kept.length) {
      this.kept = this.kept.slice(this.first);
      this.first = 0;
    }
  }

  lines(): LogLine[] {
    return this.kept.slice(this.first);
  }

  private drop(): void {
    this.size -= this.kept[this.first]?.text.length ?? 0;
    // what isn't needed any more isn't held on to either
    this.kept[this.first] = { at: 0, text: '' };
    this.first += 1;
  }
}

export function positionAfter(position: LogPosition | null, { at }: TimedLine): LogPosition {
  return { at, lines: position?.at === at ? position.lines + 1 : 1 };
}

/** Who says what a pod prints. */
export function sourceOf(app: string, { name, labels }: CachedPod): string {
  const { type = '', version } = labels;
  return `${app}[${[type, version, name.slice(name.lastIndexOf('-') + 1)].filter(Boolean).join('.')}]`;
}

export const podLine = (source: string, { at, text }: TimedLine): LogLine => ({ at: Number(at / 1_000_000n), text: `${source}: ${text}` });

/** A line with the time that the kubelet took it at, in nanoseconds since the epoch. */
export interface TimedLine {
  at: bigint;
  text: string;
}

const TIMED = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d) ?(.*)$/s;

/** Null for one without a time. It is no process's: the kubelet puts there why it has no log, say of a container that is gone. */
export function timedLine(line: string): TimedLine | null {
  const [, seconds, fraction = '', zone, text = ''] = TIMED.exec(line) ?? [];
  if (seconds === undefined || zone === undefined) return null;
  return { at: BigInt(Date.parse(seconds + zone)) * 1_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9)), text };
}

/** Lines as they are sent: each with its time of day, UTC, and a line feed. */
export function shown(lines: readonly LogLine[]): string {
  return lines.map(({ at, text }) => `${new Date(at).toISOString().slice(11, 19)} ${text}\n`).join('');
}

/**
 * The last lines of several logs that there is room for, oldest first. Lines of the same time stay in the order that they have.
 * @returns also whether there was no room for some of them
 */
export function newest(logs: readonly (readonly LogLine[])[], count: number, room = ROOM): { lines: LogLine[]; cut: boolean } {
  const last = new LastLines(count, room);
  for (const line of logs.flat().sort((a, b) => a.at - b.at)) last.add(line);
  return { lines: last.lines(), cut: last.cut };
}

/** Text as the lines that it has: the end of the last one makes no further line. A carriage return before a line feed goes with it. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** Characters of a line that is followed: longer ones are cut, so that a process that never ends its line doesn't fill the memory. */
const LONGEST = 256 * 1024;

/** The lines of text that comes in pieces. What is left without a line feed at its end is a line, unless the text breaks off with an error. */
export async function* linesAsTheyCome(pieces: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  let begun = '';
  for await (const piece of pieces) {
    const lines = piece.split('\n');
    lines[0] = begun + (lines[0] ?? '');
    begun = (lines.pop() ?? '').slice(0, LONGEST);
    for (const line of lines) yield line.slice(0, LONGEST).replace(/\r$/, '');
  }
  if (begun !== '') yield begun.replace(/\r$/, '');
}
