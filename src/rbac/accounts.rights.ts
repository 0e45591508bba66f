import { type AccessTable, administrators, everybody, users } from '../auth/access-table.ts';

/** Of somebody else; that everybody may see, change and remove himself is for the suite of the accounts. */
export const accountsAccess: AccessTable = {
  'GET /saltshaker/api/v1.0/user': administrators,
  'GET /saltshaker/api/v1.0/user/{id}': administrators,
  'POST /saltshaker/api/v1.0/user': administrators,
  'PUT /saltshaker/api/v1.0/user/{id}': administrators,
  'DELETE /saltshaker/api/v1.0/user/{id}': administrators,
  'POST /saltshaker/api/v1.0/user/reset/{id}': administrators,
  // as long as the registration mode is open
  'POST /saltshaker/api/v1.0/user/register': everybody,
  'POST /saltshaker/api/v1.0/login': everybody,
  // each his own
  'POST /saltshaker/api/v1.0/user/reset/owner/{id}': users,
};
