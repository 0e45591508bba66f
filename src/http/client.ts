import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** The program that calls. */
export interface ClientProgram {
  /** Whether it is one of the command lines of API 2.3 written in Go: `drycc`, `deis` and `hephy`. */
  readonly go: boolean;
}

const goClients = ['Drycc Client', 'Drycc Go SDK', 'Deis Client', 'Hephy Client'];

export function clientOf(userAgent: string | undefined): ClientProgram {
  return { go: userAgent !== undefined && goClients.some((name) => userAgent.startsWith(name)) };
}

/** Gives a handler the `ClientProgram` that calls, for the few answers that differ by it. */
export const Client = createParamDecorator((_: unknown, context: ExecutionContext): ClientProgram =>
  clientOf(context.switchToHttp().getRequest<FastifyRequest>().headers['user-agent']),
);
