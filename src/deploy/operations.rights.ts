import { type AccessTable, appUsers } from '../auth/access-table.ts';

export const operationsAccess: AccessTable = {
  'GET /v2/apps/{app}/operations': appUsers,
  'GET /v2/operations/{uuid}': appUsers,
};
