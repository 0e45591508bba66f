import { mayOwn, type AppAccess } from '../apps/app.rights.ts';
import { type AccessTable, appOwners, appUsers } from '../auth/access-table.ts';
import type { User } from '../users/user.entity.ts';

/** Owners and administrators take anybody's grant away, a collaborator his own: the one of the path's `username`. */
export const mayRevoke = (user: User, access: AppAccess, { username }: { username?: string } = {}): boolean =>
  mayOwn(user, access) || (access.collaborates && username === user.username);

export const permsAccess: AccessTable = {
  'GET /v2/apps/{app}/perms': appUsers,
  'POST /v2/apps/{app}/perms': appOwners,
  // somebody else's; a collaborator may take away his own
  'DELETE /v2/apps/{app}/perms/{username}': appOwners,
};
