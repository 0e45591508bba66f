import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Observable, mergeMap, of } from 'rxjs';
import { Submitted } from './submitted.ts';

/** Answers for handlers that return a `Submitted`: waits for its outcome, or says 202 to a caller who prefers not to wait. */
@Injectable()
export class SubmittedInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    return next
      .handle()
      .pipe(mergeMap((result: unknown) => (result instanceof Submitted ? answer(result, prefersNoWait(request), reply) : of(result))));
  }
}

async function answer(
  { operation, settle, describe, release }: Submitted<unknown>,
  atOnce: boolean,
  reply: FastifyReply,
): Promise<unknown> {
  if (atOnce && operation) {
    if (release !== undefined) reply.header('X-Drycc-Release', String(release));
    reply.status(202).header('Location', operation.location).header('Preference-Applied', 'respond-async');
    return describe();
  }
  const result = await settle();
  if (release !== undefined) reply.header('X-Drycc-Release', String(release));
  return result;
}

/** Whether a `Prefer` header (RFC 7240) holds `respond-async`. */
export function prefersNoWait(request: FastifyRequest): boolean {
  const preferences = [request.headers.prefer ?? []].flat().join(',').split(',');
  return preferences.some((preference) => preference.split(';', 1)[0]?.trim().toLowerCase() === 'respond-async');
}
