import { ApiError } from '../api-error.ts';
import type { Fault } from './fault.ts';

interface Answer {
  code: number;
  headers: Record<string, string>;
  body: string;
}

/** Reason and words of the API server where it gives up by itself, by HTTP status. */
const words: Record<number, [reason: string, message: string]> = {
  401: ['Unauthorized', 'Unauthorized'],
  403: ['Forbidden', 'forbidden: the sandbox was asked for this fault'],
  404: ['NotFound', 'the server could not find the requested resource'],
  409: ['Conflict', 'the object has been modified; please apply your changes to the latest version and try again'],
  410: ['Expired', 'The resourceVersion for the provided watch is too old.'],
  500: ['InternalError', 'Internal error occurred: the sandbox was asked for this fault'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: ['Timeout', 'Timeout: request did not complete within requested timeout 34s'],
};

/** As the API server answers: a Status, but when it has too much to do, plain text. */
export function answerOf({ code, retryAfter, message }: Extract<Fault, { fault: 'answer' }>): Answer {
  const wait = retryAfter ?? (code === 429 ? 1 : undefined);
  const headers: Record<string, string> = wait === undefined ? {} : { 'retry-after': String(wait) };
  if (code === 429) {
    const body = `${message ?? 'Too many requests, please try again later.'}\n`;
    return { code, headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' }, body };
  }
  const [reason, text] = words[code] ?? ['', `the sandbox was asked to answer ${code}`];
  const details = wait === undefined ? undefined : { retryAfterSeconds: wait };
  const body = JSON.stringify(new ApiError(code, reason, message ?? text, details).toStatus());
  return { code, headers: { ...headers, 'content-type': 'application/json' }, body };
}
