import { appOwners, appUsers, type AccessTable } from '../auth/access-table.ts';

export const servicesAccess: AccessTable = {
  'GET /v2/apps/{app}/services': appUsers,
  'POST /v2/apps/{app}/services': appUsers,
  'DELETE /v2/apps/{app}/services': appOwners,
};
