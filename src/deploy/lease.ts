import type { CauseClass } from './cause.ts';
import type { OperationKind, OperationState } from './operation.entity.ts';

/** The operation is somebody else's by now: whoever sees this records nothing and stops. */
export class LeaseLost extends Error {
  constructor() {
    super('the lease of this operation was lost');
  }
}

/** The owner trusts its lease for less than the row says, by its own monotonic clock, so that it stops first. */
const TRUSTED = 5 / 6;

/** How an operation ended. */
export interface Ended {
  kind: OperationKind;
  state: OperationState;
  cause: CauseClass | null;
  /** From its request to its end. */
  seconds: number;
}

/** One owner's hold on one operation. */
export class Lease {
  private trustedUntil: number;
  private lost = false;
  /** Milliseconds for which the operation's roll-out has been waited for; kept with each renewal, for whoever takes over. */
  waited = 0;
  /** What the owner wrote as the operation's end; it counts once that is committed. */
  ended: Ended | null = null;

  /**
   * @param asked monotonic time just before the claim or renewal was sent
   * @param term how long a claim holds unless it is renewed, in milliseconds
   */
  constructor(
    readonly operation: string,
    readonly token: number,
    asked: number,
    private readonly term: number,
  ) {
    this.trustedUntil = asked + term * TRUSTED;
  }

  renewed(asked: number): void {
    this.trustedUntil = asked + this.term * TRUSTED;
  }

  lose(): void {
    this.lost = true;
  }

  /** Throws LeaseLost unless the lease is certain to hold. Called before each call to the cluster. */
  check(): void {
    if (this.lost || performance.now() >= this.trustedUntil) throw new LeaseLost();
  }
}
