import { Injectable } from '@nestjs/common';
import { AppAccesses } from '../apps/app-accesses.ts';
import type { App } from '../apps/app.entity.ts';
import type { AppAccess } from '../apps/app.rights.ts';
import { NotFound } from '../http/errors.ts';
import type { User } from '../users/user.entity.ts';
import { UsersService } from '../users/users.service.ts';
import { AppActions } from './app-actions.ts';
import { decide, type Decision, type Subject } from './decision.ts';

/** What a user may do with an app. */
export interface UserAccess {
  user: User;
  access: AppAccess;
  /** By action, sorted. */
  decisions: Record<string, Decision>;
}

/** Tells who may do what, and why. */
@Injectable()
export class AccessService {
  constructor(
    private readonly users: UsersService,
    private readonly accesses: AppAccesses,
    private readonly actions: AppActions,
  ) {}

  /** Two statements. @throws NotFound */
  async of({ id }: App, username: string, subject: Subject): Promise<UserAccess> {
    const user = await this.users.get(username);
    const access = await this.accesses.find(id, user);
    if (!access) throw NotFound.of('App');
    const decisions = this.actions.list().map(({ action, rule }) => [action, decide(action, rule, user, access, subject)] as const);
    return { user, access, decisions: Object.fromEntries(decisions) };
  }
}
