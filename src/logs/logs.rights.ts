import { type AccessTable, appUsers } from '../auth/access-table.ts';

export const logsAccess: AccessTable = {
  'GET /v2/apps/{app}/logs': appUsers,
};
