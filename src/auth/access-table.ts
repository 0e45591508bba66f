/** How somebody stands to what a route is about: its app, or its certificate or key, whose owner he is. */
export type Role = 'anonymous' | 'stranger' | 'collaborator' | 'owner' | 'administrator';

/** What becomes of a role's call: it passes (whatever else then becomes of it), or it is refused with this status. */
export type Access = 'passes' | 401 | 403 | 404;

/**
 * The rows of the permission matrix that a module brings, by `METHOD /path/{parameter}` as the OpenAPI document has it. They are what
 * the specification promises (§3, §27), written down apart from the rules that enforce it, so that a test can hold one against the other.
 */
export type AccessTable = Record<string, Record<Role, Access>>;

/** The usual rows. */
export const everybody = {
  anonymous: 'passes',
  stranger: 'passes',
  collaborator: 'passes',
  owner: 'passes',
  administrator: 'passes',
} as const;
export const users = { ...everybody, anonymous: 401 } as const;
export const administrators = { anonymous: 401, stranger: 403, collaborator: 403, owner: 403, administrator: 'passes' } as const;
export const appUsers = { ...users, stranger: 403 } as const;
export const appOwners = { ...appUsers, collaborator: 403 } as const;
