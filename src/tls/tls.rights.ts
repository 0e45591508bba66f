import { appUsers, type AccessTable } from '../auth/access-table.ts';

export const tlsAccess: AccessTable = {
  'GET /v2/apps/{app}/tls': appUsers,
  'POST /v2/apps/{app}/tls': appUsers,
};
