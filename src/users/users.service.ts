import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, In } from 'typeorm';
import { v1 } from 'uuid';
import { AuditTrail, MASK, type AuditFact } from '../audit/audit-trail.ts';
import { App } from '../apps/app.entity.ts';
import { Certificate } from '../certs/certificate.entity.ts';
import { listed } from '../database/listing.ts';
import { Projection } from '../database/projection.ts';
import { violatedConstraint } from '../database/violated-constraint.ts';
import { Conflict, Forbidden, InvalidFields, NotFound } from '../http/errors.ts';
import type { Page, Paging } from '../http/paging.ts';
import { Settings } from '../settings/settings.ts';
import { UserRole } from '../rbac/assignments.entity.ts';
import { Role, Tag } from '../rbac/role.entity.ts';
import { AdministrationLock } from './administration-lock.ts';
import { SetupToken } from './setup-token.ts';
import { assertSuperuserLeft, hasSuperuser, holdsSuperuser, isActiveSuperuser, lastSuperuser } from './superusers.ts';
import { User } from './user.entity.ts';

/** What somebody says of himself when he registers; the password is hashed already. */
export type Registration = Pick<User, 'username' | 'passwordHash' | 'email' | 'firstName' | 'lastName'>;

/** 400: somebody else has the name. */
export class UsernameTaken extends InvalidFields {
  constructor() {
    super({ username: ['A user with that username already exists.'] });
  }
}

/** Tables whose rows name who made them; when he leaves, they go over to the owner of the app. */
const histories = ['builds', 'releases', 'configs', 'domains', 'app_settings', 'tls', 'services', 'runs'];

@Injectable()
export class UsersService {
  private readonly user: Projection<User>;

  constructor(
    private readonly database: DataSource,
    private readonly settings: Settings,
    private readonly audit: AuditTrail,
    private readonly lock: AdministrationLock,
    private readonly setup: SetupToken,
  ) {
    this.user = new Projection(database, User, 'user');
  }

  /** All, by name. One statement. */
  async list(paging: Paging): Promise<Page<User>> {
    return this.page('true', paging);
  }

  /** Those who can log in, by name. One statement. */
  async listAdministrators(paging: Paging): Promise<Page<User>> {
    return this.page(`"user".is_active AND ${holdsSuperuser('"user".id')}`, paging);
  }

  /** @throws NotFound */
  async get(username: string): Promise<User> {
    return find(this.database.manager, { username });
  }

  /** @throws Forbidden if the registration mode has no place for the caller, null for nobody */
  async assertMayRegister(caller: User | null, within: EntityManager = this.database.manager): Promise<void> {
    const { registrationMode } = this.settings;
    if (registrationMode === 'disabled') throw new Forbidden('Registration is disabled');
    if (registrationMode === 'admin_only' && !caller?.isSuperuser && (await hasSuperuser(within))) throw new Forbidden();
  }

  /**
   * Adds a user who registers. Who does while there is no superuser becomes one.
   * @param setupToken what he shows for that: beside DATABASE_URL it must be the platform's
   * @throws UsernameTaken; Forbidden as `assertMayRegister`, or without the set-up token
   */
  async register(registration: Registration, caller: User | null, setupToken?: string): Promise<User> {
    return this.database.transaction(async (tx) => {
      await this.lock.take(tx);
      await this.assertMayRegister(caller, tx);
      if (this.setup.isNeeded && !(await hasSuperuser(tx))) {
        await this.setup.assertShown(tx, setupToken);
        await this.setup.forget(tx);
      }
      return this.insert(tx, registration, 'user.register');
    });
  }

  /** Whether there is no superuser yet. */
  async isAwaitingFirst(): Promise<boolean> {
    return !(await hasSuperuser(this.database.manager));
  }

  /**
   * Of a platform without a superuser: adds the first user, if one is given and there is none at all; else the log says how to become the
   * first one. Of several processes that start at once one does.
   */
  async begin(first: Registration | null): Promise<void> {
    const words = await this.database.transaction(async (tx) => {
      await this.lock.take(tx);
      if (await hasSuperuser(tx)) return null;
      if (first && !(await tx.exists(User))) {
        await this.insert(tx, first, 'user.add');
        await this.setup.forget(tx);
        return null;
      }
      return this.setup.isNeeded ? this.setup.prepare(tx) : null;
    });
    if (words !== null) this.setup.announce(words);
  }

  /** Adds a user for somebody who administers users, whatever the registration mode. @throws UsernameTaken */
  async add(registration: Registration): Promise<User> {
    return this.database.transaction(async (tx) => {
      await this.lock.take(tx);
      return this.insert(tx, registration, 'user.add');
    });
  }

  /**
   * Takes a user away, with his tokens, keys and grants. What he made in apps of others stays, as their owners'.
   * @param assertMay refuses, by throwing, what somebody must not do to the user as he is now
   * @throws NotFound; Conflict while he owns apps or certificates, or is the last superuser among other users
   */
  async remove({ id, username }: User, assertMay: (user: User) => void = () => undefined): Promise<void> {
    await this.database.transaction(async (tx) => {
      await this.lock.take(tx);
      // first the apps, as everybody does who holds more: two who lock the same rows in another order would wait for each other
      await tx.query(
        `SELECT FROM apps WHERE uuid IN (${histories.map((table) => `SELECT app_uuid FROM ${table} WHERE owner_id = $1`).join(' UNION ')})
         ORDER BY uuid FOR NO KEY UPDATE`,
        [id],
      );
      // From here on nobody can give him an app: that would have to lock his row too.
      const user = await tx.findOne(User, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (!user) throw NotFound.of('User');
      assertMay(user);
      if (await tx.existsBy(App, { ownerId: id })) {
        throw new Conflict(`${username} still has applications assigned. Delete or transfer ownership`);
      }
      if (await tx.existsBy(Certificate, { ownerId: id })) {
        throw new Conflict(`${username} still has certificates. Delete them first`);
      }
      for (const table of histories) {
        await tx.query(`UPDATE ${table} SET owner_id = apps.owner_id FROM apps WHERE apps.uuid = app_uuid AND ${table}.owner_id = $1`, [
          id,
        ]);
      }
      await tx.delete(User, { id });
      if (isActiveSuperuser(user)) await assertSuperuserLeft(tx, user, lastSuperuser(username));
      await this.audit.record(tx, { object: `user:${username}`, before: described(user) });
    });
  }

  /** @throws NotFound; Conflict for the last administrator who can log in, while there are other users */
  async setAdministrator(username: string, is: boolean): Promise<void> {
    await this.change(username, async (tx, { id, isSuperuser }) => {
      if (is) await giveBuiltIn(tx, id, [Tag.superuser]);
      else await tx.query('DELETE FROM user_roles USING roles WHERE uuid = role_uuid AND tag = $2 AND user_id = $1', [id, Tag.superuser]);
      return { before: { is_superuser: isSuperuser }, after: { is_superuser: is } };
    });
  }

  /** Whether a user can log in and his tokens are good. @throws as `setAdministrator` */
  async setActive(username: string, isActive: boolean): Promise<void> {
    await this.change(username, async (tx, { id, isActive: before }) => {
      await tx.update(User, { id }, { isActive });
      return { before: { is_active: before }, after: { is_active: isActive } };
    });
  }

  async exists(username: string): Promise<boolean> {
    return this.database.manager.existsBy(User, { username });
  }

  async findForLogin(username: string): Promise<User | null> {
    return this.database.getRepository(User).createQueryBuilder('user').addSelect('user.passwordHash').where({ username }).getOne();
  }

  /** undefined: he is gone. */
  async passwordHashOf({ id }: User): Promise<string | undefined> {
    const user = await this.database.getRepository(User).createQueryBuilder('user').select('user.passwordHash').where({ id }).getOne();
    return user?.passwordHash;
  }

  /** @throws NotFound if he was removed meanwhile */
  async recordLogin({ id, username }: User): Promise<void> {
    await this.database.transaction(async (tx) => {
      const { affected } = await tx.update(User, { id }, { lastLogin: () => 'now()' });
      if (affected === 0) throw NotFound.of('User');
      await this.audit.record(tx, { object: `user:${username}`, actor: username });
    });
  }

  /** @throws NotFound if he was removed meanwhile */
  async setPasswordHash({ id, username }: User, passwordHash: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const { affected } = await tx.update(User, { id }, { passwordHash });
      if (affected === 0) throw NotFound.of('User');
      await this.audit.record(tx, { object: `user:${username}`, before: { password: MASK }, after: { password: MASK } });
    });
  }

  /** Ends all tokens of a user. @returns the user as he is now */
  async endTokens({ id, username }: User): Promise<User> {
    return this.database.transaction(async (tx) => {
      await tx.increment(User, { id }, 'tokenVersion', 1);
      const user = await find(tx, { id });
      const { tokenVersion } = user;
      const versions = { before: { token_version: tokenVersion - 1 }, after: { token_version: tokenVersion } };
      await this.audit.record(tx, { object: `user:${username}`, ...versions });
      return user;
    });
  }

  /** Ends all tokens of everybody. @returns the caller as he is now */
  async endAllTokens(caller: User): Promise<User> {
    return this.database.transaction(async (tx) => {
      await tx.updateAll(User, { tokenVersion: () => 'token_version + 1' });
      await this.audit.record(tx, { object: EVERYBODY });
      return find(tx, { id: caller.id });
    });
  }

  private async insert(tx: EntityManager, registration: Registration, action: string): Promise<User> {
    const first = !(await hasSuperuser(tx));
    const users = tx.getRepository(User);
    const { identifiers } = await users.insert({ ...registration, uuid: v1() }).catch(refuseTakenName);
    const { id } = identifiers[0] as { id: number };
    await giveBuiltIn(tx, id, first ? [Tag.commonUser, Tag.superuser] : [Tag.commonUser]);
    const user = await users.findOneByOrFail({ id });
    await this.audit.record(tx, { action, object: `user:${user.username}`, after: described(user) });
    return user;
  }

  /** @param condition in SQL, on `users "user"` */
  private async page(condition: string, paging: Paging): Promise<Page<User>> {
    const listing = {
      columns: this.user.columns,
      table: 'users',
      alias: '"user"',
      where: condition,
      // the same order everywhere, whatever the database's language
      order: '"user".username COLLATE "C"',
      values: [],
    };
    const { count, rows } = await listed(this.database.manager, listing, paging);
    return paging.page(
      count,
      rows.map((row) => this.user.entity(row)),
    );
  }

  private async change(
    username: string,
    change: (tx: EntityManager, user: User) => Promise<Pick<AuditFact, 'before' | 'after'>>,
  ): Promise<void> {
    await this.database.transaction(async (tx) => {
      await this.lock.take(tx);
      const user = await find(tx, { username });
      const facts = await change(tx, user);
      if (isActiveSuperuser(user)) await assertSuperuserLeft(tx, user, lastSuperuser(username));
      await this.audit.record(tx, { object: `user:${username}`, ...facts });
    });
  }
}

/** What the audit log calls all users: no name has such a character. */
const EVERYBODY = 'user:*';

/** A user who comes or goes, as the audit log has him. */
const described = ({ email, firstName, lastName, isSuperuser, isActive }: User): object => ({
  email,
  first_name: firstName,
  last_name: lastName,
  is_superuser: isSuperuser,
  is_active: isActive,
});

async function find(manager: EntityManager, who: Pick<User, 'id'> | Pick<User, 'username'>): Promise<User> {
  const user = await manager.findOneBy(User, who);
  if (!user) throw NotFound.of('User');
  return user;
}

/** Gives a user the roles that every Keelson has. */
async function giveBuiltIn(tx: EntityManager, userId: number, tags: readonly Tag[]): Promise<void> {
  const roles = await tx.find(Role, { where: { builtIn: true, tag: In(tags) }, select: { uuid: true } });
  const rows = roles.map(({ uuid }) => ({ userId, roleUuid: uuid }));
  await tx.createQueryBuilder().insert().into(UserRole).values(rows).orIgnore().execute();
}

/** What is thrown instead of an error of a statement that writes a name. @throws UsernameTaken, or the error */
function refuseTakenName(error: unknown): never {
  throw violatedConstraint(error) === 'users_username_key' ? new UsernameTaken() : error;
}
