import { appOwners, appUsers, type AccessTable } from '../auth/access-table.ts';

export const appSettingsAccess: AccessTable = {
  'GET /v2/apps/{app}/settings': appUsers,
  'POST /v2/apps/{app}/settings': appUsers,
  'GET /v2/apps/{app}/whitelist': appUsers,
  'POST /v2/apps/{app}/whitelist': appUsers,
  'DELETE /v2/apps/{app}/whitelist': appOwners,
  'GET /v2/apps/{app}/allowlist': appUsers,
  'POST /v2/apps/{app}/allowlist': appUsers,
  'DELETE /v2/apps/{app}/allowlist': appOwners,
};
