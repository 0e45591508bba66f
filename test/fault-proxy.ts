import { KubeConfig } from '@kubernetes/client-node';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What goes wrong with a call. */
export type Fault =
  /** The connection is dropped without an answer. */
  | { does: 'drop' }
  /** Nothing is answered. */
  | { does: 'hang' }
  /** Answered by the proxy: the API server never hears of it. */
  | { does: 'answer'; status: number; message?: string; reason?: string; retryAfter?: number }
  /** Carried out, and answered with an error all the same. */
  | { does: 'lose'; status: number }
  /** Carried out, and the connection dropped in the middle of the answer. */
  | { does: 'cut' }
  /** Passed on after a while. */
  | { does: 'delay'; milliseconds: number }
  /** A watch that ends after a while. */
  | { does: 'close'; milliseconds: number }
  /** A watch that is accepted, and tells nothing. */
  | { does: 'mute' }
  /** A watch that is accepted, and answered with one ERROR event. */
  | { does: 'expire' };

/** Which calls a fault meets. */
export interface Rule {
  fault: Fault;
  /** By default all of them. */
  methods?: readonly string[];
  /** Of path and query. */
  path?: RegExp;
  /** Watches alone, or all but them; by default both. */
  watches?: boolean;
  /** Whether it is so now. */
  when?: (call: Call) => boolean;
  /** How often, by itself for each method in each namespace and for each kind that is watched; by default without end. */
  times?: number;
}

/** A call that came. */
export interface Call {
  method: string;
  /** With its query. */
  path: string;
  watch: boolean;
  /** Monotonic, in milliseconds. */
  at: number;
  /** What it met, if anything. */
  fault?: Fault['does'];
  /** What the API server answered; undefined until then, and where it wasn't asked. */
  status?: number;
}

/** The API server with a line that goes bad when it is told to: plain HTTP towards Keelson, whatever the kubeconfig says behind. */
export class FaultProxy {
  /** All calls since the start. */
  readonly calls: Call[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly agent: http.Agent;
  private readonly server = this.listener();
  private rules: Rule[] = [];
  private met = new Map<string, number>();
  private folder = '';

  private constructor(
    private readonly target: URL,
    private readonly options: https.RequestOptions,
  ) {
    const { ca, cert, key, rejectUnauthorized } = options;
    this.agent =
      target.protocol === 'https:'
        ? new https.Agent({ keepAlive: true, ca, cert, key, rejectUnauthorized })
        : new http.Agent({ keepAlive: true });
  }

  static async start(kubeconfig: string): Promise<FaultProxy> {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const options: https.RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const proxy = new FaultProxy(new URL(config.getCurrentCluster()?.server ?? ''), options);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    proxy.folder = await mkdtemp(join(tmpdir(), 'keelson-proxy-'));
    return proxy;
  }

  /** Writes a kubeconfig that leads through the proxy. @returns its path */
  async kubeconfig(): Promise<string> {
    const path = join(this.folder, 'kubeconfig');
    const server = `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'proxy', cluster: { server, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'proxy', user: {} }],
      contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'proxy' } }],
      'current-context': 'proxy',
    };
    await writeFile(path, JSON.stringify(config));
    return path;
  }

  /** From now on calls meet these: each the first rule that fits. */
  inject(...rules: Rule[]): void {
    this.rules = rules;
    this.met = new Map();
  }

  /** Breaks every connection that stands, watches too. */
  disconnect(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.server.close();
    this.disconnect();
    this.agent.destroy();
    await rm(this.folder, { recursive: true });
  }

  private listener(): http.Server {
    const server = http.createServer((request, response) => {
      this.serve(request, response).catch(() => response.destroy());
    });
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    return server;
  }

  private async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call: Call = { method, path: url, watch: /[?&]watch=true/.test(url), at: performance.now() };
    const fault = this.meets(call);
    call.fault = fault?.does;
    this.calls.push(call);
    switch (fault?.does) {
      case 'drop':
        response.destroy();
        return;
      case 'hang':
        return;
      case 'answer':
        answer(response, fault);
        return;
      case 'mute':
        response.writeHead(200, { 'Content-Type': 'application/json' });
        response.flushHeaders();
        return;
      case 'expire':
        response.writeHead(200, { 'Content-Type': 'application/json' });
        response.end(`${JSON.stringify({ type: 'ERROR', object: status(410, 'too old resource version', 'Expired') })}\n`);
        return;
      case 'delay':
        await sleep(fault.milliseconds);
    }
    const passed = await this.pass(request, Buffer.concat(chunks), response);
    call.status = passed.statusCode;
    if (fault?.does === 'lose') {
      passed.resume();
      await once(passed, 'end');
      answer(response, { status: fault.status });
      return;
    }
    response.writeHead(passed.statusCode ?? 502, passed.headers);
    if (fault?.does === 'cut') {
      const [first] = (await once(passed, 'data')) as [Buffer];
      response.write(first.subarray(0, Math.floor(first.length / 2)), () => response.destroy());
      passed.destroy();
      return;
    }
    response.flushHeaders();
    response.on('close', () => passed.destroy());
    passed.on('close', () => response.destroy());
    passed.pipe(response);
    if (fault?.does === 'close') setTimeout(() => response.end(), fault.milliseconds);
  }

  private meets(call: Call): Fault | undefined {
    const fits = ({ methods, path, watches, when }: Rule): boolean =>
      (methods ?? [call.method]).includes(call.method) &&
      (path?.test(call.path) ?? true) &&
      (watches ?? call.watch) === call.watch &&
      (when?.(call) ?? true);
    const [path = ''] = call.path.split('?');
    const place = call.watch ? path : /\/namespaces\/([^/]+)/.exec(path)?.[1];
    for (const [index, rule] of this.rules.entries()) {
      if (!fits(rule)) continue;
      const key = `${String(index)} ${call.method} ${place ?? path}`;
      const before = this.met.get(key) ?? 0;
      if (before >= (rule.times ?? Infinity)) continue;
      this.met.set(key, before + 1);
      return rule.fault;
    }
    return undefined;
  }

  private async pass(request: http.IncomingMessage, body: Buffer, response: http.ServerResponse): Promise<http.IncomingMessage> {
    const { host: _, connection: __, ...headers } = request.headers;
    const module = this.target.protocol === 'https:' ? https : http;
    const passing = module.request(new URL(request.url ?? '/', this.target), {
      ...this.options,
      method: request.method,
      // a token is one of the headers
      headers: { ...headers, ...(this.options.headers as http.OutgoingHttpHeaders | undefined) },
      agent: this.agent,
    });
    response.on('close', () => {
      if (!response.writableFinished) passing.destroy();
    });
    passing.end(body);
    const [passed] = (await once(passing, 'response')) as [http.IncomingMessage];
    passing.on('error', () => passed.destroy());
    return passed;
  }
}

const status = (code: number, message: string, reason = ''): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message,
  reason,
  code,
});

function answer(
  response: http.ServerResponse,
  { status: code, message, reason, retryAfter }: { status: number; message?: string; reason?: string; retryAfter?: number },
): void {
  response.writeHead(code, {
    'Content-Type': 'application/json',
    ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
  });
  response.end(JSON.stringify(status(code, message ?? `the line says ${String(code)}`, reason)));
}
