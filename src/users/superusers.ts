import type { EntityManager } from 'typeorm';
import { Conflict } from '../http/errors.ts';
import { Tag } from '../rbac/role.entity.ts';
import type { User } from './user.entity.ts';

/** An SQL condition: whether somebody has a role that makes him a superuser. @param user SQL for his id */
export const holdsSuperuser = (user: string): string =>
  `EXISTS (SELECT FROM user_roles held JOIN roles role ON role.uuid = held.role_uuid WHERE held.user_id = ${user} AND role.tag = ${String(Tag.superuser)})`;

export async function hasSuperuser(tx: EntityManager): Promise<boolean> {
  return (await tx.query<unknown[]>(`SELECT FROM users WHERE ${holdsSuperuser('users.id')} LIMIT 1`)).length > 0;
}

/**
 * While there are other users somebody must be able to administer them. Called at the end of a transaction that took from a superuser what
 * makes him one, under the `AdministrationLock`.
 * @param user whom it was taken from, who may be gone; null: from whoever had a role
 * @param words what to say to who was about to do it
 * @throws Conflict if nobody is left who is a superuser and can log in
 */
export async function assertSuperuserLeft(tx: EntityManager, user: Pick<User, 'id'> | null, words: string): Promise<void> {
  const [{ all, others, superusers }] = await tx.query<[Record<'all' | 'others' | 'superusers', number>]>(
    `SELECT count(*)::int AS all, count(*) FILTER (WHERE id <> $1)::int AS others,
       count(*) FILTER (WHERE is_active AND ${holdsSuperuser('users.id')})::int AS superusers FROM users`,
    [user?.id ?? 0],
  );
  if (superusers === 0 && (user ? others > 0 : all > 1)) throw new Conflict(words);
}

/** Whether somebody is who must not be the last of his kind to go. */
export const isActiveSuperuser = ({ isSuperuser, isActive }: User): boolean => isSuperuser && isActive;

/** What `assertSuperuserLeft` says where it is about one user. */
export const lastSuperuser = (username: string): string => `${username} is the last administrator. Make somebody else one first`;
