import { Conflict } from '../http/errors.ts';

/** What a build without a Procfile means to an app that had one. */
export interface ProcfilePolicy {
  /** Refuse it. */
  rejectIfMissing: boolean;
  /** Take the process types away; otherwise the build inherits the Procfile. */
  removeIfMissing: boolean;
}

type Procfile = Record<string, string>;

const isEmpty = (procfile: Procfile): boolean => Object.keys(procfile).length === 0;

/**
 * The Procfile that a build gets.
 *
 * @param previous the one of the build before; empty where there is none
 * @param sent as the request has it; empty where it has none
 */
export function effectiveProcfile(previous: Procfile, sent: Procfile, policy: ProcfilePolicy): Procfile {
  if (isEmpty(previous) || !isEmpty(sent)) return sent;
  if (policy.rejectIfMissing) {
    throw new Conflict('Last deployment had a Procfile but is missing in this deploy. For a successful deployment provide a Procfile.');
  }
  return policy.removeIfMissing ? sent : previous;
}
