import autocannon from 'autocannon';

/** What a server made of a load. */
export interface Rate {
  /** Answers a second. */
  rate: number;
  /** Milliseconds that 99 of 100 answers took at the most. */
  p99: number;
  /** Answers with another status than was expected, and requests without an answer. */
  bad: number;
  /** Answers in all. */
  answers: number;
}

export interface Requests {
  url: string;
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  /** The body of the next request. */
  body?: () => { path?: string; body: string };
  /** The status of a good answer. */
  status?: number;
}

/** Sends requests without pause over some connections. */
export async function load(
  { url, method = 'GET', headers = {}, body, status = 200 }: Requests,
  seconds: number,
  connections = 8,
): Promise<Rate> {
  const result = await autocannon({
    url,
    method,
    headers: { ...headers, ...(body ? { 'Content-Type': 'application/json' } : {}) },
    connections,
    duration: seconds,
    ...(body
      ? {
          requests: [
            {
              method,
              setupRequest: (request: autocannon.Request) => {
                const next = body();
                return { ...request, body: next.body, ...(next.path === undefined ? {} : { path: next.path }) };
              },
            },
          ],
        }
      : {}),
  });
  const answers = result.requests.total;
  const good = result.statusCodeStats?.[`${status}`]?.count ?? 0;
  return {
    rate: answers / result.duration,
    p99: result.latency.p99,
    bad: answers - good + result.errors + result.timeouts,
    answers,
  };
}

/** The middle of some numbers. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** Half of the distance between the smallest and the largest of some numbers, as a part of their middle. */
export const spread = (numbers: readonly number[]): number => (Math.max(...numbers) - Math.min(...numbers)) / 2 / median(numbers);
