import { type AccessTable, appOwners, appUsers } from '../auth/access-table.ts';

export const podsAccess: AccessTable = {
  'GET /v2/apps/{app}/pods': appUsers,
  'GET /v2/apps/{app}/pods/{typeOrName}': appUsers,
  'GET /v2/apps/{app}/pods/{type}/{name}': appUsers,
  'POST /v2/apps/{app}/pods/restart': appUsers,
  'POST /v2/apps/{app}/pods/{typeOrName}/restart': appUsers,
  'POST /v2/apps/{app}/pods/{type}/{name}/restart': appUsers,
  'POST /v2/apps/{app}/run': appUsers,
  'GET /v2/apps/{app}/runs': appUsers,
  // somebody else's; a collaborator sees his own
  'GET /v2/apps/{app}/runs/{uuid}': appOwners,
};
