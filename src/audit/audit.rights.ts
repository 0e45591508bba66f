import { type AccessTable, administrators, appOwners } from '../auth/access-table.ts';

export const auditAccess: AccessTable = {
  'GET /v2/admin/audit': administrators,
  'GET /v2/apps/{app}/audit': appOwners,
};
