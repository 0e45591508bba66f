import { isNativeError } from 'node:util/types';

const socketErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
]);

/**
 * PostgreSQL's SQLSTATEs for "not now": connection exceptions, too many connections, a server that starts or stops; one that isn't the
 * first yet after a failover, and takes no writes; a transaction that others were in the way of, or that waited for too long.
 */
const notNow = /^(08...|53300|57P0[1-5]|25006|25P0[34]|40001|40P01|55P03|57014)$/;

/** What the driver says without a code: no connection became free in time, or the one in use broke. */
const driverWords =
  /^(timeout exceeded when trying to connect|connection terminated|query runner already released|client has encountered a connection error)/i;

/** Whether an error of a query means that the database is out of reach, rather than that the query is wrong. */
export function isDatabaseAway(error: unknown): boolean {
  if (!isNativeError(error)) return false;
  const { driverError } = error as { driverError?: unknown };
  if (driverError !== undefined && driverError !== error) return isDatabaseAway(driverError);
  const { code, syscall, errors } = error as { code?: unknown; syscall?: unknown; errors?: unknown };
  if (Array.isArray(errors)) return errors.some(isDatabaseAway);
  if (typeof code === 'string' && notNow.test(code)) return true;
  if (typeof code === 'string' && socketErrors.has(code)) return syscall !== 'open' && syscall !== 'stat';
  return driverWords.test(error.message);
}
