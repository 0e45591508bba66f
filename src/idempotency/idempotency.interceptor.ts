import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply } from 'fastify';
import { setTimeout as sleep } from 'node:timers/promises';
import { catchError, from, map, mergeAll, of, type Observable } from 'rxjs';
import type { GuardedRequest } from '../auth/current.ts';
import type { Rule } from '../auth/rights.ts';
import { ApiError, Conflict } from '../http/errors.ts';
import { credentialsKey, ruleKey } from '../http/route.ts';
import { Submitted } from '../http/submitted.ts';
import { prefersNoWait } from '../http/submitted.interceptor.ts';
import { fingerprintOf, keyOf } from './asked.ts';
import { BegunIsGone, IdempotencyKeys, KeyTaken, type Asked } from './idempotency-keys.ts';
import type { IdempotencyKey } from './idempotency-key.entity.ts';

/** How long the answer to an earlier request is waited for that is just being given, in milliseconds. */
const PAUSES = [25, 50, 100, 200, 400, 800, 1600];

const LOST =
  'A request with this Idempotency-Key was carried out, but what it was answered is lost. Look at what is there, and use a new key.';

/** Has a POST that is repeated with its `Idempotency-Key` answered as the first one was, or would have been. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly keys: IdempotencyKeys,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<GuardedRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const asked = this.askedBy(context, request);
    if (!asked) return next.handle();
    const earlier = await this.keys.find(asked);
    if (earlier) return this.goOn(earlier, asked, request, reply, next);
    this.keys.begin(request, asked);
    return next.handle().pipe(catchError((error: unknown) => from(this.overtaken(error, asked, request, reply, next)).pipe(mergeAll())));
  }

  /** The request may be in its own way: another one with its key was faster, and what that did is refused a second time. @throws the error */
  private async overtaken(
    error: unknown,
    asked: Asked,
    request: GuardedRequest,
    reply: FastifyReply,
    next: CallHandler,
  ): Promise<Observable<unknown>> {
    const suspect = error instanceof KeyTaken || (error instanceof ApiError && error.status < 500);
    const faster = suspect ? await this.keys.find(asked) : null;
    if (!faster || this.keys.isOwn(request, faster)) throw error;
    return this.goOn(faster, asked, request, reply, next);
  }

  /** Null: without a key, or where none is taken. @throws BadRequest for a malformed one */
  private askedBy(context: ExecutionContext, request: GuardedRequest): Asked | null {
    const { method, url, body, user } = request;
    const header = request.headers['idempotency-key'];
    const handler = context.getHandler();
    const builder = this.reflector.get<Rule>(ruleKey, handler) === 'builder';
    if (method !== 'POST' || header === undefined || this.reflector.get<boolean>(credentialsKey, handler)) return null;
    if (!user && !builder) return null;
    const path = url.replace(/\?.*/, '');
    return {
      ownerId: builder || !user ? null : user.id,
      key: keyOf([header].flat().join(', ')),
      request: fingerprintOf({ method, path, body }),
    };
  }

  /** What was begun and is gone by now has been answered otherwise, and that is kept in a moment. @throws the error */
  private async answeredMeanwhile(error: unknown, asked: Asked, request: GuardedRequest, reply: FastifyReply): Promise<unknown> {
    if (!(error instanceof BegunIsGone)) throw error;
    this.keys.forget(request);
    for (const pause of [0, ...PAUSES]) {
      await sleep(pause);
      const row = await this.keys.find(asked);
      if (row?.answer && row.status !== 202) return replayed(row.status, row.answer, reply);
    }
    throw error;
  }

  private async goOn(
    earlier: IdempotencyKey,
    asked: Asked,
    request: GuardedRequest,
    reply: FastifyReply,
    next: CallHandler,
  ): Promise<Observable<unknown>> {
    this.keys.forget(request);
    let row: IdempotencyKey | null = earlier;
    for (const pause of PAUSES) {
      // who was told that the work goes on, and now wants to wait for its end
      const waits = row?.status === 202 && !prefersNoWait(request);
      if (row?.answer && !waits) return of(replayed(row.status, row.answer, reply));
      if (row?.remembered) {
        this.keys.begin(request, asked, row);
        reply.header('Idempotency-Replayed', 'true');
        const meanwhile = (error: unknown): Promise<unknown> => this.answeredMeanwhile(error, asked, request, reply);
        // its outcome is waited for outside of here
        return next.handle().pipe(map((result: unknown) => (result instanceof Submitted ? result.otherwise(meanwhile) : result)));
      }
      await sleep(pause);
      row = await this.keys.find(asked);
    }
    throw new Conflict(LOST);
  }
}

function replayed(status: number | null, { headers, body }: NonNullable<IdempotencyKey['answer']>, reply: FastifyReply): unknown {
  void reply
    .status(status ?? 200)
    .headers(headers)
    .header('Idempotency-Replayed', 'true');
  return body === '' ? undefined : body;
}
