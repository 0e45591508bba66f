import { mayInspect, mayOwn, mayUse } from '../apps/app.rights.ts';
import { mayRevoke } from '../perms/perms.rights.ts';
import {
  isOwnAccount,
  mayAdministerAccounts,
  mayAdministerAcls,
  mayAdministerProducts,
  mayChangeAccount,
  mayReadAccount,
  mayReadRoles,
} from '../rbac/standing.ts';
import { isAdministrator, isSomebody } from '../users/user.rights.ts';

/** Who may do what to the platform: predicates of the user and the path's parameters. */
export const platformRights = {
  user: isSomebody,
  'platform:admin': isAdministrator,
  'accounts:read': mayReadAccount,
  'accounts:change': mayChangeAccount,
  'accounts:administer': mayAdministerAccounts,
  'accounts:own': isOwnAccount,
  'roles:read': mayReadRoles,
  'products:administer': mayAdministerProducts,
  'acls:administer': mayAdministerAcls,
} as const;

/** Who may do what to an app: the one that the route's `:app` names. */
export const appRights = {
  'app:use': mayUse,
  'app:own': mayOwn,
  'app:revoke': mayRevoke,
  'app:inspect': mayInspect,
} as const;

/**
 * What a route can declare about who may call it. `public` asks for nothing; `registration` depends on the registration mode, and
 * takes whoever has no good token for nobody. `builder` asks for the builder's key instead of a user.
 */
export type Rule = 'public' | 'registration' | 'builder' | keyof typeof platformRights | AppRule;
export type AppRule = keyof typeof appRights;

export function isAppRule(rule: Rule): rule is AppRule {
  return rule in appRights;
}
