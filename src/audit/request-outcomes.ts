import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { AuditTrail } from './audit-trail.ts';

/** Tells the audit log what every request is answered, before the answer goes out; also one that nobody waits for any more. */
@Injectable()
export class RequestOutcomes {
  constructor({ httpAdapter }: HttpAdapterHost, trail: AuditTrail) {
    httpAdapter.getInstance<FastifyInstance>().addHook('onSend', async (request, reply) => {
      await trail.answered(request, reply.statusCode, goesOn(reply));
    });
  }
}

/** Also of a request that has waited as long as it may: it is answered 503, with the operation that will tell the end. */
function goesOn(reply: FastifyReply): boolean {
  const operation = String(reply.getHeader('location') ?? '').startsWith('/v2/operations/');
  return reply.statusCode === 202 || (reply.statusCode === 503 && operation);
}
