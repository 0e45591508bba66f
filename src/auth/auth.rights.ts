import { type AccessTable, everybody, users } from './access-table.ts';

export const authAccess: AccessTable = {
  // as long as the registration mode is open
  'POST /v2/auth/register': everybody,
  'POST /v2/auth/login': everybody,
  // of others, by administrators alone
  'DELETE /v2/auth/cancel': users,
  'POST /v2/auth/tokens': users,
  'POST /v2/auth/passwd': users,
  'GET /v2/auth/whoami': users,
  // those of http/, which knows no feature
  'GET /v2': users,
  'GET /healthz': everybody,
  'GET /readiness': everybody,
};
