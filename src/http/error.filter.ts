import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { isOwnerGone } from '../database/violated-constraint.ts';
import { isDatabaseAway } from './database-away.ts';
import { ApiError, MethodNotAllowed, NotFound, Recorded, Unauthorized, Unavailable, UnsupportedMediaType } from './errors.ts';
import { RouteTable } from './route-table.ts';
import { LOGGER } from './logger.ts';
import { isOfUserApi, userApiRefusal } from './user-api.ts';

/** Answers for every error of every route: those a caller is to see with their own body, all others as a 500 that tells nothing. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(
    private readonly routes: RouteTable,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const answer = this.answerTo(error, request);
    if (answer.status >= 500 && !(error instanceof ApiError)) {
      this.logger.error({ err: error, method: request.method, route: request.routeOptions.url }, 'request failed');
    }
    if (reply.sent || reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    void reply.status(answer.status).headers(answer.headers());
    const body = isOfUserApi(request.routeOptions.url ?? request.url) ? userApiRefusal(answer.message) : answer.body();
    if (body === null) void reply.send();
    else void reply.type('application/json; charset=utf-8').send(JSON.stringify(body));
  }

  private answerTo(error: unknown, request: FastifyRequest): ApiError {
    if (error instanceof ApiError) return error;
    if (error instanceof HttpException) return this.translated(error, request);
    // the same words as to a token of his that comes later
    if (isOwnerGone(error)) return new Unauthorized('Invalid token.');
    if (isDatabaseAway(error)) return new Unavailable('The database is out of reach for the moment.', 5);
    return new Recorded(500, 'Server Error');
  }

  /** The framework's own refusals: nobody else throws these. */
  private translated(error: HttpException, request: FastifyRequest): ApiError {
    switch (error.getStatus()) {
      case 404:
        return this.unknownRoute(request);
      case 415:
        return new UnsupportedMediaType(`Unsupported media type "${request.headers['content-type'] ?? ''}" in request.`);
      default:
        return error.getStatus() < 500 ? new Recorded(error.getStatus(), error.message) : new Recorded(500, 'Server Error');
    }
  }

  private unknownRoute({ method, url }: FastifyRequest): ApiError {
    const allowed = this.routes.methodsOf(url);
    return allowed.length > 0 && !allowed.includes(method) ? new MethodNotAllowed(method, allowed) : new NotFound();
  }
}
