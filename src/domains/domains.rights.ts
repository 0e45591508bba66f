import { type AccessTable, appOwners, appUsers } from '../auth/access-table.ts';

export const domainsAccess: AccessTable = {
  'GET /v2/apps/{app}/domains': appUsers,
  'POST /v2/apps/{app}/domains': appUsers,
  'DELETE /v2/apps/{app}/domains/{domain}': appOwners,
};
