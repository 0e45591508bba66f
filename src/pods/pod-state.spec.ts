import type { CachedPod, ContainerState } from '../kubernetes/cached-objects.ts';
import type { CachedEvent } from '../kubernetes/cluster-cache.ts';
import { podState } from './pod-state.ts';

const pod = (facts: Partial<CachedPod>): CachedPod => ({
  name: 'demo-web-6f7d9c5b4-x2x9k',
  namespace: 'demo',
  uid: 'u1',
  resourceVersion: '7',
  labels: { app: 'demo', type: 'web', version: 'v2' },
  owner: 'rs',
  run: null,
  created: '2026-01-01T00:00:00.000Z',
  deleted: null,
  started: '2026-01-01T00:00:00.000Z',
  phase: 'Running',
  reason: null,
  message: null,
  node: 'node-1',
  conditions: [],
  containers: [],
  secrets: [],
  ...facts,
});

const container = (state: ContainerState, ready = false, name = 'demo-web') => ({ name, ready, restartCount: 0, state });
const running = { running: { startedAt: '2026-01-01T00:00:00Z' } };
const event = (reason: string, last: string, uid = 'u1'): CachedEvent => ({
  type: 'Normal',
  reason,
  message: '',
  kind: 'Pod',
  name: 'demo-web-6f7d9c5b4-x2x9k',
  uid,
  last,
});
const deleted = '2026-01-01T00:00:30.000Z';

it.each<[string, string, Partial<CachedPod>, CachedEvent[]]>([
  ['pending without a container status', 'initializing', { phase: 'Pending' }, [event('Scheduled', '1')]],
  ['pending, its container not waiting', 'initializing', { phase: 'Pending', containers: [container(running)] }, []],
  [
    'pending, only another container waiting',
    'initializing',
    { phase: 'Pending', containers: [container({ waiting: { reason: 'X' } }, false, 'sidecar')] },
    [],
  ],
  ['creating without events', 'creating', { phase: 'Pending', containers: [container({ waiting: { reason: 'ContainerCreating' } })] }, []],
  [
    'creating with events',
    'Pulling',
    { phase: 'Pending', containers: [container({ waiting: { reason: 'ContainerCreating' } })] },
    [event('Scheduled', '2026-01-01T00:00:01Z'), event('Pulling', '2026-01-01T00:00:02Z'), event('Killing', '2026-01-01T00:00:09Z', 'u2')],
  ],
  [
    'creating with the events of others',
    'creating',
    { phase: 'Pending', containers: [container({ waiting: { reason: 'ContainerCreating' } })] },
    [event('Pulling', '1', 'u2')],
  ],
  [
    'of the literal phase ContainerCreating',
    'creating',
    { phase: 'ContainerCreating', containers: [container({ waiting: { reason: 'ContainerCreating' } })] },
    [],
  ],
  ['whose image is not there', 'ErrImagePull', { phase: 'Pending', containers: [container({ waiting: { reason: 'ErrImagePull' } })] }, []],
  [
    'that backs off from pulling',
    'ImagePullBackOff',
    { phase: 'Pending', containers: [container({ waiting: { reason: 'ImagePullBackOff' } })] },
    [],
  ],
  ['that is ready', 'up', { containers: [container(running, true)] }, []],
  ['that runs and is not ready', 'starting', { containers: [container(running)] }, []],
  ['ready and being deleted', 'terminating', { deleted, containers: [container(running, true)] }, []],
  ['no longer ready and being deleted', 'terminating', { deleted, containers: [container(running)] }, []],
  ['whose container ended', 'terminating', { containers: [container({ terminated: { exitCode: 1 } })] }, []],
  ['that crashes again and again', 'crashed', { containers: [container({ waiting: { reason: 'CrashLoopBackOff' } })] }, []],
  ['waiting for something else', 'error', { containers: [container({ waiting: { reason: 'CreateContainerError' } })] }, []],
  ['without the container', 'error', { containers: [container(running, true, 'sidecar')] }, []],
  ['that succeeded', 'down', { phase: 'Succeeded', containers: [container({ terminated: { exitCode: 0 } })] }, []],
  ['that failed', 'crashed', { phase: 'Failed', containers: [container({ terminated: { exitCode: 1 } })] }, []],
  ['that nobody knows of', 'error', { phase: 'Unknown' }, []],
])('a pod %s is %s', (_, state, facts, events) => {
  expect(podState(pod(facts), 'demo-web', events)).toBe(state);
});
