import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Stands for an answer that had not begun when its caller left; nginx logs the same. */
const LEFT = 499;

/**
 * Tells of each request once, when it is over: answered, or left by its caller, as most answers are that go on. Fastify's onResponse knows
 * of the first alone.
 * @param tell with the status of the answer, 499 if there was none when the caller left
 */
export function whenOver(server: FastifyInstance, tell: (request: FastifyRequest, reply: FastifyReply, status: number) => void): void {
  const told = new WeakSet<FastifyRequest>();
  const once = (request: FastifyRequest, reply: FastifyReply, status: number): void => {
    if (told.has(request)) return;
    told.add(request);
    tell(request, reply, status);
  };
  server.addHook('onRequest', (request, reply, done) => {
    reply.raw.once('close', () => {
      once(request, reply, reply.raw.headersSent ? reply.statusCode : LEFT);
    });
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    once(request, reply, reply.statusCode);
    done();
  });
}
