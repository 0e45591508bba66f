import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { ApiError } from './api-error.ts';
import {
  flag,
  methodNotAllowed,
  notServed,
  numberOf,
  parsePath,
  parseRequest,
  readBody,
  versionOf,
  type ApiRequest,
} from './api-request.ts';
import type { Controllers } from './controllers/controllers.ts';
import type { PodLogs } from './controllers/pod-logs.ts';
import { discoveryDocument } from './discovery.ts';
import { ExecStreams } from './exec-streams.ts';
import { answerOf } from './faults/answered-fault.ts';
import { callOf, type Call, type CallFaults } from './faults/call-faults.ts';
import { ObjectRequests } from './object-requests.ts';
import { represent, representation, representList, type Representation } from './representations.ts';
import { selectedName, selector } from './selectors.ts';
import type { Store } from './store.ts';
import type { StoredObject } from './stored-object.ts';
import type { WatchEvent, WatchHistory } from './watch.ts';

const healthPaths = ['/healthz', '/livez', '/readyz'];

/** A watch whose client doesn't read is ended when this much waits for it, in bytes. */
const watchBacklog = 16 * 1024 * 1024;

/** What was done for them isn't told: a fault cuts the connection instead. */
const cutAtTheEnd = new WeakSet<ServerResponse>();

/** Kubernetes' API over plain HTTP: paths, media types and streams; what a write means is the store's. */
export class ApiServer {
  private readonly server: Server;
  private readonly watches = new Map<ServerResponse, string>();
  private readonly objects: ObjectRequests;
  private readonly logs: PodLogs;
  private readonly streams: ExecStreams;

  constructor(
    store: Store,
    private readonly history: WatchHistory,
    { logs, exec }: Pick<Controllers, 'logs' | 'exec'>,
    private readonly faults: CallFaults,
  ) {
    this.logs = logs;
    this.streams = new ExecStreams(exec);
    this.objects = new ObjectRequests(store);
    this.server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => void this.answer(request, response));
    this.server.on('upgrade', (request, socket, head) => void this.upgrade(request, socket, head));
  }

  /** Answers the address: `http://127.0.0.1:8001`. Port 0 takes any that is free. */
  async listen(port: number, host: string): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      const refused = (cause: Error): void =>
        reject(new Error(`the sandbox can't listen on ${host}:${port} (${cause.message}): choose another SANDBOX_PORT`, { cause }));
      this.server.once('error', refused);
      this.server.listen(port, host, () => {
        this.server.off('error', refused);
        resolve();
      });
    });
    const { port: bound } = this.server.address() as AddressInfo;
    return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
  }

  /** Listens no more and cuts every connection; the returned function listens again at the same address. */
  async refuse(): Promise<() => Promise<void>> {
    const address = this.server.address() as AddressInfo | null;
    await this.close();
    return async () => {
      if (address) await this.listen(address.port, address.address);
    };
  }

  /** Ends the open watches of these resources, or all; answers how many there were. */
  closeWatches(resources?: readonly string[]): number {
    const ended = [...this.watches].filter(([, resource]) => resources?.includes(resource) ?? true);
    for (const [response] of ended) response.end();
    return ended.length;
  }

  async stop(): Promise<void> {
    this.history.stop();
    await this.close();
  }

  private async close(): Promise<void> {
    this.streams.stop();
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (await this.isStruck(request, response)) return;
      await this.route(request, response);
    } catch (error) {
      const refusal = error instanceof ApiError ? error : unexpected(error);
      if (response.headersSent) response.destroy();
      else reply(response, refusal.code, refusal.toStatus());
    }
  }

  /** Whether a fault has ended the call already. */
  private async isStruck(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const ending = await this.faults.meet(callOf(request));
    if (!ending) return false;
    if (ending.fault === 'answer') {
      const { code, headers, body } = answerOf(ending);
      response.writeHead(code, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
    } else if (ending.executed) {
      cutAtTheEnd.add(response);
      return false;
    } else response.destroy();
    return true;
  }

  private async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    try {
      if (await this.faults.meet(callOf(request))) return void socket.destroy();
      refuseWebPages(request);
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://sandbox');
      const asked = parseRequest(parsePath(pathname), searchParams, request);
      if (asked.subresource?.name !== 'exec') throw notServed(`an upgrade of ${pathname}`);
      this.streams.accept(asked, request, socket, head);
    } catch (error) {
      const refusal = error instanceof ApiError ? error : unexpected(error);
      const text = JSON.stringify(refusal.toStatus());
      const header = `HTTP/1.1 ${refusal.code} ${STATUS_CODES[refusal.code] ?? ''}\r\ncontent-type: application/json\r\nconnection: close\r\n`;
      socket.end(`${header}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    }
  }

  private async route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    refuseWebPages(request);
    const url = new URL(request.url ?? '/', 'http://sandbox');
    const path = url.pathname.replace(/(.)\/$/, '$1');
    if (healthPaths.some((health) => path === health || path.startsWith(`${health}/`))) {
      replyText(response, 200, 'ok (sandbox)');
      return;
    }
    const document = discoveryDocument(path, request.headers.host ?? '');
    if (document && request.method !== 'GET') throw methodNotAllowed();
    if (document) {
      reply(response, 200, document);
      return;
    }
    if (path.startsWith('/openapi')) throw notServed('its OpenAPI document');
    if (!/^\/apis?(\/|$)/.test(path)) {
      replyText(response, 404, '404 page not found\n');
      return;
    }

    const asked = parseRequest(parsePath(path), url.searchParams, request);
    if (asked.subresource?.name === 'log' && request.method === 'GET') return this.log(asked, callOf(request), response);
    if (request.method === 'GET' && !asked.subresource) {
      this.read(asked, request, response);
      return;
    }
    const how = representation(request, url.searchParams);
    const { code, body } = await this.objects.handle(asked, request, () => readBody(request));
    reply(response, code, isStored(body) ? represent(asked.resource, body, how) : body);
  }

  private read(asked: ApiRequest, request: IncomingMessage, response: ServerResponse): void {
    const how = representation(request, asked.query);
    if (flag(asked.query, 'watch')) return this.watch(asked, how, callOf(request), response);
    if (asked.name !== undefined) return reply(response, 200, represent(asked.resource, this.objects.get(asked), how));
    const { items, metadata } = this.objects.list(asked);
    reply(response, 200, representList(asked.resource, items, metadata, how));
  }

  private watch({ resource, namespace, name, query }: ApiRequest, how: Representation, call: Call, response: ServerResponse): void {
    const fields = query.get('fieldSelector') ?? undefined;
    const fits = selector(resource, query.get('labelSelector') ?? undefined, fields);
    const only = name ?? selectedName(resource, fields);
    const seconds = (numberOf(query, 'timeoutSeconds') ?? 0) || 1800 + Math.random() * 1800;
    const request = {
      resource: resource.plural,
      namespace,
      selects: (object: StoredObject) => (only === undefined || object.metadata.name === only) && fits(object),
      resourceVersion: versionOf(query),
      bookmarks: flag(query, 'allowWatchBookmarks'),
    };
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    response.flushHeaders();
    const write = ({ type, object }: WatchEvent): void => {
      const shown = type === 'ERROR' || type === 'BOOKMARK' ? object : represent(resource, object as StoredObject, how);
      response.write(`${JSON.stringify({ type, object: shown })}\n`);
      if (type === 'ERROR') response.end();
      else if (response.writableLength > watchBacklog) response.destroy();
    };
    let held: Promise<void> | undefined;
    const send = (event: WatchEvent): void => {
      held ??= this.faults.held(call);
      if (!held) return write(event);
      const turn = held.then(() => {
        write(event);
        if (held === turn) held = undefined;
      });
      held = turn;
    };
    const end = this.history.watch(request, send);
    const timeout = setTimeout(() => response.end(), seconds * 1000).unref();
    this.watches.set(response, resource.plural);
    response.on('close', () => {
      this.watches.delete(response);
      clearTimeout(timeout);
      end();
    });
  }

  private async log({ namespace = '', name = '', query }: ApiRequest, call: Call, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const options = {
      follow: flag(query, 'follow'),
      previous: flag(query, 'previous'),
      timestamps: flag(query, 'timestamps'),
      tailLines: numberOf(query, 'tailLines'),
      sinceSeconds: numberOf(query, 'sinceSeconds'),
      sinceTime: query.get('sinceTime') ?? undefined,
      limitBytes: numberOf(query, 'limitBytes'),
    };
    const lines = this.logs.open(namespace, name, query.get('container') ?? undefined, options, gone.signal);
    if (!lines) return void response.writeHead(204).end();
    response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' });
    response.flushHeaders();
    for await (const text of lines) {
      await this.faults.held(call);
      if (gone.signal.aborted) return;
      if (!response.write(text)) await drained(response);
    }
    response.end();
  }
}

/** It asks for no credentials, so a page in somebody's browser must not reach it, under its own name or by one that resolves to this machine. */
function refuseWebPages({ headers, socket }: IncomingMessage): void {
  const name = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  const isLocal = /^(::ffff:)?127\./.test(socket.localAddress ?? '') || socket.localAddress === '::1';
  const isOurs = !isLocal || name === 'localhost' || name === '::1' || /^127\./.test(name);
  if (headers.origin !== undefined || !isOurs) throw new ApiError(403, 'Forbidden', 'the sandbox does not answer to web pages');
}

/** Resolves when the client has read, or is gone. */
const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });

const isStored = (body: object): body is StoredObject => 'metadata' in body && 'uid' in (body.metadata as object);

function reply(response: ServerResponse, code: number, body: object): void {
  if (cutAtTheEnd.has(response)) return void response.destroy();
  const text = JSON.stringify(body);
  response.writeHead(code, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-cache, private',
  });
  response.end(text);
}

function replyText(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(text);
}

function unexpected(error: unknown): ApiError {
  process.emitWarning(error instanceof Error ? error : String(error));
  return new ApiError(500, 'InternalError', `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`);
}
