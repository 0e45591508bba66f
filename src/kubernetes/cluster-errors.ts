import { types } from 'node:util';

/** The API server couldn't be asked: refused or dropped connection, time-out, 429, 5xx. Worth trying again. */
export class OutOfReach extends Error {
  /** @param retryAfter seconds that the server asks to wait, if it does */
  constructor(
    message: string,
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}

/** The API server understood and said no: invalid, over quota, denied by admission. Trying the same again is useless. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly reason: string,
  ) {
    super(message);
  }
}

/** The cluster doesn't serve that kind of object: a project that brings it isn't installed. */
export class UnknownKind extends Refused {
  constructor(apiVersion: string, kind: string) {
    super(`the cluster has no ${kind} of ${apiVersion}: install what brings it, and try again`, 'UnknownKind');
  }
}

/** Keelson itself may not do this in the cluster: the operator has to grant a right. */
export class MissingPermission extends Error {}

/**
 * Whether a right to Secrets is missing. It may come by a RoleBinding of the namespace, which the API server's authorizer hears of a moment
 * after it was made.
 */
export const lacksSecrets = (error: unknown): boolean =>
  error instanceof MissingPermission && error.message.includes(' resource "secrets"');

/** What was to be changed isn't there. */
export class ObjectNotFound extends Error {}

/** The object changed since it was read, is of another uid, or exists already. */
export class ObjectConflict extends Error {}

/** What the client says when discovery doesn't list a kind, or its whole group (then with the 404 of the API server). */
const UNKNOWN_KIND = /^(?:Unrecognized API version and kind:|Failed to fetch resource metadata for) (?<version>[^\s:]+)[ /](?<kind>\w+)/;

/**
 * What the API server says while the cluster isn't ready for what it will allow: without a namespace's service account, a quota's first
 * status, its own caches, or, when it has just started, the roles that our binding names.
 */
export const CLUSTER_NOT_READY =
  /error looking up service account|status unknown for quota|not yet ready to handle request|: RBAC: .*\bnot found\b/;

interface StatusBody {
  message?: string;
  reason?: string;
  details?: { retryAfterSeconds?: number };
}

/** What the API server says of an apply whose fields are of wrong types. Kubernetes 1.20 answers 500 there, where later ones answer 400. */
const WRONG_TYPE = /^failed to create typed (?:patch|live) object/;

/** What is there has two elements of one name, or one without: said as 500 by Kubernetes 1.20 (both seen), and no apply cures it. */
const UNAPPLICABLE = / duplicate entries for key | has an element that omits key field /;

function statusOf(body: unknown): StatusBody {
  try {
    const parsed: unknown = typeof body === 'string' ? JSON.parse(body) : body;
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

/** Seconds of a `Retry-After` header, as far as it tells any. */
function retryAfterOf(headers: unknown): number | undefined {
  const value = (headers as Record<string, string> | undefined)?.['retry-after'];
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
}

/**
 * Turns whatever a call to the API server threw into one of the errors above; anything else (a bug) comes back as it is.
 * A 403 is a missing permission of ours only if it says `cannot <verb> resource`: quota, admission and a terminating namespace
 * answer 403 too.
 */
export function translate(error: unknown): Error {
  if (!isError(error)) return new Error(String(error));
  if (error instanceof OutOfReach) return error;
  const unknown = UNKNOWN_KIND.exec(error.message);
  const { code, statusCode, body, headers } = error as { code?: unknown; statusCode?: unknown; body?: unknown; headers?: unknown };
  const status = typeof code === 'number' ? code : typeof statusCode === 'number' ? statusCode : undefined;
  // the client puts its words about discovery before those of a lost connection too
  if (status === undefined && isNetworkError(error)) return new OutOfReach(networkReason(error));
  if (unknown?.groups && (status === undefined || status === 404))
    return new UnknownKind(unknown.groups.version ?? '', unknown.groups.kind ?? '');
  if (status === undefined) return error;
  const answer = statusOf(body);
  const message = answer.message ?? `the API server answered ${String(status)}`;
  if (status === 404) return new ObjectNotFound(message);
  if (status === 409) return new ObjectConflict(message);
  if (status === 500 && WRONG_TYPE.test(message)) return new Refused(message, 'Invalid');
  if (status === 500 && UNAPPLICABLE.test(message)) return new Refused(message, 'Invalid');
  // 401: a token that is being rotated
  if (status === 429 || status === 401 || status >= 500) {
    return new OutOfReach(message, answer.details?.retryAfterSeconds ?? retryAfterOf(headers));
  }
  if (status === 403 && CLUSTER_NOT_READY.test(message)) return new OutOfReach(message);
  if (status === 403 && / cannot \w+ resource /.test(message)) return new MissingPermission(message);
  return new Refused(message, answer.reason ?? String(status));
}

/** Also an error of the platform's own, which a test's realm has another class for. */
const isError = (value: unknown): value is Error => value instanceof Error || types.isNativeError(value);

const NETWORK_CODES =
  /^(E(CONN|HOST|NET|PIPE|ADDR|AI_|PROTO|NOTFOUND|TIMEDOUT)|UND_ERR|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL)/;

function isNetworkError(error: Error): boolean {
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return true;
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  if (typeof code === 'string' && NETWORK_CODES.test(code)) return true;
  if (error.name === 'TypeError' && error.message === 'fetch failed') return true;
  if (error.message === 'socket hang up' || error.message === 'terminated') return true;
  return isError(cause) && isNetworkError(cause);
}

function networkReason(error: Error): string {
  const cause = isError(error.cause) ? error.cause : error;
  if (cause instanceof OutOfReach) return cause.message;
  if (cause.name === 'AbortError' || cause.name === 'TimeoutError') return 'the API server did not answer in time';
  const { code } = cause as { code?: unknown };
  return `the API server is out of reach (${typeof code === 'string' ? code : cause.message})`;
}
