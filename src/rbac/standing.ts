import type { User } from '../users/user.entity.ts';
import { idOf } from './ids.ts';
import { Tag } from './role.entity.ts';

/** Whether a user has a role of one of the tags, or one that may everything. */
export const hasStanding = ({ tags }: User, ...wanted: Tag[]): boolean => [Tag.superuser, ...wanted].some((tag) => tags.includes(tag));

/** Who administers users. */
export const mayAdministerAccounts = (user: User): boolean => hasStanding(user, Tag.user);

/** The account of the path's `id`. */
export const isOwnAccount = (user: User, { id }: { id?: string } = {}): boolean => id === idOf('u', user.uuid);

/** Who administers anything has to find the users to give it to; others see themselves. */
export const mayReadAccount = (user: User, path: { id?: string } = {}): boolean =>
  hasStanding(user, Tag.user, Tag.product, Tag.acl) || isOwnAccount(user, path);

/** What of it is for the service to look at: who administers anything gives users something of it, and everybody has his own account. */
export const mayChangeAccount = mayReadAccount;

/** Superusers are in nobody's hands but superusers'. */
export const mayTouch = (user: User, target: User): boolean => user.isSuperuser || !target.isSuperuser;

export const mayReadRoles = (user: User): boolean => hasStanding(user, Tag.user, Tag.product, Tag.acl);

/** Products and groups: those that the user is in, which the service looks at; superusers all. */
export const mayAdministerProducts = (user: User): boolean => hasStanding(user, Tag.product);

/** Product administrators those of their products, which the service looks at. */
export const mayAdministerAcls = (user: User): boolean => hasStanding(user, Tag.product, Tag.acl);

/** Nobody hands out, or takes, a standing that he doesn't have; to be a common user is none. */
export const mayGiveRole = (user: User, tag: Tag): boolean =>
  mayAdministerAccounts(user) && (tag === Tag.commonUser || hasStanding(user, tag));

/** @param isIn whether he is in the product; the groups of a product go with it */
export const mayGiveProduct = (user: User, isIn: boolean): boolean => user.isSuperuser || (mayAdministerProducts(user) && isIn);

/** @param isIn whether he is in the ACL's product */
export const mayGiveAcl = (user: User, isIn: boolean): boolean => hasStanding(user, Tag.acl) || mayGiveProduct(user, isIn);
