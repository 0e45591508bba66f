import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { removeChartRights } from './chart-rights.ts';
import globalTeardown from './global-teardown.ts';
import type { TestClusterSettings } from './test-cluster.ts';

export default async function clusterTeardown(): Promise<void> {
  // not what test-cluster has, which the set-up read before it set this
  const { KUBECONFIG, KEELSON_NAMESPACE } = JSON.parse(process.env.TEST_CLUSTER_SETTINGS ?? '{}') as TestClusterSettings;
  if (KEELSON_NAMESPACE !== undefined) await removeChartRights(KEELSON_NAMESPACE, process.env.TEST_KUBECONFIG ?? '');
  if (KUBECONFIG !== undefined) await rm(dirname(KUBECONFIG), { recursive: true });
  await globalTeardown();
}
