import { QueryFailedError } from 'typeorm';

const UNIQUE_VIOLATION = '23505';
const FOREIGN_KEY_VIOLATION = '23503';

/** Name of the unique constraint (PostgreSQL's own: `<table>_<column>_key`) that a statement failed at; null for any other error. */
export function violatedConstraint(error: unknown): string | null {
  const { code, constraint = null } = driverErrorOf(error);
  return code === UNIQUE_VIOLATION ? constraint : null;
}

/** Whether a statement failed because the user whose row it was to write has been removed meanwhile. */
export function isOwnerGone(error: unknown): boolean {
  const { code, constraint } = driverErrorOf(error);
  return code === FOREIGN_KEY_VIOLATION && constraint?.endsWith('_owner_id_fkey') === true;
}

/** Whether a transaction failed only because of what others did at the same time (serialization failure, deadlock). */
export function isOvertaken(error: unknown): boolean {
  return /^40(001|P01)$/.test(driverErrorOf(error).code ?? '');
}

/** Whether a statement failed because others hold what it needs for longer than it waits. */
export const isLockedOut = (error: unknown): boolean => driverErrorOf(error).code === '55P03';

function driverErrorOf(error: unknown): { code?: string; constraint?: string } {
  return error instanceof QueryFailedError ? (error.driverError as { code?: string; constraint?: string }) : {};
}
