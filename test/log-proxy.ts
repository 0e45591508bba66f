import { KubeConfig } from '@kubernetes/client-node';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The way to a cluster, as plain HTTP, on which the logs that are followed can be counted and cut. */
export class LogProxy {
  private readonly followed = new Set<http.ServerResponse>();
  private readonly server = http.createServer((request, response) => {
    this.pass(request, response).catch(() => response.destroy());
  });

  private constructor(
    private readonly target: URL,
    private readonly options: https.RequestOptions,
    readonly kubeconfig: string,
  ) {}

  /** @param cluster a kubeconfig, or the URL of an API server that asks for no credentials */
  static async start(cluster: { kubeconfig: string } | { url: string }): Promise<LogProxy> {
    const config = new KubeConfig();
    if ('kubeconfig' in cluster) config.loadFromFile(cluster.kubeconfig);
    const options: https.RequestOptions = {};
    if ('kubeconfig' in cluster) await config.applyToHTTPSOptions(options);
    const target = new URL('url' in cluster ? cluster.url : (config.getCurrentCluster()?.server ?? ''));
    const folder = await mkdtemp(join(tmpdir(), 'keelson-log-proxy-'));
    const proxy = new LogProxy(target, options, join(folder, 'kubeconfig'));
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    const { port } = proxy.server.address() as AddressInfo;
    const written = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'proxy', cluster: { server: `http://127.0.0.1:${String(port)}`, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'proxy', user: {} }],
      contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'proxy' } }],
      'current-context': 'proxy',
    };
    await writeFile(proxy.kubeconfig, JSON.stringify(written));
    return proxy;
  }

  /** How many logs are being followed. */
  get following(): number {
    return this.followed.size;
  }

  /** Breaks the connections of all logs that are followed. @returns how many */
  cut(): number {
    const cut = this.followed.size;
    for (const response of this.followed) response.socket?.resetAndDestroy();
    return cut;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
    await rm(join(this.kubeconfig, '..'), { recursive: true });
  }

  private async pass(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { host: _, connection: __, ...headers } = request.headers;
    const passing = (this.target.protocol === 'https:' ? https : http).request(new URL(request.url ?? '/', this.target), {
      ...this.options,
      method: request.method,
      // a token is one of the headers
      headers: { ...headers, ...(this.options.headers as http.OutgoingHttpHeaders | undefined) },
      agent: false,
    });
    response.on('close', () => passing.destroy());
    request.pipe(passing);
    const [passed] = (await once(passing, 'response')) as [http.IncomingMessage];
    passing.on('error', () => passed.destroy());
    passed.on('error', () => response.destroy());
    response.writeHead(passed.statusCode ?? 502, passed.headers);
    response.flushHeaders();
    if (/\/log\?.*follow=true/.test(request.url ?? '') && passed.statusCode === 200) {
      this.followed.add(response);
      response.on('close', () => this.followed.delete(response));
    }
    passed.on('close', () => {
      if (!passed.complete) response.destroy();
    });
    passed.pipe(response);
  }
}
