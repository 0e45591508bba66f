import { type AccessTable, appUsers } from '../auth/access-table.ts';

export const buildsAccess: AccessTable = {
  'GET /v2/apps/{app}/builds': appUsers,
  'POST /v2/apps/{app}/builds': appUsers,
  'GET /v2/apps/{app}/builds/{uuid}': appUsers,
  'GET /v2/apps/{app}/build': appUsers,
  'POST /v2/apps/{app}/build': appUsers,
  'GET /v2/apps/{app}/build/{uuid}': appUsers,
};
