import { KubeConfig } from '@kubernetes/client-node';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import { startSandbox } from '../../src/sandbox/sandbox.ts';

/**
 * The sandbox is held against the cluster that KUBECONFIG names: both get the same requests and have to answer alike. What is compared
 * is everything but what differs between any two clusters: identities, versions, times, addresses, hashes.
 */

export type Json = Record<string, unknown>;

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  body?: Json | Json[];
  type?: string;
  accept?: string;
}

export interface Answer {
  code: number | undefined;
  body: unknown;
}

export interface WatchEvent {
  type: string;
  object: Json & { metadata: Metadata };
}

export interface Metadata {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  ownerReferences?: { uid: string }[];
}

/** One of the two clusters, spoken to over plain HTTP. */
export class ClusterSide {
  constructor(
    readonly name: string,
    private readonly base: string,
    /** What it puts into each new namespace by itself. */
    private readonly furniture: string[],
    private readonly options: https.RequestOptions = {},
  ) {}

  /** The answer; JSON is parsed, anything else is text. */
  async send(call: Call): Promise<Answer> {
    const response = await this.open(call);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const isJson = response.headers['content-type']?.includes('json') ?? false;
    return { code: response.statusCode, body: isJson ? (JSON.parse(text) as unknown) : text };
  }

  /** The object of an answer that has to be a success. */
  async ask<T = Json & { metadata: Metadata }>(call: Call): Promise<T> {
    const { code, body } = await this.send(call);
    if (code === undefined || code >= 300)
      throw new Error(`${this.name}: ${call.method} ${call.path}: ${String(code)} ${JSON.stringify(body)}`);
    return body as T;
  }

  get<T = Json & { metadata: Metadata }>(path: string): Promise<T> {
    return this.ask<T>({ method: 'GET', path });
  }

  /** The response, with its body still to be read. */
  async open({ method, path, body, type, accept }: Call, signal?: AbortSignal): Promise<http.IncomingMessage> {
    const url = new URL(path, this.base);
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      'user-agent': 'fidelity',
      accept: accept ?? 'application/json',
      ...(text === undefined ? {} : { 'content-type': type ?? 'application/json', 'content-length': Buffer.byteLength(text) }),
    };
    const options = { ...this.options, method, headers, signal };
    const request = url.protocol === 'https:' ? https.request(url, options) : http.request(url, options);
    request.end(text);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    request.on('error', () => undefined); // the end of what is read comes by the response
    return response;
  }

  /** The events of a watch, until the signal or the server ends it. */
  async *watch(path: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const response = await this.open({ method: 'GET', path }, signal);
    try {
      let rest = '';
      for await (const chunk of response.setEncoding('utf8')) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line) yield JSON.parse(line) as WatchEvent;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** A new namespace with what the cluster puts there: pods can be made, and nothing more comes by itself. */
  async makeNamespace(name: string): Promise<void> {
    await this.ask({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name } } });
    for (const object of this.furniture)
      while ((await this.send({ method: 'GET', path: `/api/v1/namespaces/${name}/${object}` })).code !== 200) await pause(100);
  }

  async removeNamespace(name: string): Promise<void> {
    await this.send({ method: 'DELETE', path: `/api/v1/namespaces/${name}` });
  }
}

export interface ClusterSides {
  real: ClusterSide;
  sandbox: ClusterSide;
  both: [real: ClusterSide, sandbox: ClusterSide];
  /** Ends the sandbox; what was made in the real cluster has to be removed before. */
  stop(): Promise<void>;
}

export async function startSides(): Promise<ClusterSides> {
  const config = new KubeConfig();
  config.loadFromFile(process.env.TEST_KUBECONFIG ?? '');
  const options: https.RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const real = new ClusterSide(
    'the real cluster',
    config.getCurrentCluster()?.server ?? '',
    ['serviceaccounts/default', 'configmaps/kube-root-ca.crt'],
    options,
  );
  const running = await startSandbox({ port: 0 });
  const sandbox = new ClusterSide('the sandbox', running.url, ['serviceaccounts/default']);
  return { real, sandbox, both: [real, sandbox], stop: () => running.stop() };
}

/** A name that no other run has. */
export const newNamespace = (what: string): string => `fidelity-${what}-${Date.now().toString(36)}`;

const unstable = new Set([
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
  'time',
  'selfLink',
  'clusterIP',
  'clusterIPs',
  'description',
]);

/** The answer without what differs between any two clusters, and without the fields named in `ignore`. */
export function comparable(value: unknown, ignore: readonly string[] = []): unknown {
  if (Array.isArray(value)) return value.map((item) => comparable(item, ignore));
  if (typeof value === 'string') return value.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b10\.\d+\.\d+\.\d+\b|\b\d+s\b/g, '*');
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, field]) => !unstable.has(name) && !ignore.includes(name) && field !== null)
      .map(([name, field]) => [name, comparable(field, ignore)]),
  );
}
