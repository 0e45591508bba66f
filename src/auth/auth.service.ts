import { Injectable } from '@nestjs/common';
import { AuditTrail } from '../audit/audit-trail.ts';
import { BadRequest, Forbidden, InvalidFields, NotFound, Unauthorized } from '../http/errors.ts';
import { isAdministrator } from '../users/user.rights.ts';
import type { User } from '../users/user.entity.ts';
import { type Registration, UsersService } from '../users/users.service.ts';
import { AttemptLimits } from './attempt-limits.ts';
import { hashPassword, matchesNothing, matchesPassword } from './passwords.ts';
import { TokenSigner } from './token-signer.ts';

/** What a request to change a password says; absent and null alike mean that it doesn't. */
export interface PasswordChange {
  username?: string | null;
  password?: string | null;
  newPassword?: string | null;
}

/** What is known of a user when he is added. */
export interface NewUser {
  username: string;
  password: string;
  email?: string;
  firstName?: string;
  lastName?: string;
}

/** 400: the same for a wrong name, a wrong password and an inactive user. */
export class WrongCredentials extends InvalidFields {
  constructor() {
    super({ non_field_errors: ['Unable to log in with provided credentials.'] });
  }
}

@Injectable()
export class AuthService {
  constructor(
    private readonly users: UsersService,
    private readonly tokens: TokenSigner,
    private readonly audit: AuditTrail,
    private readonly limits: AttemptLimits,
  ) {}

  /**
   * @param caller null: nobody; @param setupToken what the first one shows beside DATABASE_URL
   * @throws UsernameTaken; Forbidden if the registration mode does not allow it, or the first one has no set-up token; TooManyRequests
   */
  async register(data: NewUser, caller: User | null, setupToken?: string): Promise<User> {
    await this.limits.registration(caller);
    return this.users.register(await registrationOf(data), caller, setupToken);
  }

  /** For somebody who administers users. @throws UsernameTaken */
  async add(data: NewUser): Promise<User> {
    return this.users.add(await registrationOf(data));
  }

  /** The user and a new token. @throws WrongCredentials, after the same time whatever is wrong; TooManyRequests */
  async login(username: string, password: string): Promise<{ user: User; token: string }> {
    let named = null as User | null;
    const user = await this.limits.password(username, async () => {
      named = await this.users.findForLogin(username);
      const matches = named ? await matchesPassword(named.passwordHash, password) : await matchesNothing(password);
      return matches && named?.isActive ? named : null;
    });
    if (!user) {
      // a name that nobody has is not kept: it may be a password that was typed into the wrong field
      await this.audit.refused({ object: named && `user:${username}` });
      throw new WrongCredentials();
    }
    await this.users.recordLogin(user).catch((error: unknown) => {
      throw error instanceof NotFound ? new WrongCredentials() : error;
    });
    return { user, token: await this.tokens.sign(user) };
  }

  /** Removes the user of that name, or the caller. @throws Forbidden, NotFound, Conflict */
  async cancel(caller: User, username?: string | null): Promise<void> {
    await this.users.remove(await this.subject(caller, username));
  }

  /** Ends the tokens of a user. @returns a new token of his @throws Forbidden, NotFound */
  async regenerate(caller: User, username?: string | null): Promise<string> {
    const user = await this.subject(caller, username);
    return this.tokens.sign(await this.users.endTokens(user));
  }

  /** Ends everybody's tokens. @returns a new token of the caller @throws Forbidden */
  async regenerateAll(caller: User): Promise<string> {
    if (!isAdministrator(caller)) throw new Forbidden();
    return this.tokens.sign(await this.users.endAllTokens(caller));
  }

  /** Sets a password. Everybody proves to know the current one, but an administrator who names a user. @throws TooManyRequests */
  async changePassword(caller: User, { username, password, newPassword }: PasswordChange): Promise<void> {
    if (!newPassword?.trim()) throw new BadRequest('new_password is a required field');
    const user = await this.subject(caller, username);
    const exempt = isAdministrator(caller) && username !== undefined && username !== null;
    if (!exempt) {
      if (!password) throw new BadRequest('password is a required field');
      const matches = await this.limits.password(user.username, async () => {
        const passwordHash = await this.users.passwordHashOf(user);
        return passwordHash !== undefined && (await matchesPassword(passwordHash, password)) ? true : null;
      });
      if (!matches) {
        await this.audit.refused({ object: `user:${user.username}` });
        throw new Unauthorized('Current password does not match');
      }
    }
    await this.users.setPasswordHash(user, await hashPassword(newPassword));
  }

  /** Whom a request is about: the caller, or for administrators anybody. */
  private async subject(caller: User, username: string | null | undefined): Promise<User> {
    if (username === undefined || username === null || username === caller.username) return caller;
    if (!isAdministrator(caller)) throw new Forbidden();
    return this.users.get(username);
  }
}

async function registrationOf({ username, password, email = '', firstName = '', lastName = '' }: NewUser): Promise<Registration> {
  return { username, passwordHash: await hashPassword(password), email, firstName, lastName };
}
