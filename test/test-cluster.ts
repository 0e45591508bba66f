import { KubeConfig } from '@kubernetes/client-node';
import type { INestApplicationContext } from '@nestjs/common';
import { Cluster } from '../src/kubernetes/cluster.ts';
import { ClusterMetrics } from '../src/kubernetes/cluster-metrics.ts';
import { kubeConfigFor } from '../src/kubernetes/kube-config.ts';
import { KubernetesCluster } from '../src/kubernetes/kubernetes-cluster.ts';
import { Metrics } from '../src/metrics/metrics.ts';

/**
 * The real cluster that suites run on, where they do: TEST_KUBECONFIG is its administrator's, for what they look at and what others do there.
 * Keelson itself has the rights that the chart gives, and no others (test/cluster-setup.ts).
 */
export const realCluster = process.env.TEST_KUBECONFIG;

/** Settings of a Keelson on the real cluster; none beside a sandbox. */
export interface TestClusterSettings {
  KUBECONFIG?: string;
  KEELSON_NAMESPACE?: string;
  KEELSON_SERVICE_ACCOUNT?: string;
  KEELSON_SECRETS_ROLE?: string;
}
export const clusterSettings = JSON.parse(process.env.TEST_CLUSTER_SETTINGS ?? '{}') as TestClusterSettings;

/** The kubeconfig of a Keelson on the real cluster; undefined: it has a sandbox. */
export const ownKubeconfig = clusterSettings.KUBECONFIG;

let administrators: Cluster | undefined;

/** A Keelson's cluster, with the rights of an administrator. */
export function clusterOf(keelson: { app: INestApplicationContext }): Cluster {
  if (realCluster === undefined) return keelson.app.get(Cluster);
  administrators ??= new KubernetesCluster(kubeConfigOf(keelson), new ClusterMetrics(new Metrics()));
  return administrators;
}

/** Where that is, for clients of one's own. */
export function kubeConfigOf(keelson: { app: INestApplicationContext }): KubeConfig {
  return realCluster === undefined ? keelson.app.get(KubeConfig) : kubeConfigFor({ kubeconfig: realCluster });
}
