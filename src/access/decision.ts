import { aclsOf, type AppAccess, commandVerdict, typesFault, typesOf } from '../apps/app.rights.ts';
import { type AppRule, appRights } from '../auth/rights.ts';
import type { User } from '../users/user.entity.ts';

/** How somebody stands to an app: the widest that he is. */
export type Standing = 'administrator' | 'owner' | 'collaborator' | 'product' | 'none';

export function standingOf(user: User, { app, collaborates, roads }: AppAccess): Standing {
  if (user.isSuperuser) return 'administrator';
  if (app.ownerId === user.id) return 'owner';
  if (collaborates) return 'collaborator';
  return roads.length > 0 ? 'product' : 'none';
}

/** Whether something is allowed, and what allows or forbids it. */
export interface Decision {
  allowed: boolean;
  because: string;
}

/** What an action would be about; absent: whatever it is about. */
export interface Subject {
  /** A one-off command. */
  command?: string;
  /** A process type. */
  type?: string;
}

const TYPE_ACTIONS = new Set(['app.scale', 'app.stop', 'app.start', 'pod.restart']);

const WHO: Record<AppRule, string> = {
  'app:use': 'Neither an ownership, nor a grant, nor a product gives the user this app.',
  'app:own': 'This is for the owner of the app and administrators.',
  'app:revoke': 'The user has no grant of this app.',
  'app:inspect': 'This is for the owner of the app and administrators.',
};

/**
 * Whether a user may do something to an app, by the predicates that enforce it. What is done to users he would do to himself.
 * @param rule of the action
 */
export function decide(action: string, rule: AppRule, user: User, access: AppAccess, { command, type }: Subject): Decision {
  if (!user.isActive) return forbidden('The user is disabled.');
  if (!appRights[rule](user, access, { username: user.username })) return forbidden(WHO[rule]);
  if (rule === 'app:inspect') return allowed('Every user may look at his own access.');
  if (action === 'perms.revoke' && !access.collaborates) return forbidden(WHO[rule]);
  const because = reason(user, access);
  if (action === 'run.create') {
    const verdict = command === undefined ? null : commandVerdict(user, access, command);
    if (verdict) return verdict.allowed ? allowed(because) : forbidden(verdict.why);
    const names = aclsOf(user, access)
      ?.flat()
      .map(({ name }) => `"${name}"`);
    return allowed(names ? `${because} Commands are bound by the ACLs ${names.join(', ')}.` : because);
  }
  if (TYPE_ACTIONS.has(action)) {
    const fault = type === undefined ? null : typesFault(user, access, [type]);
    if (fault !== null) return forbidden(fault);
    const types = typesOf(user, access);
    return allowed(types ? `${because} The groups have the process types ${types.join(', ')}.` : because);
  }
  return allowed(because);
}

function reason(user: User, access: AppAccess): string {
  const standing = standingOf(user, access);
  switch (standing) {
    case 'administrator':
      return 'The user administers the platform.';
    case 'owner':
      return 'The user owns the app.';
    case 'collaborator':
      return 'The user has a grant of the app.';
    case 'product': {
      const names = access.roads.map(({ name }) => `"${name}"`);
      return names.length > 1 ? `The products ${names.join(', ')} give the app.` : `The product ${names.join()} gives the app.`;
    }
    case 'none':
      throw new Error('whom nothing gives the app may do nothing with it');
  }
}

const allowed = (because: string): Decision => ({ allowed: true, because });
const forbidden = (because: string): Decision => ({ allowed: false, because });
