import { type AccessTable, appOwners, appUsers } from '../../src/auth/access-table.ts';

export const contactsAccess: AccessTable = {
  'GET /v2/apps/{app}/contacts': appUsers,
  'PUT /v2/apps/{app}/contacts': appUsers,
  'DELETE /v2/apps/{app}/contacts': appOwners,
};
