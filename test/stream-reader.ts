import type { Api } from './keelson.ts';
import { eventually } from './keelson-process.ts';

const open = new Set<StreamReader>();

/** An answer that goes on, as far as it has come. */
export class StreamReader {
  text = '';
  /** Whether it has ended by itself. */
  ended = false;
  private readonly leaving = new AbortController();
  private reading: Promise<void> = Promise.resolve();

  private constructor(
    readonly status: number,
    readonly headers: Headers,
  ) {}

  /** Calls as the user of `api`; an answer's body is read as it comes. */
  static async open(
    api: Api,
    method: 'GET' | 'POST',
    path: string,
    headers: Record<string, string> = {},
    body?: object,
  ): Promise<StreamReader> {
    const leaving = new AbortController();
    const response = await fetch(api.base + path, {
      method,
      headers: {
        Authorization: `token ${api.token ?? ''}`,
        ...(body ? { 'Content-Type': 'application/json' } : {}),
        ...headers,
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: leaving.signal,
    });
    const reader = new StreamReader(response.status, response.headers);
    reader.leaving.signal.addEventListener('abort', () => {
      leaving.abort();
    });
    reader.reading = reader.read(response);
    open.add(reader);
    return reader;
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }

  /** The events that have come, without heartbeats. */
  get events(): { event: string; data: Record<string, unknown> }[] {
    return this.text
      .split('\n\n')
      .slice(0, -1)
      .filter((block) => !block.startsWith(':'))
      .map((block) => {
        const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
        return { event: field('event'), data: JSON.parse(field('data')) as Record<string, unknown> };
      });
  }

  /** Waits until something was sent. */
  async until(holds: (reader: StreamReader) => boolean, what = 'what was waited for'): Promise<void> {
    await eventually(() =>
      holds(this) ? Promise.resolve() : Promise.reject(new Error(`${what} didn't come:\n${this.text.slice(-4000)}`)),
    );
  }

  async end(): Promise<void> {
    await this.until(({ ended }) => ended, 'the end');
  }

  /** Hangs up on all that are open: a test that fails leaves some. */
  static async leaveAll(): Promise<void> {
    await Promise.all([...open].map((reader) => reader.leave()));
  }

  /** Hangs up. */
  async leave(): Promise<void> {
    open.delete(this);
    this.leaving.abort();
    await this.reading;
  }

  private async read(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) this.text += decoder.decode(chunk, { stream: true });
      this.ended = true;
    } catch {
      // cut, or left
    }
  }
}
