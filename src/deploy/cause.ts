/** Classes of what can keep an app from coming up: a closed set, fit for a metric label. */
export type CauseClass =
  | 'image'
  | 'crash'
  | 'out-of-memory'
  | 'missing-object'
  | 'unschedulable'
  | 'node'
  | 'probe'
  | 'refused'
  | 'quota'
  | 'limit-range'
  | 'deadline'
  | 'unreachable'
  | 'permission'
  | 'internal';

/** What LimitRanges say of pods that they don't allow. */
const LIMIT_RANGE = /(?:maximum|minimum) \S+ usage per |max limit to request ratio per /;

/** The class of what the API server refused, by its words: no field of its answer tells what refused it. */
export function classOfRefusal(message: string): 'quota' | 'limit-range' | 'refused' {
  if (/quota/.test(message)) return 'quota';
  return LIMIT_RANGE.test(message) ? 'limit-range' : 'refused';
}

/** Why an operation fails or is held up. */
export interface Cause {
  class: CauseClass;
  /** In words, for people; known config values are masked. */
  message: string;
  /** The object concerned, as `Kind/name`; null where there is none. */
  object: string | null;
  /** RFC 3339, when it was first seen. */
  since: string;
}

/** Whether two causes are the same but for when they were first seen. */
export const sameTrouble = (a: Cause, b: Cause): boolean => a.class === b.class && a.message === b.message && a.object === b.object;
