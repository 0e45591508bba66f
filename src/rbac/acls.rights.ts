import { administrators, type AccessTable } from '../auth/access-table.ts';

/** Those who have no role but that of a common user are refused everything here. */
export const aclsAccess: AccessTable = {
  'GET /saltshaker/api/v1.0/acl': administrators,
  'POST /saltshaker/api/v1.0/acl': administrators,
  'GET /saltshaker/api/v1.0/acl/{id}': administrators,
  'PUT /saltshaker/api/v1.0/acl/{id}': administrators,
  'DELETE /saltshaker/api/v1.0/acl/{id}': administrators,
};
