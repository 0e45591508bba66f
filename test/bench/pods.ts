import { readFile } from 'node:fs/promises';
import { APP_UUID, appLabels } from '../../src/kubernetes/labels.ts';
import type { SandboxProcess } from '../sandbox-process.ts';

/** Calls at a time. */
const PARALLEL = 16;

/** An app whose pods are made up. */
export interface PodOwner {
  uuid: string;
  id: string;
}

/**
 * Makes up pods that run, on a node that nobody has, so that nothing but the watch has to do with them. Their namespaces are made where
 * they are missing.
 * @param installation id of the installation that the apps are of; @param each how many pods each app gets
 */
export async function makePods(
  { kubeconfig }: SandboxProcess,
  apps: readonly PodOwner[],
  installation: string,
  each: number,
): Promise<void> {
  const { clusters } = JSON.parse(await readFile(kubeconfig, 'utf8')) as { clusters: [{ cluster: { server: string } }] };
  const { server } = clusters[0].cluster;
  const send = async (method: string, path: string, body: object, good: readonly number[]): Promise<void> => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const response = await fetch(server + path, { method, headers: { 'Content-Type': type }, body: JSON.stringify(body) });
    const text = await response.text();
    if (!good.includes(response.status)) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
  };
  const left = [...apps];
  const work = async (): Promise<void> => {
    for (let app = left.pop(); app; app = left.pop()) {
      const { id, uuid } = app;
      const labels = appLabels({ id, installation });
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: id, labels, annotations: { [APP_UUID]: uuid } } };
      await send('POST', '/api/v1/namespaces', namespace, [201, 409]);
      for (let n = 0; n < each; n++) {
        const name = `${id}-web-5d8f7c9b6d-${String(n).padStart(5, 'x')}`;
        const pods = `/api/v1/namespaces/${id}/pods`;
        await send('POST', pods, podOf(name, { ...labels, type: 'web', version: 'v10' }), [201]);
        await send('PATCH', `${pods}/${name}/status`, { status: runningStatus() }, [200]);
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}

/** As large as such a pod is: what a cache doesn't keep of it would tell. */
function podOf(name: string, labels: Record<string, string>): object {
  const env = Array.from({ length: 20 }, (_, index) => ({ name: `VARIABLE_${index}`, value: `value of the variable ${index}` }));
  const probe = { httpGet: { path: '/healthz', port: 5000 }, initialDelaySeconds: 5, timeoutSeconds: 5 };
  const resources = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '500m', memory: '128Mi' } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: {
      nodeName: 'a-node-of-the-benchmark',
      containers: [{ name: `${name}-web`, image: 'local/web:1', env, livenessProbe: probe, readinessProbe: probe, resources }],
    },
  };
}

function runningStatus(): object {
  const at = '2026-01-15T09:30:00Z';
  return {
    phase: 'Running',
    startTime: at,
    podIP: '10.1.2.3',
    conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: at,
    })),
    containerStatuses: [
      {
        name: 'web',
        ready: true,
        started: true,
        restartCount: 0,
        image: 'local/web:1',
        imageID: 'local/web:1',
        state: { running: { startedAt: at } },
      },
    ],
  };
}
