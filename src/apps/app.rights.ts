import { type AccessTable, appOwners, appUsers, users } from '../auth/access-table.ts';
import { Forbidden } from '../http/errors.ts';
import { aclVerdict, type AclVerdict } from '../rbac/acl-match.ts';
import type { ProductRoad, RoadAcl } from '../rbac/product-roads.ts';
import type { User } from '../users/user.entity.ts';
import type { App } from './app.entity.ts';

/** An app as somebody comes to it. */
export interface AppAccess {
  readonly app: App;
  /** Whether the user holds a grant of the app, beside owning it. */
  readonly collaborates: boolean;
  /** What products give him; empty for who has it by none. */
  readonly roads: readonly ProductRoad[];
}

/** Owners and administrators: everything, above all what destroys and what gives the app away. */
export const mayOwn = (user: User, { app }: Pick<AppAccess, 'app'>): boolean => user.isSuperuser || app.ownerId === user.id;

/** Who is bound by neither groups nor ACLs: owners, administrators, and collaborators by an explicit grant. */
export const isUnbound = (user: User, access: AppAccess): boolean => access.collaborates || mayOwn(user, access);

/** Collaborators too, and users of its products: everything but DELETE, grants and transfer, whose routes declare `app:own`. */
export const mayUse = (user: User, access: AppAccess): boolean => isUnbound(user, access) || access.roads.length > 0;

/** Owners and administrators see what anybody may do with the app, and everybody what he himself may: the path's `username`. */
export const mayInspect = (user: User, access: AppAccess, { username }: { username?: string } = {}): boolean =>
  mayOwn(user, access) || username === user.username;

/**
 * The process types that somebody who may use the app may scale, stop, start and restart; null: all. Of several products the wider counts,
 * and the groups of one add up.
 */
export function typesOf(user: User, access: AppAccess): readonly string[] | null {
  if (isUnbound(user, access)) return null;
  const roads = access.roads.map(({ groups }) => (groups.every(({ types }) => types.length > 0) ? groups : []));
  if (roads.some((groups) => groups.length === 0)) return null;
  return [...new Set(roads.flat().flatMap(({ types }) => types))].sort();
}

/** Why somebody may not scale, stop, start and restart all of these process types, with those that he may not; null: he may. */
export function typesFault(user: User, access: AppAccess, types: readonly string[]): string | null {
  const own = typesOf(user, access);
  const others = own && types.filter((type) => !own.includes(type));
  return others && others.length > 0 ? `The groups leave out the process types ${others.join(', ')}: they have ${own.join(', ')}.` : null;
}

/** @throws Forbidden as `typesFault` says */
export function assertMayRunTypes(user: User, access: AppAccess, types: readonly string[]): void {
  const fault = typesFault(user, access, types);
  if (fault !== null) throw new Forbidden(fault);
}

/** What binds the one-off commands of somebody who may use the app, for each product that gives it to him; null: nothing does. */
export function aclsOf(user: User, access: AppAccess): readonly (readonly RoadAcl[])[] | null {
  const roads = access.roads.map(({ acls }) => acls);
  return isUnbound(user, access) || roads.some((acls) => acls.length === 0) ? null : roads;
}

/**
 * Whether somebody who may use the app may run a one-off command in it, and how: who is bound by no ACL has a shell run it, which `words` of
 * null stand for. Of several products the wider counts.
 */
export function commandVerdict(user: User, access: AppAccess, command: string): AclVerdict | { allowed: true; words: null } {
  const bound = aclsOf(user, access);
  if (bound === null) return { allowed: true, words: null };
  const verdicts = bound.map((acls) => aclVerdict(acls, command));
  const verdict = verdicts.find(({ allowed }) => allowed) ?? verdicts[0];
  if (!verdict) throw new Forbidden();
  return verdict;
}

export const appsAccess: AccessTable = {
  'GET /v2/apps': users,
  'POST /v2/apps': users,
  'GET /v2/apps/{app}': appUsers,
  // to give it away is for its owner
  'POST /v2/apps/{app}': appUsers,
  'DELETE /v2/apps/{app}': appOwners,
  'POST /v2/apps/{app}/scale': appUsers,
  'POST /v2/apps/{app}/stop': appUsers,
  'POST /v2/apps/{app}/start': appUsers,
};
