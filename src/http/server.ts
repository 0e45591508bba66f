import cors from '@fastify/cors';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { CLS_ID, ClsServiceManager } from 'nestjs-cls';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Metrics } from '../metrics/metrics.ts';
import type { Settings } from '../settings/settings.ts';
import { keepBodiesRaw } from './body.ts';
import { clientOf } from './client.ts';
import { areValid } from './parameters.ts';
import { whenOver } from './request-end.ts';
import { measureRequests } from './request-metrics.ts';
import { routerOptions, type RouteTable } from './route-table.ts';
import { guardHeaders, securityHeaders } from './security-headers.ts';
import { isOfUserApi, userApiRefusal } from './user-api.ts';

/** Seconds that a caller may take to send a request. How long an answer takes is nobody's business: a deploy may need 20 minutes. */
const secondsToReceive = 120;
/** And its head of it. */
const secondsToReceiveHead = 30;

/** Bytes of all header fields of a request, and how many there may be. */
const headBytes = 16 * 1024;
const headerFields = 100;

const exposedHeaders = [
  'DRYCC_API_VERSION',
  'DRYCC_PLATFORM_VERSION',
  'X-Drycc-Release',
  'X-Request-Id',
  'Idempotency-Replayed',
  'Location',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'Retry-After',
];

/** The HTTP server with everything that holds for every request, whether a route matches it or not. */
export function httpServer(settings: Settings, routes: RouteTable, logger: Logger, metrics: Metrics): FastifyAdapter {
  const { trustProxy } = settings;
  const adapter = new FastifyAdapter({
    skipMiddie: true,
    multipart: false,
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions,
    rewriteUrl: ({ url = '/' }) => routes.routable(url),
    trustProxy: typeof trustProxy === 'number' ? (_address, hop) => hop < trustProxy : trustProxy,
    genReqId: ({ headers }: IncomingMessage) => requestId(headers['x-request-id']),
    requestIdHeader: false,
    connectionTimeout: 0,
    requestTimeout: secondsToReceive * 1000,
    keepAliveTimeout: 75_000,
    return503OnClosing: false,
    http: { headersTimeout: secondsToReceiveHead * 1000, connectionsCheckingInterval: 5_000, maxHeaderSize: headBytes },
    frameworkErrors: ({ code }: { code: string }, request: FastifyRequest, reply: FastifyReply) => {
      addHeaders(settings, request, reply);
      // a part that is longer than anything's name names nothing
      const [status, message] = code === 'FST_ERR_MAX_PARAM_LENGTH' ? [404, 'Not found.'] : [400, 'The path is not a valid URL path.'];
      refuseRequest(request, reply, status, message);
    },
    clientErrorHandler: (error, socket) => {
      refuse(error, socket, settings);
    },
  });
  const server = adapter.getInstance();
  keepBodiesRaw(server);
  routes.watch(server);
  server.addHook('onRequest', (request, reply, done) => {
    addHeaders(settings, request, reply);
    if (request.raw.rawHeaders.length <= 2 * headerFields) done();
    else refuseRequest(request, reply, 431, `A request may have at most ${String(headerFields)} header fields.`);
  });
  // Node leaves out those beyond, without a word: with one more it shows that there are too many
  server.server.maxHeadersCount = headerFields + 1;
  void server.register(cors, {
    origin: '*',
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders,
    strictPreflight: false,
    maxAge: 86_400,
  });
  server.addHook('onRequest', (request, reply, done) => {
    if (request.is404 || areValid((request.params ?? {}) as Record<string, string>)) done();
    else reply.callNotFound();
  });
  // As late as possible: reading a body would lose the context.
  server.addHook('preHandler', (request, reply, done) => {
    const cls = ClsServiceManager.getClsService();
    cls.run(() => {
      cls.set(CLS_ID, request.id);
      cls.set('request', request);
      cls.set('reply', reply);
      done();
    });
  });
  whenOver(server, ({ method, id, routeOptions }, { elapsedTime }, status) => {
    logger.info({ requestId: id, method, route: routeOptions.url, status, ms: Math.round(elapsedTime) }, 'request');
  });
  measureRequests(server, metrics);
  return adapter;
}

/** A caller's own id is kept if it can go into logs and headers as it is. */
function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.:=+/-]{1,128}$/.test(given) ? given : randomUUID();
}

function addHeaders(settings: Settings, request: FastifyRequest, reply: FastifyReply): void {
  const { go } = clientOf(request.headers['user-agent']);
  reply.headers({
    ...versionHeaders(settings, go),
    ...securityHeaders(settings, request),
    'X-Request-Id': request.id,
  });
}

/** The command lines compare the API version with their own, 2.3, and refuse a lower one; drycc reads one name, deis and hephy the other. */
function versionHeaders({ apiVersion, apiVersionGoClients, platformVersion }: Settings, go: boolean): Record<string, string> {
  const version = go ? apiVersionGoClients : apiVersion;
  return {
    DRYCC_API_VERSION: version,
    DRYCC_PLATFORM_VERSION: platformVersion,
    ...(go ? { DEIS_API_VERSION: version, DEIS_PLATFORM_VERSION: platformVersion } : {}),
  };
}

const detail = (message: string): string => JSON.stringify({ detail: message });

/** Answers before there is a route. */
function refuseRequest(request: FastifyRequest, reply: FastifyReply, status: number, message: string): void {
  void reply
    .code(status)
    .type('application/json; charset=utf-8')
    .send(isOfUserApi(request.url) ? JSON.stringify(userApiRefusal(message)) : detail(message));
}

/** Answers what Node cannot make a request of. */
function refuse(error: Error & { code?: string }, socket: Socket, settings: Settings): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message] = refusals[error.code ?? ''] ?? ['400 Bad Request', 'This is not a valid HTTP request.'];
  const body = detail(message);
  const headers = {
    ...versionHeaders(settings, false),
    ...guardHeaders,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${body}`);
}

const refusals: Readonly<Record<string, readonly [status: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers are too long.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request took too long to arrive.'],
};
