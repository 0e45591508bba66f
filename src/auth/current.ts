import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { App } from '../apps/app.entity.ts';
import type { AppAccess } from '../apps/app.rights.ts';
import type { User } from '../users/user.entity.ts';

/** A request with what the guards found out about it. */
export interface GuardedRequest extends FastifyRequest {
  /** Who calls; null on public routes, and for nobody in particular where a route takes that too. */
  user?: User | null;
  /** The id that the route's `:app` has, where its rule is about apps. */
  appInQuestion?: string;
  /** The app of that id, and how the user stands to it; null if there is none. */
  currentAccess?: AppAccess | null;
  /** What the route does, as `@Route` says. */
  action?: string;
}

const requestOf = (context: ExecutionContext): GuardedRequest => context.switchToHttp().getRequest<GuardedRequest>();

/** Gives a handler the `User` who calls. */
export const CurrentUser = createParamDecorator((_: unknown, context: ExecutionContext) => requestOf(context).user ?? null);

/** Gives a handler the app of the path, with its owner, and how the caller stands to it. Only on routes with an `app:…` rule. */
export const CurrentAccess = createParamDecorator((_: unknown, context: ExecutionContext) => accessOf(requestOf(context)));

/** Gives a handler the `App` of the path alone. */
export const CurrentApp = createParamDecorator((_: unknown, context: ExecutionContext): App => accessOf(requestOf(context)).app);

function accessOf({ currentAccess, routeOptions }: GuardedRequest): AppAccess {
  if (!currentAccess) throw new Error(`${routeOptions.url ?? 'the route'} has no app rule`);
  return currentAccess;
}
