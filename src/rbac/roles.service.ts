import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { v1 } from 'uuid';
import { Conflict, NotFound } from '../http/errors.ts';
import { assertSuperuserLeft } from '../users/superusers.ts';
import { idOf, uuidOf } from './ids.ts';
import { RbacChanges } from './rbac-changes.ts';
import { Role, Tag } from './role.entity.ts';
import { roleResponse } from './role.response.ts';

/** What a role is made of. */
export type RoleFields = Pick<Role, 'name' | 'description' | 'tag'>;

const lastRole = (name: string): string => `The role ${name} is what the last administrator is one by. Make somebody else one first`;

/** Names for what users may administer. */
@Injectable()
export class RolesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes: RbacChanges,
  ) {}

  /** All, by name. One statement. */
  async list(): Promise<Role[]> {
    // the same order everywhere, whatever the database's language
    return this.dataSource.manager.createQueryBuilder(Role, 'role').orderBy('role.name COLLATE "C"').getMany();
  }

  /** @throws NotFound */
  async get(id: string, within: EntityManager = this.dataSource.manager): Promise<Role> {
    const uuid = uuidOf('r', id);
    const role = uuid === undefined ? null : await within.findOneBy(Role, { uuid });
    if (!role) throw new NotFound(`${id} does not exist`);
    return role;
  }

  /** @returns its id @throws Conflict when the name is taken */
  async create(fields: RoleFields): Promise<string> {
    return this.changes.commit(async (tx) => {
      const role = tx.create(Role, { ...fields, uuid: v1() });
      await tx.insert(Role, role);
      return { value: idOf('r', role.uuid), audit: { object: `role:${role.name}`, after: roleResponse(role) } };
    });
  }

  /**
   * @param given what shall be another
   * @throws NotFound; Conflict when the name is taken, for the tag of a built-in role, and when nobody would be left who is a superuser
   */
  async change(id: string, given: Partial<RoleFields>): Promise<void> {
    await this.changes.commit(async (tx) => {
      const role = await this.get(id, tx);
      const { name = role.name, description = role.description, tag = role.tag } = given;
      if (role.builtIn && tag !== role.tag) throw new Conflict(`The role ${role.name} is built in: its tag stays`);
      await tx.update(Role, { uuid: role.uuid }, { name, description, tag });
      if (role.tag === Tag.superuser) await assertSuperuserLeft(tx, null, lastRole(role.name));
      const after = roleResponse({ uuid: role.uuid, name, description, tag });
      return { value: undefined, audit: { object: `role:${role.name}`, before: roleResponse(role), after } };
    });
  }

  /** Takes it from all who have it, too. @throws NotFound; Conflict for a built-in role, and when nobody would be left who is a superuser */
  async remove(id: string): Promise<void> {
    await this.changes.commit(async (tx) => {
      const role = await this.get(id, tx);
      if (role.builtIn) throw new Conflict(`The role ${role.name} is built in: it can't be deleted`);
      await tx.delete(Role, { uuid: role.uuid });
      if (role.tag === Tag.superuser) await assertSuperuserLeft(tx, null, lastRole(role.name));
      return { value: undefined, audit: { object: `role:${role.name}`, before: roleResponse(role) } };
    });
  }
}
