import { setTimeout as sleep } from 'node:timers/promises';

/** How often the aggregator is asked, and the pause after the first time in milliseconds, doubled after the second. */
const TRIES = 3;
const PAUSE = 250;
/** How long one answer may take, in milliseconds. */
const TIMEOUT = 10_000;

/** The aggregator gave no log: out of reach, or an answer that is none. */
export class AggregatorFailed extends Error {}

/**
 * Asks a log aggregator for an app's last lines.
 * @param base `http://host:port`
 * @returns the log as it is; empty when it knows of none
 * @throws AggregatorFailed after three tries
 */
export async function aggregatedLog(base: string, app: string, lines: number): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await fetch(`${base}/logs/${app}?log_lines=${lines}`, { signal: AbortSignal.timeout(TIMEOUT) });
      const text = await response.text();
      if (response.status === 204 || response.status === 404) return '';
      if (response.status === 200) return text;
      throw new AggregatorFailed(`the log aggregator answered ${response.status}`);
    } catch (error) {
      if (attempt === TRIES) {
        const { cause } = error as { cause?: unknown };
        const reason = cause instanceof Error ? cause.message : error instanceof Error ? error.message : String(error);
        throw new AggregatorFailed(reason);
      }
      await sleep(PAUSE * 2 ** (attempt - 1));
    }
  }
}
