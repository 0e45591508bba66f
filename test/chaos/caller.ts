import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dice } from './dice.ts';
import type { Replica } from '../replicas.ts';

/** What was at last answered. */
export interface Answer {
  status: number;
  /** X-Drycc-Release, where the change made a release. */
  release: number | null;
  json: unknown;
  /** Milliseconds from the first try to this answer. */
  took: number;
  /** Tries that ended without an answer, or with 503. */
  interrupted: number;
}

/** One call may take so long before it is tried again, in milliseconds; REQUEST_WAIT is shorter. */
const PATIENCE = 60_000;
/** After so long without an answer something is lost. */
const GIVE_UP = 600_000;

/**
 * A user who doesn't give up: any replica is asked, and asked again with the same Idempotency-Key until one answers. So what became of
 * each call is known, whatever broke on the way.
 */
export class Caller {
  /** Answers that no caller should get. */
  readonly complaints: string[] = [];
  token = '';

  constructor(
    private readonly replicas: readonly Replica[],
    private readonly dice: Dice,
  ) {}

  async call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<Answer> {
    const key = randomUUID();
    const began = performance.now();
    for (let interrupted = 0; ; interrupted++) {
      if (performance.now() - began > GIVE_UP) throw new Error(`${method} ${path} has no answer after ${interrupted} tries`);
      const response = await this.send(method, path, body, key).catch(() => null);
      if (response === null) {
        await sleep(this.dice.whole(100, 1_000));
        continue;
      }
      const { status, headers, text } = response;
      if (status === 503 || status === 429) {
        if (headers.get('retry-after') === null) this.complaints.push(`${method} ${path}: ${status} without Retry-After: ${text}`);
        await sleep(this.dice.whole(200, 1_500));
        continue;
      }
      if (status >= 500) this.complaints.push(`${method} ${path}: ${status} ${text}`);
      const release = headers.get('x-drycc-release');
      const json: unknown = text === '' ? undefined : JSON.parse(text);
      return { status, release: release === null ? null : Number(release), json, took: performance.now() - began, interrupted };
    }
  }

  private async send(
    method: string,
    path: string,
    body: unknown,
    key: string,
  ): Promise<{ status: number; headers: Headers; text: string }> {
    const response = await fetch(this.dice.of(this.replicas).base + path, {
      method,
      headers: {
        'Content-Type': 'application/json',
        ...(this.token && { Authorization: `token ${this.token}` }),
        ...(method === 'POST' && this.token && { 'Idempotency-Key': key }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(PATIENCE),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }
}
