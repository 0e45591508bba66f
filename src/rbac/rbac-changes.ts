import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { AuditTrail, type AuditFact } from '../audit/audit-trail.ts';
import { violatedConstraint } from '../database/violated-constraint.ts';
import { Conflict } from '../http/errors.ts';
import { AdministrationLock } from '../users/administration-lock.ts';

export const PRODUCT_TAKEN = 'The product name already exists';

/** What is said to who gives something a name that another one has, by the constraint that refuses it. */
const TAKEN: Readonly<Record<string, string>> = {
  users_username_key: 'The user name already exists',
  roles_name_key: 'The role name already exists',
  products_name_key: PRODUCT_TAKEN,
  groups_name_key: 'The group name already exists',
  acls_name_key: 'The ACL name already exists',
};

/** How roles, products, groups and ACLs change: rows and audit log together, or not at all. */
@Injectable()
export class RbacChanges {
  constructor(
    private readonly dataSource: DataSource,
    private readonly audit: AuditTrail,
    private readonly lock: AdministrationLock,
  ) {}

  /**
   * Runs `work` in a transaction. Those of all replicas are carried out one after the other, and so are the changes of what users have: what
   * one takes away another can't be giving, nor do they wait for each other's rows.
   * @throws Conflict when a name is taken; as `AdministrationLock.take`
   */
  async commit<T>(work: (tx: EntityManager) => Promise<{ value: T; audit: AuditFact }>): Promise<T> {
    return this.dataSource
      .transaction(async (tx) => {
        await this.lock.take(tx);
        const { value, audit } = await work(tx);
        await this.audit.record(tx, audit);
        return value;
      })
      .catch((error: unknown) => {
        const taken = TAKEN[violatedConstraint(error) ?? ''];
        throw taken === undefined ? error : new Conflict(taken);
      });
  }
}
