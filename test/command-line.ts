import type { Answer, Api } from './keelson.ts';

/** The command lines that people have, by what they call themselves. All are written in Go and speak API 2.3. */
export const programs = {
  'drycc 1.2': 'Drycc Client v1.2.1',
  'drycc 1.1': 'Drycc Client v1.1.0',
  'hephy 2.23': 'Hephy Client v2.23.0',
  'deis 2.18': 'Deis Client v2.18.0',
} as const;

export type Program = keyof typeof programs;

/** Sends what a command line sends. */
export class CommandLine {
  /** @param api who is logged in */
  constructor(
    readonly program: Program,
    private readonly api: Api,
  ) {}

  /** As everything but the check of the server: its type is JSON, also that of a GET and of an empty body. */
  request<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    return this.send(method, path, { 'Content-Type': 'application/json' }, body);
  }

  /** As the check of the server, before it logs in: without a type. Nobody is to be logged in. */
  check(path: string): Promise<Answer> {
    return this.send('GET', path, {});
  }

  private send<T>(method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<Answer<T>> {
    return this.api.request<T>(method, path, body, { headers: { 'User-Agent': programs[this.program], ...headers } });
  }
}
