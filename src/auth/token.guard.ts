import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import { Unauthorized } from '../http/errors.ts';
import { ruleKey } from '../http/route.ts';
import type { User } from '../users/user.entity.ts';
import type { GuardedRequest } from './current.ts';
import { isAppRule, type Rule } from './rights.ts';
import { TokenStrategy } from './token.strategy.ts';

/** Puts the user of the request's token on the request, and how he stands to the app of its path; 401 unless the route is public. */
@Injectable()
export class TokenGuard extends AuthGuard() implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    strategy: TokenStrategy,
  ) {
    super({ defaultStrategy: strategy.name });
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const rule = this.reflector.get<Rule | undefined>(ruleKey, context.getHandler());
    if (rule === 'public') return true;
    if (rule !== undefined && isAppRule(rule)) {
      const request = context.switchToHttp().getRequest<GuardedRequest>();
      request.appInQuestion = (request.params as Record<string, string>).app ?? '';
    }
    try {
      return (await super.canActivate(context)) as boolean;
    } catch (error) {
      if ((rule === 'registration' || rule === 'builder') && error instanceof Unauthorized) return true;
      throw error;
    }
  }

  override handleRequest<T = User>(error: unknown, user: T | false, info: unknown): T {
    if (error) throw error as Error;
    if (user) return user;
    const { message } = (info ?? {}) as Partial<Error>;
    throw new Unauthorized(message === 'No auth token' ? 'Authentication credentials were not provided.' : 'Invalid token.');
  }
}
