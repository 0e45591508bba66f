import { ApiException, KubeConfig, KubernetesObjectApi, loadAllYaml, type KubernetesObject } from '@kubernetes/client-node';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { helm } from './helm.ts';
import { eventually } from './keelson-process.ts';

/** The rights that the chart gives Keelson, in a real cluster, under a name of their own. */
export interface ChartRights {
  /** The namespace that Keelson would be installed in, and the name of everything. */
  name: string;
  /** Of the chart's service account. */
  kubeconfig: string;
  /** As the chart sets them. */
  settings: { KEELSON_NAMESPACE: string; KEELSON_SERVICE_ACCOUNT: string; KEELSON_SECRETS_ROLE: string };
}

const RBAC = 'rbac.authorization.k8s.io';
const RIGHTS = ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'];

/**
 * Installs what the chart has of rights, and nothing else of it.
 * @param name begins with `keelson`, so that the chart gives it to all of them
 * @param kubeconfig of an administrator
 */
export async function installChartRights(name: string, kubeconfig: string): Promise<ChartRights> {
  const admin = administrator(kubeconfig);
  const values = { database: { existingSecret: 'none' }, rights: { certManager: false } };
  const { status, output, words } = helm(['template', name, 'helm', '--namespace', name], values);
  if (status !== 0) throw new Error(words);
  const objects = (loadAllYaml(output) as KubernetesObject[]).filter(({ kind }) => RIGHTS.includes(kind ?? ''));
  const clusterWide = objects.filter(({ kind }) => kind?.startsWith('Cluster'));
  const made: KubernetesObject[] = [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }];
  for (const object of objects) {
    if (object.metadata && !clusterWide.includes(object)) object.metadata.namespace = name;
    made.push(object);
  }
  const account = 'kubernetes.io/service-account';
  const token: KubernetesObject & { type: string } = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'token', namespace: name, annotations: { [`${account}.name`]: name } },
    type: `${account}-token`,
  };
  try {
    for (const object of [...made, token]) await admin.create(object);
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const cluster = config.getCurrentCluster();
    if (!cluster) throw new Error(`${kubeconfig} names no cluster`);
    const own = new KubeConfig();
    own.loadFromClusterAndUser(cluster, { name, token: await tokenOf(admin, name) });
    const path = join(await mkdtemp(join(tmpdir(), 'keelson-rights-')), 'kubeconfig');
    await writeFile(path, own.exportConfig(), { mode: 0o600 });
    return {
      name,
      kubeconfig: path,
      settings: { KEELSON_NAMESPACE: name, KEELSON_SERVICE_ACCOUNT: name, KEELSON_SECRETS_ROLE: secretsRole(name) },
    };
  } catch (error) {
    await removeChartRights(name, kubeconfig);
    throw error;
  }
}

/** @param kubeconfig of an administrator */
export async function removeChartRights(name: string, kubeconfig: string): Promise<void> {
  const admin = administrator(kubeconfig);
  const cluster = ['ClusterRoleBinding', 'ClusterRole'].map((kind) => ({ apiVersion: `${RBAC}/v1`, kind, metadata: { name } }));
  const secrets = { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name: secretsRole(name) } };
  for (const object of [...cluster, secrets, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }]) {
    await admin.delete(object).catch((error: unknown) => {
      if (!(error instanceof ApiException && error.code === 404)) throw error;
    });
  }
}

const secretsRole = (name: string): string => `${name}-app-secrets`;

function administrator(kubeconfig: string): KubernetesObjectApi {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return KubernetesObjectApi.makeApiClient(config);
}

/** What the cluster has put into the Secret `token`. */
function tokenOf(admin: KubernetesObjectApi, namespace: string): Promise<string> {
  return eventually(async () => {
    const { data } = (await admin.read({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'token', namespace } })) as {
      data?: { token?: string };
    };
    if (data?.token === undefined) throw new Error('the cluster has not made the token yet');
    return Buffer.from(data.token, 'base64').toString();
  });
}
