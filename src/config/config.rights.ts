import { type AccessTable, appUsers } from '../auth/access-table.ts';

export const configAccess: AccessTable = {
  'GET /v2/apps/{app}/config': appUsers,
  'POST /v2/apps/{app}/config': appUsers,
};
