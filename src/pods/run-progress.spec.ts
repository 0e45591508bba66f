import type { CachedPod, ContainerState } from '../kubernetes/cached-objects.ts';
import { runProgress, type RunProgress } from './run-progress.ts';

const pod = (phase: string, state?: ContainerState, facts: Partial<CachedPod> = {}): CachedPod => ({
  name: 'demo-run-a1b2c',
  namespace: 'demo',
  uid: 'u1',
  resourceVersion: '7',
  labels: { app: 'demo', type: 'run', version: 'v2' },
  owner: null,
  run: 'r1',
  created: '2026-01-01T00:00:00.000Z',
  deleted: null,
  started: null,
  phase,
  reason: null,
  message: null,
  node: 'node-1',
  conditions: [],
  containers: state ? [{ name: 'demo-run', ready: false, restartCount: 0, state }] : [],
  secrets: [],
  ...facts,
});
const waiting = (reason: string, message = '') => ({ waiting: { reason, message } });
const unschedulable = { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' }] };

it.each<[string, CachedPod, RunProgress]>([
  ['nothing is known of', pod('Pending'), { state: 'pending', trouble: null }],
  ['is being created', pod('Pending', waiting('ContainerCreating')), { state: 'pending', trouble: null }],
  ['no node takes', pod('Pending', undefined, unschedulable), { state: 'pending', trouble: '0/1 nodes' }],
  ['has no image', pod('Pending', waiting('ErrImagePull', 'not found')), { state: 'failed', text: 'ErrImagePull: not found' }],
  [
    'waits for a registry',
    pod('Pending', waiting('ErrImagePull', 'i/o timeout')),
    { state: 'pending', trouble: 'ErrImagePull: i/o timeout' },
  ],
  [
    'lacks a secret',
    pod('Pending', waiting('CreateContainerConfigError', 'secret "demo-v2-env" not found')),
    { state: 'failed', text: 'CreateContainerConfigError: secret "demo-v2-env" not found' },
  ],
  ['runs', pod('Running', { running: {} }), { state: 'running' }],
  ['ended well', pod('Succeeded', { terminated: { exitCode: 0 } }), { state: 'exited', exitCode: 0 }],
  ['ended badly', pod('Failed', { terminated: { exitCode: 3 } }), { state: 'exited', exitCode: 3 }],
  ['ended while the rest of its pod goes on', pod('Running', { terminated: { exitCode: 0 } }), { state: 'exited', exitCode: 0 }],
  [
    'has no shell',
    pod('Failed', { terminated: { exitCode: 128, reason: 'StartError', message: 'no /bin/sh' } }),
    { state: 'failed', text: 'cannot start: no /bin/sh' },
  ],
  ['was taken away', pod('Failed', undefined, { deleted: '2026-01-01T00:01:00Z' }), { state: 'running' }],
  [
    'was evicted',
    pod('Failed', undefined, { reason: 'Evicted', message: 'low on memory' }),
    { state: 'failed', text: 'Evicted: low on memory' },
  ],
])('a run whose pod %s', (_, given, expected) => {
  expect(runProgress(given, 'demo-run', [])).toEqual(expected);
});
