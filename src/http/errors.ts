/** An error that a caller is to see. The filter turns it into its status, headers and body. */
export abstract class ApiError extends Error {
  abstract readonly status: number;

  /** Response headers beside the usual ones. */
  headers(): Record<string, string> {
    return {};
  }

  /** Null: none. */
  body(): object | null {
    return { detail: this.message };
  }
}

/** 400: a request that cannot be carried out as it stands, as one sentence. */
export class BadRequest extends ApiError {
  readonly status = 400;
}

/** 400: every field at fault with its messages. */
export class InvalidFields extends ApiError {
  readonly status = 400;

  constructor(readonly fields: Record<string, string[]>) {
    super(
      Object.entries(fields)
        .flatMap(([field, messages]) => messages.map((message) => `${field}: ${message}`))
        .join('; '),
    );
  }

  override body(): object {
    return this.fields;
  }
}

export class Unauthorized extends ApiError {
  readonly status = 401;

  override headers(): Record<string, string> {
    return { 'WWW-Authenticate': 'Token' };
  }
}

export class Forbidden extends ApiError {
  readonly status = 403;

  constructor(message = 'You do not have permission to perform this action.') {
    super(message);
  }
}

/** 404 for an object that isn't there; `model` is the platform's word for it: App, Build, Release, User … */
export class NotFound extends ApiError {
  readonly status = 404;

  static of(model: string): NotFound {
    return new NotFound(`No ${model} matches the given query.`);
  }

  constructor(message = 'Not found.') {
    super(message);
  }
}

export class MethodNotAllowed extends ApiError {
  readonly status = 405;

  constructor(
    method: string,
    private readonly allowed: string[],
  ) {
    super(`Method "${method}" not allowed.`);
  }

  override headers(): Record<string, string> {
    return { Allow: this.allowed.join(', ') };
  }
}

export class Conflict extends ApiError {
  readonly status = 409;
}

/** 410: it was there once. */
export class Gone extends ApiError {
  readonly status = 410;
}

export class PayloadTooLarge extends ApiError {
  readonly status = 413;
}

export class UnsupportedMediaType extends ApiError {
  readonly status = 415;
}

export class Unprocessable extends ApiError {
  readonly status = 422;
}

/** 423 without a body: what somebody may do to others, but not to himself. */
export class Locked extends ApiError {
  readonly status = 423;

  override body(): null {
    return null;
  }
}

/** 429: it was tried too often lately. */
export class TooManyRequests extends ApiError {
  readonly status = 429;

  /** @param retryAfter seconds */
  constructor(
    message: string,
    private readonly retryAfter: number,
  ) {
    super(message);
  }

  override headers(): Record<string, string> {
    return { 'Retry-After': String(this.retryAfter) };
  }
}

/** 503: the cluster is out of reach, or something it should do did not come about. */
export class Unavailable extends ApiError {
  readonly status = 503;

  /** @param retryAfter seconds; @param location the operation that goes on meanwhile */
  constructor(
    message: string,
    private readonly retryAfter?: number,
    private readonly location?: string,
  ) {
    super(message);
  }

  override headers(): Record<string, string> {
    return {
      ...(this.retryAfter === undefined ? {} : { 'Retry-After': String(this.retryAfter) }),
      ...(this.location === undefined ? {} : { Location: this.location }),
    };
  }
}

/** A failure that was recorded with the status and words it is answered with (a failed release, a refused scale). */
export class Recorded extends ApiError {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}
