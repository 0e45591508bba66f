import { administrators, type AccessTable } from '../auth/access-table.ts';

/** Those who have no role but that of a common user are refused everything here. */
export const groupsAccess: AccessTable = {
  'GET /saltshaker/api/v1.0/groups': administrators,
  'POST /saltshaker/api/v1.0/groups': administrators,
  'GET /saltshaker/api/v1.0/groups/{id}': administrators,
  'PUT /saltshaker/api/v1.0/groups/{id}': administrators,
  'DELETE /saltshaker/api/v1.0/groups/{id}': administrators,
};
