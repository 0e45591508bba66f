import type { Refused } from '../kubernetes/cluster-errors.ts';
import { ForeignNamespace } from './applier.ts';
import { classOfRefusal, type Cause } from './cause.ts';
import { mask } from './mask.ts';
import { WHOLE_APP, type Operation } from './operation.entity.ts';
import type { AppSnapshot } from './snapshot.ts';
import type { Trouble } from './verdict.ts';

/** Words and HTTP status by process type, under `WHOLE_APP` for all that is in an operation, or under `FACTS` for those that it undid. */
export type Outcome = NonNullable<Operation['outcome']>;

/** Why a round failed. */
export interface Failure {
  cause: Cause;
  /** HTTP status for whoever asked for it. */
  status: number;
  /** Process types that didn't come up; empty when something else is the matter. */
  types: Map<string, Trouble>;
  /** A namespace of the app's name is there and is not the app's. */
  foreign: boolean;
  /** Everything came up, and then what leads to it was refused: an Ingress, a Service, a certificate. */
  routing: boolean;
}

/** What failed in an earlier round, which this one makes good. */
export interface PriorFailure {
  cause: Cause;
  outcome: Outcome;
}

/** The failure that an operation recorded before it was taken over; null if it had none. */
export function priorFailure({ restoring, cause, outcome }: Operation): PriorFailure | null {
  return restoring && cause && outcome ? { cause, outcome } : null;
}

export function causeOf(trouble: Trouble, { release }: AppSnapshot): Cause {
  const message = mask(trouble.message, release.config.values);
  return { class: trouble.class, message, object: trouble.object, since: new Date().toISOString() };
}

/** Process types that didn't come up. Their messages are masked already. */
export function failureOf(types: Map<string, Trouble>): Failure {
  const troubles = [...types];
  const message = troubles
    .map(([type, trouble]) => (trouble.message.startsWith(type) ? trouble.message : `${type}: ${trouble.message}`))
    .join('\n');
  const [first] = troubles;
  const cause: Cause = {
    class: first?.[1].class ?? 'internal',
    message,
    object: first?.[1].object ?? null,
    since: new Date().toISOString(),
  };
  return { cause, status: 400, types, foreign: false, routing: false };
}

/** What the API server refused. @param routing whether it was among what comes after the workload */
export function refusal(error: Refused, { release }: AppSnapshot, routing: boolean): Failure {
  const foreign = error instanceof ForeignNamespace;
  const cause: Cause = {
    class: classOfRefusal(error.message),
    message: mask(error.message, release.config.values),
    object: null,
    since: new Date().toISOString(),
  };
  return { cause, status: foreign ? 409 : 400, types: new Map(), foreign, routing };
}

/** What is answered to whoever waits for something else than a release. */
export function outcomeOf(failure: Failure): Outcome {
  if (failure.types.size === 0) return { [WHOLE_APP]: { status: failure.status, message: failure.cause.message } };
  return Object.fromEntries([...failure.types].map(([type, { message }]) => [type, { status: 503, message }]));
}
