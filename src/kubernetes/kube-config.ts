import { KubeConfig } from '@kubernetes/client-node';

/** Where the cluster is. */
export type ClusterAddress = { kubeconfig: string } | { serviceAccount: true } | { sandbox: string };

/** Reads the credentials of the cluster, with its connections pooled. */
export function kubeConfigFor(address: ClusterAddress): KubeConfig {
  const config = new KubeConfig();
  if ('kubeconfig' in address) config.loadFromFile(address.kubeconfig);
  else if ('serviceAccount' in address) config.loadFromCluster();
  else {
    config.loadFromOptions({
      // the client refuses a plain http server unless TLS is not to be verified
      clusters: [{ name: 'sandbox', server: address.sandbox, skipTLSVerify: true }],
      users: [{ name: 'sandbox' }],
      contexts: [{ name: 'sandbox', cluster: 'sandbox', user: 'sandbox' }],
      currentContext: 'sandbox',
    });
  }
  return pooled(config);
}

interface WithDispatcher {
  createDispatcher(cluster: { server?: string; proxyUrl?: string } | null, options: Record<string, unknown>): unknown;
}

/** The client makes a dispatcher, and so a TLS connection, for every request: keep one for each set of TLS options. */
function pooled(config: KubeConfig): KubeConfig {
  const self = config as unknown as WithDispatcher;
  const make = self.createDispatcher.bind(config);
  const dispatchers = new Map<string, unknown>();
  self.createDispatcher = (cluster, options) => {
    const tls = ['servername', 'rejectUnauthorized', 'ca', 'cert', 'key'].map((name) => options[name] ?? null);
    const key = JSON.stringify([cluster?.server, cluster?.proxyUrl, ...tls]);
    if (!dispatchers.has(key)) dispatchers.set(key, make(cluster, options));
    return dispatchers.get(key);
  };
  return config;
}
