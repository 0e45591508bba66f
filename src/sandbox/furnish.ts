import type { Store } from './store.ts';
import { timestamp } from './stored-object.ts';

/** What a cluster has before anybody asks: its own namespaces, and nodes that are ready. */
export function furnish(store: Store, nodes: number): void {
  for (const name of ['default', 'kube-node-lease', 'kube-public', 'kube-system']) store.create('namespaces', { metadata: { name } });
  for (let number = 1; number <= nodes; number += 1) addNode(store, `sandbox-node-${number}`);
}

function addNode(store: Store, name: string): void {
  const now = timestamp();
  const resources = { cpu: '8', memory: '32Gi', pods: '110', 'ephemeral-storage': '100Gi' };
  const node = {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' } },
    spec: {},
    status: {
      capacity: resources,
      allocatable: resources,
      addresses: [
        { type: 'InternalIP', address: '127.0.0.1' },
        { type: 'Hostname', address: name },
      ],
      conditions: [
        condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available', now),
        condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure', now),
        condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available', now),
        condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status', now),
      ],
      nodeInfo: {
        architecture: 'amd64',
        bootID: 'sandbox',
        containerRuntimeVersion: 'sandbox://1',
        kernelVersion: 'sandbox',
        kubeProxyVersion: 'v1.20.2+sandbox',
        kubeletVersion: 'v1.20.2+sandbox',
        machineID: 'sandbox',
        operatingSystem: 'linux',
        osImage: 'Keelson sandbox',
        systemUUID: 'sandbox',
      },
    },
  };
  store.create('nodes', node);
}

const condition = (type: string, status: string, reason: string, message: string, now: string): object => ({
  type,
  status,
  reason,
  message,
  lastHeartbeatTime: now,
  lastTransitionTime: now,
});
