import { createHmac } from 'node:crypto';

/** What a deploy hook tells of a release. */
export interface DeployHookFacts {
  /** The app's id. */
  app: string;
  version: number;
  summary: string;
  /** Of the build's commit; null without a build, or for an image. */
  sha: string | null;
  /** Username of who made the release. */
  user: string;
}

/** How long an answer may take, in milliseconds. */
const TIMEOUT = 5_000;
/** Receivers refuse URLs of more than some 8 KiB; the summary of a config with very many keys is cut. Characters. */
const LONGEST_SUMMARY = 1_500;

/** The URL to send, its parameters in alphabetical order after those that it has itself. */
export function deployHookUrl(base: string, { app, version, summary, sha, user }: DeployHookFacts): string {
  const url = new URL(base);
  const characters = Array.from(summary);
  const parameters = new URLSearchParams({
    app,
    release: `v${String(version)}`,
    release_summary: characters.length > LONGEST_SUMMARY ? `${characters.slice(0, LONGEST_SUMMARY - 1).join('')}…` : summary,
    sha: sha ?? '',
    user,
  });
  url.search = [url.search.slice(1), parameters.toString()].filter(Boolean).join('&');
  url.hash = '';
  return url.href;
}

/** The URL as logs have it: whoever reads them may not know credentials and tokens. */
export function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/** Proof that a call comes from this platform: the HMAC-SHA1, hex, of the URL that is called. (SHA-1 because receivers expect it.) */
export function signature(url: string, secret: string): string {
  return createHmac('sha1', secret).update(url).digest('hex');
}

/**
 * Calls the URL with POST and no body. Redirects are not followed; of the answer only the status counts.
 * @param url credentials in it are sent as they are in browsers, unless there is a secret
 * @param secret what the call is signed with
 * @throws Error whose message says why it didn't arrive, without the URL
 */
export async function sendDeployHook(url: string, secret: string | undefined): Promise<void> {
  const { target, credentials } = withoutCredentials(url);
  const authorization = secret === undefined ? credentials : signature(target, secret);
  const signal = AbortSignal.timeout(TIMEOUT);
  let response: Response;
  try {
    response = await fetch(target, {
      method: 'POST',
      redirect: 'manual',
      signal,
      ...(authorization && { headers: { Authorization: authorization } }),
    });
  } catch (error) {
    throw new Error(signal.aborted ? `no answer within ${String(TIMEOUT / 1000)} s` : reasonOf(error));
  }
  // what it says doesn't matter, however much it is
  await response.body?.cancel().catch(() => undefined);
  if (!response.ok) throw new Error(`it answered ${String(response.status)}`);
}

function withoutCredentials(url: string): { target: string; credentials: string | null } {
  const target = new URL(url);
  const { username, password } = target;
  if (username === '' && password === '') return { target: url, credentials: null };
  target.username = target.password = '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { target: target.href, credentials: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** fetch hides why it failed in the cause of its error. */
function reasonOf(error: unknown): string {
  const { cause = error } = error as { cause?: unknown };
  const { message, code } = cause as { message?: string; code?: string };
  return message || code || 'it could not be reached';
}
