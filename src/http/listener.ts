import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Seconds that connections get to end after all else has; then they are cut. */
const secondsToEnd = 20;

/**
 * What this process takes requests by. From the moment that it is told to end, a caller who keeps his connection is asked to make a new one,
 * which leads to another replica.
 */
@Injectable()
export class Listener implements OnModuleDestroy {
  private readonly server: FastifyInstance;
  private ending = false;
  /** Requests that are worked on, also for callers who have left. */
  private readonly open = new Set<FastifyRequest>();
  private readonly none = new Set<() => void>();

  constructor({ httpAdapter }: HttpAdapterHost<FastifyAdapter>) {
    this.server = httpAdapter.getInstance();
    this.server.addHook('preHandler', (request, _reply, done) => {
      this.open.add(request);
      done();
    });
    this.server.addHook('onSend', (request, reply, _payload, done) => {
      if (this.ending) void reply.header('Connection', 'close');
      this.over(request);
      done();
    });
    this.server.addHook('preClose', (done) => {
      setTimeout(() => {
        this.server.server.closeAllConnections();
      }, secondsToEnd * 1000).unref();
      done();
    });
  }

  onModuleDestroy(): void {
    this.ending = true;
  }

  /** Takes no more connections, and closes those on which nothing is asked: what isn't taken yet goes to another replica. */
  close(): void {
    this.server.server.close();
  }

  /** Until every request has its answer. Of what is streamed, the beginning is the answer. */
  async answered(): Promise<void> {
    while (this.open.size > 0) await new Promise<void>((resolve) => this.none.add(resolve));
  }

  private over(request: FastifyRequest): void {
    this.open.delete(request);
    if (this.open.size > 0) return;
    for (const tell of this.none) tell();
    this.none.clear();
  }
}
