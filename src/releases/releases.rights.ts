import { type AccessTable, appUsers } from '../auth/access-table.ts';

export const releasesAccess: AccessTable = {
  'GET /v2/apps/{app}/releases': appUsers,
  'GET /v2/apps/{app}/releases/{version}': appUsers,
  'POST /v2/apps/{app}/releases/rollback': appUsers,
};
