import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { removeChartRights } from './chart-rights.ts';
import globalTeardown from './global-teardown.ts';
import { clusterSettings } from './test-cluster.ts';

export default async function clusterTeardown(): Promise<void> {
  const { KUBECONFIG, KEELSON_NAMESPACE } = clusterSettings;
  if (KEELSON_NAMESPACE !== undefined) await removeChartRights(KEELSON_NAMESPACE, process.env.TEST_KUBECONFIG ?? '');
  if (KUBECONFIG !== undefined) await rm(dirname(KUBECONFIG), { recursive: true });
  await globalTeardown();
}
