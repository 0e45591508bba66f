import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Forbidden, NotFound, Unauthorized } from '../http/errors.ts';
import { actionKey, ruleKey } from '../http/route.ts';
import { Settings } from '../settings/settings.ts';
import { UsersService } from '../users/users.service.ts';
import type { GuardedRequest } from './current.ts';
import { assertBuilder } from './builder-key.ts';
import { appRights, isAppRule, platformRights, type Rule } from './rights.ts';

/** Lets a request pass that its route's rule allows; one without a rule, never. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly users: UsersService,
    private readonly settings: Settings,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<GuardedRequest>();
    const rule = this.reflector.get<Rule | undefined>(ruleKey, context.getHandler());
    if (rule === undefined) return false;
    request.action = this.reflector.get<string>(actionKey, context.getHandler());
    if (rule === 'public') return true;
    if (rule === 'registration') {
      await this.users.assertMayRegister(request.user ?? null);
      return true;
    }
    if (rule === 'builder') {
      assertBuilder(request, this.settings);
      return true;
    }
    const { user } = request;
    if (!user) throw new Unauthorized('Authentication credentials were not provided.');
    const params = request.params as Record<string, string>;
    if (isAppRule(rule)) {
      const access = request.currentAccess;
      if (!access) throw NotFound.of('App');
      if (!appRights[rule](user, access, params)) throw new Forbidden();
    } else if (!platformRights[rule](user, params)) {
      throw new Forbidden();
    }
    return true;
  }
}
