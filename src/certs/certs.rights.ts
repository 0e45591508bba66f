import { type AccessTable, users } from '../auth/access-table.ts';
import type { User } from '../users/user.entity.ts';
import type { Certificate } from './certificate.entity.ts';

/** Its owner, and administrators: to everybody else a certificate isn't there. */
export const mayOwnCertificate = (user: User, certificate: Pick<Certificate, 'ownerId'>): boolean =>
  user.isSuperuser || certificate.ownerId === user.id;

const certificateOwners = { ...users, stranger: 404, collaborator: 404 } as const;

export const certsAccess: AccessTable = {
  'GET /v2/certs': users,
  'POST /v2/certs': users,
  'GET /v2/certs/{certificate}': certificateOwners,
  'DELETE /v2/certs/{certificate}': certificateOwners,
  'POST /v2/certs/{certificate}/domain': certificateOwners,
  'POST /v2/certs/{certificate}/domain/{domain}': certificateOwners,
  'DELETE /v2/certs/{certificate}/domain/{domain}': certificateOwners,
};
