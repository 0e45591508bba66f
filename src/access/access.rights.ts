import { type AccessTable, appOwners } from '../auth/access-table.ts';

export const accessAccess: AccessTable = {
  // somebody else's; everybody may look at his own
  'GET /v2/apps/{app}/access/{username}': appOwners,
};
