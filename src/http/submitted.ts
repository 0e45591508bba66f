/** The operation that a change is part of, as the wire shows it. */
export interface OperationRef {
  /** Path of the operation, e.g. `/v2/operations/<uuid>`. */
  readonly location: string;
}

/**
 * A change that is committed and on its way to the cluster. A route handler returns it as it is: the interceptor waits for the
 * outcome, or answers 202 at once when the caller prefers not to wait.
 */
export class Submitted<T> {
  /**
   * @param operation what the caller can watch; null when there is nothing to wait for
   * @param settle waits for the outcome; throws the error that the outcome is answered with
   * @param describe the operation's body, for an answer that does not wait
   * @param release number of the release that the change made, for `X-Drycc-Release`
   */
  constructor(
    readonly operation: OperationRef | null,
    readonly settle: () => Promise<T>,
    readonly describe: () => Promise<object>,
    readonly release?: number,
  ) {}

  /** @param recover gives what is answered in place of an error of the outcome, or throws it */
  otherwise(recover: (error: unknown) => Promise<unknown>): Submitted<unknown> {
    return new Submitted<unknown>(this.operation, () => this.settle().catch(recover), this.describe, this.release);
  }

  map<U>(next: (value: T) => U | Promise<U>): Submitted<U> {
    return new Submitted(this.operation, async () => next(await this.settle()), this.describe, this.release);
  }
}
