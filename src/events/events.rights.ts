import { type AccessTable, appUsers } from '../auth/access-table.ts';

export const eventsAccess: AccessTable = {
  'GET /v2/apps/{app}/events': appUsers,
};
