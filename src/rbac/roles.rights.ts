import { administrators, type AccessTable } from '../auth/access-table.ts';

/** Those who have no role but that of a common user are refused everything here. */
export const rolesAccess: AccessTable = {
  'GET /saltshaker/api/v1.0/role': administrators,
  'POST /saltshaker/api/v1.0/role': administrators,
  'GET /saltshaker/api/v1.0/role/{id}': administrators,
  'PUT /saltshaker/api/v1.0/role/{id}': administrators,
  'DELETE /saltshaker/api/v1.0/role/{id}': administrators,
};
