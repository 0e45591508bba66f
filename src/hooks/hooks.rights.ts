import type { AccessTable } from '../auth/access-table.ts';

/** The builder's alone: whoever he is, a user is nobody here without its key. */
const builder = { anonymous: 401, stranger: 403, collaborator: 403, owner: 403, administrator: 403 } as const;

export const hooksAccess: AccessTable = {
  'GET /v2/hooks/key/{fingerprint}': builder,
  'GET /v2/hooks/keys/{app}': builder,
  'GET /v2/hooks/keys/{app}/{username}': builder,
  'POST /v2/hooks/config': builder,
  'POST /v2/hooks/build': builder,
};
