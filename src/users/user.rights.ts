import { type AccessTable, administrators } from '../auth/access-table.ts';
import type { User } from './user.entity.ts';

/** Anybody who is logged in. */
export const isSomebody = (_user: User): boolean => true;

export const isAdministrator = (user: User): boolean => user.isSuperuser;

export const usersAccess: AccessTable = {
  'GET /v2/users': administrators,
  'PATCH /v2/users/{username}/enable': administrators,
  'PATCH /v2/users/{username}/disable': administrators,
  'GET /v2/admin/perms': administrators,
  'POST /v2/admin/perms': administrators,
  'DELETE /v2/admin/perms/{username}': administrators,
};
