import { type AccessTable, users } from '../auth/access-table.ts';

/** Keys are their owner's alone: to everybody else, administrators too, they aren't there. */
const keyOwner = { anonymous: 401, stranger: 404, collaborator: 404, owner: 'passes', administrator: 404 } as const;

export const keysAccess: AccessTable = {
  'GET /v2/keys': users,
  'POST /v2/keys': users,
  'GET /v2/keys/{key}': keyOwner,
  'DELETE /v2/keys/{key}': keyOwner,
};
