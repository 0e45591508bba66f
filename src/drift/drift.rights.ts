import { appOwners, appUsers, type AccessTable } from '../auth/access-table.ts';

export const driftAccess: AccessTable = {
  'GET /v2/apps/{app}/drift': appUsers,
  'POST /v2/apps/{app}/drift': appOwners,
};
