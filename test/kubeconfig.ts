import { KubeConfig } from '@kubernetes/client-node';
import { writeFile } from 'node:fs/promises';

/** Host and port of the API server that a kubeconfig's current context names. */
export function serverOf(kubeconfig: string): { host: string; port: number } {
  const { hostname, port, protocol } = new URL(load(kubeconfig).getCurrentCluster()?.server ?? '');
  return { host: hostname, port: Number(port || (protocol === 'https:' ? '443' : '80')) };
}

/** Writes the same kubeconfig with its API server behind a port of this machine. @returns the path it wrote to */
export async function kubeconfigThrough(kubeconfig: string, port: number, path: string): Promise<string> {
  const config = load(kubeconfig);
  const server = new URL(config.getCurrentCluster()?.server ?? '');
  server.hostname = '127.0.0.1';
  server.port = String(port);
  const exported = JSON.parse(config.exportConfig()) as { clusters: { cluster: { server: string } }[] };
  for (const { cluster } of exported.clusters) cluster.server = server.href.replace(/\/$/, '');
  await writeFile(path, JSON.stringify(exported), { mode: 0o600 });
  return path;
}

function load(path: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(path);
  return config;
}
