import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClsService } from 'nestjs-cls';
import type { Logger } from 'pino';
import { DataSource, IsNull, Raw, type EntityManager } from 'typeorm';
import { Encryption } from '../database/encryption.ts';
import { Conflict, Unprocessable } from '../http/errors.ts';
import { LOGGER } from '../http/logger.ts';
import { fromJson, toJson } from './entities-as-json.ts';
import { IdempotencyKey, type KeptAnswer } from './idempotency-key.entity.ts';

/** How long what a request came to is kept. */
const KEPT = `interval '24 hours'`;

/** Milliseconds that an answer waits to be kept. */
const ANSWER_WAIT = 1000;

/** What came for a key. */
export interface Asked {
  /** The user; null: the builder. */
  ownerId: number | null;
  key: string;
  /** Hash of what is asked. */
  request: string;
}

/** A request with a key, while it is under way. */
interface Attempt extends Asked {
  /** Of the key's row: the one that this request writes, or the one that it goes on from. */
  uuid: string;
  /** The row that it goes on from; null for the first request with the key. */
  earlier: IdempotencyKey | null;
}

/** Another request has taken the key meanwhile: this one's transaction is rolled back, and it goes on from what that one did. */
export class KeyTaken extends Error {}

/** What the repeated request had begun is gone: the answer to it may just be on its way to be kept, or nobody knows it. */
export class BegunIsGone extends Conflict {}

/**
 * The keys that requests under way have, and what they came to. A mutation takes its request's key in its own transaction: of several
 * with the same key one commits, all others wait for it and are refused then.
 */
@Injectable()
export class IdempotencyKeys {
  private readonly attempts = new WeakMap<FastifyRequest, Attempt>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly encryption: Encryption,
    private readonly cls: ClsService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** What the key was used for before; null: nothing. One SELECT. @throws Unprocessable if that was another request */
  async find({ ownerId, key, request }: Asked): Promise<IdempotencyKey | null> {
    const row = await this.dataSource.manager.findOneBy(IdempotencyKey, {
      ownerId: ownerId ?? IsNull(),
      key,
      created: Raw((created) => `${created} > now() - ${KEPT}`),
    });
    if (row && row.request !== request) {
      throw new Unprocessable('This Idempotency-Key was used for another request: a new request needs a new key.');
    }
    return row;
  }

  /** From now on what the request does is done under its key. @param earlier what an earlier one did, which this one goes on from */
  begin(request: FastifyRequest, asked: Asked, earlier: IdempotencyKey | null = null): void {
    this.attempts.set(request, { ...asked, uuid: earlier?.uuid ?? randomUUID(), earlier });
  }

  /** Whether the row is of what the request itself did: it has the key, and is not in its own way. */
  isOwn(request: FastifyRequest, { uuid }: IdempotencyKey): boolean {
    return this.attempts.get(request)?.uuid === uuid;
  }

  /** What the request is answered is not its own outcome. */
  forget(request: FastifyRequest): void {
    this.attempts.delete(request);
  }

  /** Takes the key of the request under way, if it has one, in the transaction of its mutation. @throws KeyTaken */
  async take(manager: EntityManager): Promise<void> {
    const attempt = this.current();
    if (attempt && !(await this.write(manager, attempt, null))) throw new KeyTaken();
  }

  /** Keeps, in the same transaction, what the mutation gives to the rest of its handler, which `recalled` gives to a repeated request. */
  async remember(manager: EntityManager, value: unknown): Promise<void> {
    const { uuid } = this.current() ?? {};
    if (uuid === undefined) return;
    const remembered = { value: toJson(value, this.dataSource) };
    await manager.update(IdempotencyKey, { uuid }, { uuid, remembered });
  }

  /** What the mutation gave that the request under way repeats: it isn't to be made again. Null: it is. */
  recalled(): { value: unknown } | null {
    const remembered = this.current()?.earlier?.remembered as { value?: unknown } | null | undefined;
    return remembered ? { value: fromJson(remembered.value, this.dataSource) } : null;
  }

  /** Keeps what a request is answered, if it has a key. It never fails, and takes a second at most: the answer is on its way. */
  async answered(request: FastifyRequest, status: number, answer: KeptAnswer): Promise<void> {
    const attempt = this.attempts.get(request);
    // a fault of ours is no outcome, nor is a token that ran out, or a limit that lets the next one pass
    if (!attempt || status >= 500 || status === 401 || status === 429) return;
    const keeping = this.write(this.dataSource.manager, attempt, { status, answer }).catch((error: unknown) => {
      this.logger.error({ err: error, requestId: request.id }, 'the answer to a request with a key could not be kept');
    });
    await Promise.race([keeping, sleep(ANSWER_WAIT, undefined, { ref: false })]);
  }

  async sweep(): Promise<void> {
    await this.dataSource.query(`DELETE FROM idempotency_keys WHERE created <= now() - ${KEPT}`);
  }

  /** @returns whether the key is this attempt's. An answer that is the last one stays as it is. */
  private async write(
    manager: EntityManager,
    { uuid, ownerId, key, request }: Attempt,
    answered: { status: number; answer: KeptAnswer } | null,
  ): Promise<boolean> {
    const rows = await manager.query<unknown[]>(
      `INSERT INTO idempotency_keys AS k (uuid, owner_id, key, request, status, answer) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (owner_id, key) DO UPDATE SET
         uuid = excluded.uuid, request = excluded.request, status = excluded.status, answer = excluded.answer,
         remembered = CASE WHEN k.uuid = excluded.uuid THEN k.remembered END,
         created = CASE WHEN k.uuid = excluded.uuid THEN k.created ELSE now() END
       WHERE (k.uuid = excluded.uuid AND coalesce(k.status, 202) = 202) OR k.created <= now() - ${KEPT}
       RETURNING uuid`,
      [
        uuid,
        ownerId,
        key,
        this.encryption.seal(request, `idempotency.request:${uuid}`),
        answered?.status ?? null,
        answered && this.encryption.seal(JSON.stringify(answered.answer), `idempotency.answer:${uuid}`),
      ],
    );
    return rows.length === 1;
  }

  private current(): Attempt | undefined {
    const request = this.cls.get<FastifyRequest | undefined>('request');
    return request && this.attempts.get(request);
  }
}
