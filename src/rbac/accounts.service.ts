import { Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { type AuditFact, MASK } from '../audit/audit-trail.ts';
import { AuthService, WrongCredentials } from '../auth/auth.service.ts';
import { hashPassword } from '../auth/passwords.ts';
import { Conflict, Forbidden, NotFound, Unauthorized } from '../http/errors.ts';
import { assertSuperuserLeft, isActiveSuperuser, lastSuperuser } from '../users/superusers.ts';
import { User } from '../users/user.entity.ts';
import { UsernameTaken, UsersService } from '../users/users.service.ts';
import type { AddUserDto } from './add-user.dto.ts';
import type { ChangeUserDto } from './change-user.dto.ts';
import { type Holdings, holdingsOf, move, type Move, movesTo } from './holdings.ts';
import { idOf, uuidOf } from './ids.ts';
import { RbacChanges } from './rbac-changes.ts';
import { isOwnAccount, mayAdministerAccounts, mayTouch } from './standing.ts';

/** A user and, by id, what he has. */
export interface Account extends Holdings {
  id: string;
  username: string;
}

/** The users of the platform, as the user API knows them. */
@Injectable()
export class AccountsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes: RbacChanges,
    private readonly auth: AuthService,
    private readonly users: UsersService,
  ) {}

  /** All, by name. One statement. */
  async list(): Promise<Account[]> {
    const rows = await this.dataSource.query<AccountRow[]>(`${ACCOUNTS} ORDER BY username COLLATE "C"`);
    return rows.map(accountOf);
  }

  /** One statement. @throws NotFound */
  async get(id: string): Promise<Account> {
    return accountIn(this.dataSource.manager, id);
  }

  /** @throws Forbidden unless the caller administers users; Conflict if the name is taken */
  async add(caller: User, { username, password, mail }: AddUserDto): Promise<{ id: string }> {
    if (!mayAdministerAccounts(caller)) throw new Forbidden();
    return idOfAdded(this.auth.add({ username, password, email: mail }));
  }

  /**
   * @param caller null: nobody; @param setupToken what the first one shows beside DATABASE_URL
   * @throws Forbidden if the registration mode does not allow it, or the first one has no set-up token; Conflict if the name is taken
   */
  async register(caller: User | null, { username, password, mail }: AddUserDto, setupToken?: string): Promise<{ id: string }> {
    return idOfAdded(this.auth.register({ username, password, email: mail }, caller, setupToken));
  }

  /** @throws Unauthorized, the same whatever is wrong */
  async login(username: string, password: string): Promise<{ id: string; token: string }> {
    const { user, token } = await this.auth.login(username, password).catch((error: unknown) => {
      throw error instanceof WrongCredentials ? new Unauthorized('Unable to log in with provided credentials.') : error;
    });
    return { id: idOf('u', user.uuid), token };
  }

  /**
   * Changes what is given, and leaves the rest.
   * @throws Forbidden, NotFound; InvalidFields with all ids that there are not; Conflict if the name is taken, or nobody would be a superuser
   */
  async change(caller: User, id: string, { username, password, mail, ...wanted }: ChangeUserDto): Promise<void> {
    const mayRename = mayAdministerAccounts(caller) || isOwnAccount(caller, { id });
    if (password !== undefined && !mayAdministerAccounts(caller)) {
      throw new Forbidden(mayRename ? 'Change your own password with user/reset/owner, which asks for the old one' : undefined);
    }
    const passwordHash = password === undefined ? undefined : await hashPassword(password);
    await this.changes.commit(async (tx) => {
      const user = await targetOf(tx, caller, id);
      const columns = {
        ...(username !== undefined && username !== user.username && { username }),
        ...(mail !== undefined && mail !== user.email && { email: mail }),
        ...(passwordHash !== undefined && { passwordHash }),
      };
      const changes = Object.keys(columns).length > 0;
      if (changes && !mayRename) throw new Forbidden();
      const before = await accountIn(tx, id);
      const moves = await movesTo(tx, caller, before, wanted);
      if (changes) await tx.update(User, { id: user.id }, columns);
      for (const each of moves) await move(tx, user, each);
      if (isActiveSuperuser(user)) await assertSuperuserLeft(tx, user, lastSuperuser(user.username));
      return { value: undefined, audit: changed(user, columns, before, await accountIn(tx, id), moves) };
    });
  }

  /** The user of that id leaves. @throws Forbidden, NotFound; Conflict while he owns apps or certificates, or is the last superuser */
  async remove(caller: User, id: string): Promise<void> {
    if (!mayAdministerAccounts(caller) && !isOwnAccount(caller, { id })) throw new Forbidden();
    const user = await userOf(this.dataSource.manager, id);
    await this.users.remove(user, (target) => {
      assertMayTouch(caller, target);
    });
  }

  /** Sets a random password. @returns it @throws Forbidden, NotFound */
  async resetPassword(caller: User, id: string): Promise<string> {
    const password = randomBytes(18).toString('base64url');
    const passwordHash = await hashPassword(password);
    return this.changes.commit(async (tx) => {
      const user = await targetOf(tx, caller, id);
      await tx.update(User, { id: user.id }, { passwordHash });
      return { value: password, audit: { object: `user:${user.username}`, before: { password: MASK }, after: { password: MASK } } };
    });
  }

  /** @throws Unauthorized for a wrong old password */
  async changeOwnPassword(caller: User, oldPassword: string, newPassword: string): Promise<void> {
    await this.auth.changePassword(caller, { password: oldPassword, newPassword });
  }
}

const ACCOUNTS = `SELECT uuid, username, ${holdingsOf('users.id')} AS holdings FROM users`;

interface AccountRow {
  uuid: string;
  username: string;
  holdings: Holdings;
}

const accountOf = ({ uuid, username, holdings }: AccountRow): Account => ({ ...holdings, id: idOf('u', uuid), username });

async function accountIn(manager: EntityManager, id: string): Promise<Account> {
  const [row] = await manager.query<AccountRow[]>(`${ACCOUNTS} WHERE uuid = $1`, [uuidOf('u', id) ?? null]);
  if (!row) throw unknown(id);
  return accountOf(row);
}

async function userOf(manager: EntityManager, id: string): Promise<User> {
  const uuid = uuidOf('u', id);
  const user = uuid === undefined ? null : await manager.findOneBy(User, { uuid });
  if (!user) throw unknown(id);
  return user;
}

/** The user whom something is about to be done to. @throws NotFound, Forbidden */
async function targetOf(tx: EntityManager, caller: User, id: string): Promise<User> {
  const user = await userOf(tx, id);
  assertMayTouch(caller, user);
  return user;
}

function assertMayTouch(caller: User, user: User): void {
  if (!mayTouch(caller, user)) throw new Forbidden(`${user.username} is a superuser: only superusers may do this`);
}

/** What the audit log has of a change: of what changed alone. */
function changed(user: User, columns: Partial<User>, before: Account, after: Account, moves: readonly Move[]): AuditFact {
  const { username, email, passwordHash } = columns;
  const moved = (account: Account): object => Object.fromEntries(moves.map(({ kind }) => [kind, account[kind]]));
  const password = passwordHash !== undefined && { password: MASK };
  return {
    object: `user:${user.username}`,
    before: {
      ...(username !== undefined && { username: user.username }),
      ...(email !== undefined && { mail: user.email }),
      ...password,
      ...moved(before),
    },
    after: { ...(username !== undefined && { username }), ...(email !== undefined && { mail: email }), ...password, ...moved(after) },
  };
}

const unknown = (id: string): NotFound => new NotFound(`${id} does not exist`);

/** @throws Conflict for a taken name, which /v2 takes for a fault of the field */
async function idOfAdded(adding: Promise<User>): Promise<{ id: string }> {
  try {
    return { id: idOf('u', (await adding).uuid) };
  } catch (error) {
    throw error instanceof UsernameTaken ? new Conflict('The user name already exists') : error;
  }
}
