import { kubeConfigFor } from '../kubernetes/kube-config.ts';
import type { Cluster } from '../kubernetes/cluster.ts';
import { ClusterMetrics } from '../kubernetes/cluster-metrics.ts';
import { KubernetesCluster } from '../kubernetes/kubernetes-cluster.ts';
import { Metrics } from '../metrics/metrics.ts';
import { Settings } from '../settings/settings.ts';

/** The cluster that the environment names. @param what it is needed for @throws {Error} in words where there is only the sandbox */
export function clusterFor(what: string): Cluster {
  const source = Settings.clusterOf(process.env);
  if (source.kind === 'sandbox') {
    throw new Error(`${what} needs a cluster: set KUBECONFIG, or run in a pod with a service account.`);
  }
  const address = source.kind === 'kubeconfig' ? { kubeconfig: source.path } : { serviceAccount: true as const };
  return new KubernetesCluster(kubeConfigFor(address), new ClusterMetrics(new Metrics()));
}
