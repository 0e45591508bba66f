import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { IdempotencyKeys } from './idempotency-keys.ts';

/** What an answer says beside its body; all other headers are of the request that it answers. */
const HEADERS = ['content-type', 'location', 'preference-applied', 'x-drycc-release'];

/** How often old answers are thrown away, in milliseconds. */
const EVERY = 3_600_000;

/** Keeps what requests with a key are answered before the answer goes out, also one that nobody waits for any more; and not for ever. */
@Injectable()
export class KeptAnswers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(KeptAnswers.name);
  private timer: NodeJS.Timeout | undefined;

  constructor(
    { httpAdapter }: HttpAdapterHost,
    private readonly keys: IdempotencyKeys,
  ) {
    httpAdapter.getInstance<FastifyInstance>().addHook('onSend', async (request, reply, payload) => {
      // a stream can't be kept; what it tells of is joined
      if (payload !== undefined && payload !== null && typeof payload !== 'string') return;
      const headers = HEADERS.map((name) => [name, reply.getHeader(name)]).filter(([, value]) => value !== undefined);
      await keys.answered(request, reply.statusCode, {
        headers: Object.fromEntries(headers) as Record<string, string>,
        body: payload ?? '',
      });
    });
  }

  onApplicationBootstrap(): void {
    const sweep = (): void => {
      this.keys.sweep().catch((error: unknown) => {
        this.logger.warn(`old answers cannot be thrown away: ${error instanceof Error ? error.message : String(error)}`);
      });
    };
    this.timer = setInterval(sweep, EVERY).unref();
    sweep();
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
  }
}
