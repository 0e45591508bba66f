import { randomBytes } from 'node:crypto';
import { installChartRights } from './chart-rights.ts';
import globalSetup from './global-setup.ts';

/** Before suites on a real cluster: what Keelson does there, it does with the rights that the chart gives it. */
export default async function clusterSetup(): Promise<void> {
  await globalSetup();
  const { kubeconfig, settings } = await installChartRights(
    `keelson-test-${randomBytes(3).toString('hex')}`,
    process.env.TEST_KUBECONFIG ?? '',
  );
  process.env.TEST_CLUSTER_SETTINGS = JSON.stringify({ KUBECONFIG: kubeconfig, ...settings });
}
