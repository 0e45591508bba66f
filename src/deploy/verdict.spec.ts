import type { CachedNode, CachedPod, CachedReplicaSet, ContainerStatus } from '../kubernetes/cached-objects.ts';
import type { CachedEvent } from '../kubernetes/cluster-cache.ts';
import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { classOfRefusal } from './cause.ts';
import { deadline, verdict, type RolloutView } from './verdict.ts';

const NOW = Date.parse('2026-01-01T00:01:00Z');

const deployment = (status: object, replicas = 1): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'demo-web', uid: 'd', generation: 2, annotations: { 'deployment.kubernetes.io/revision': '2' } },
  spec: { replicas },
  status: { observedGeneration: 2, ...status },
});

const replicaSet = (fields: Partial<CachedReplicaSet> = {}): CachedReplicaSet => ({
  name: 'demo-web-new',
  namespace: 'demo',
  uid: 'rs-new',
  labels: {},
  owner: 'd',
  revision: 2,
  replicas: 1,
  conditions: [],
  created: '2026-01-01T00:00:00.000Z',
  secrets: [],
  ...fields,
});

const pod = (fields: Partial<CachedPod> = {}): CachedPod => ({
  name: 'demo-web-new-abcde',
  namespace: 'demo',
  uid: 'p',
  resourceVersion: '1',
  labels: {},
  owner: 'rs-new',
  run: null,
  created: '2026-01-01T00:00:00.000Z',
  deleted: null,
  started: null,
  phase: 'Running',
  reason: null,
  message: null,
  node: 'node1',
  conditions: [],
  containers: [],
  secrets: [],
  ...fields,
});

const container = (fields: Partial<ContainerStatus>): ContainerStatus => ({ name: 'demo-web', ready: false, restartCount: 0, ...fields });

const waiting = (reason: string, message: string): CachedPod =>
  pod({ phase: 'Pending', containers: [container({ state: { waiting: { reason, message } } })] });

/** The kubelet backs off; it counts a restart only as it restarts. */
const ended = (ends: number, exitCode: number, reason = 'Error'): CachedPod =>
  pod({
    containers: [
      container({
        restartCount: ends - 1,
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { exitCode, reason } },
      }),
    ],
  });

const event = (reason: string, message: string): CachedEvent => ({
  type: 'Warning',
  reason,
  message,
  kind: 'Pod',
  name: 'demo-web-new-abcde',
  uid: 'p',
  last: '2026-01-01T00:00:30.000Z',
});

const view = (fields: Partial<RolloutView>): RolloutView => ({
  deployment: deployment({ replicas: 2, updatedReplicas: 1, availableReplicas: 1 }),
  generation: 2,
  replicaSets: [replicaSet()],
  pods: [],
  events: [],
  nodes: [],
  now: NOW,
  since: Date.parse('2026-01-01T00:00:00Z'),
  endedBefore: new Map(),
  ...fields,
});

describe('whether a roll-out is done', () => {
  const up = deployment({ replicas: 1, updatedReplicas: 1, availableReplicas: 1 });
  const ready = pod({ conditions: [{ type: 'Ready', status: 'True' }] });
  const leaving = pod({ uid: 'l', deleted: '2026-01-01T00:02:00.000Z' });

  it.each<[string, Partial<RolloutView>, string]>([
    ['not while the watch has no Deployment', { deployment: undefined }, 'progressing'],
    [
      'not while the watch shows an older generation',
      { generation: 3, deployment: deployment({ replicas: 1, updatedReplicas: 1, availableReplicas: 1 }) },
      'progressing',
    ],
    [
      'not before the controller has seen it',
      { deployment: deployment({ observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 }) },
      'progressing',
    ],
    ['not while an old pod is left', { deployment: deployment({ replicas: 2, updatedReplicas: 1, availableReplicas: 2 }) }, 'progressing'],
    ['when updated = available = total = desired', { deployment: up, pods: [ready] }, 'done'],
    ['not before its pod is seen', { deployment: up }, 'progressing'],
    ['not before its pod is seen ready', { deployment: up, pods: [pod()] }, 'progressing'],
    ['not before its ReplicaSet is seen', { deployment: up, pods: [ready], replicaSets: [] }, 'progressing'],
    ['not before the other pod is seen to leave', { deployment: up, pods: [ready, pod({ uid: 'q', owner: 'rs-new' })] }, 'progressing'],
    ['whatever leaves or has ended', { deployment: up, pods: [ready, leaving, pod({ uid: 'q', phase: 'Failed' })] }, 'done'],
    ['with nothing to run', { deployment: deployment({}, 0) }, 'done'],
    ['with nothing to run, not before its pods are seen to leave', { deployment: deployment({}, 0), pods: [ready] }, 'progressing'],
    ['with nothing to run, while its pods leave', { deployment: deployment({}, 0), pods: [leaving] }, 'done'],
  ])('%s', (_, fields, state) => {
    expect(verdict(view(fields)).state).toBe(state);
  });
});

describe('what fails at once', () => {
  it.each<[string, Partial<RolloutView>, string, RegExp]>([
    [
      'an image that is not found',
      { pods: [waiting('ErrImagePull', 'rpc error: failed to resolve: not found')] },
      'image',
      /^ErrImagePull: .*not found/,
    ],
    [
      'an image that is not found, while the kubelet backs off',
      {
        pods: [waiting('ImagePullBackOff', 'Back-off pulling image "x"')],
        events: [
          event('Failed', 'Error: ImagePullBackOff'),
          event('Failed', 'Failed to pull image "x": rpc error: code = NotFound: not found'),
        ],
      },
      'image',
      /^ErrImagePull: rpc error.*not found$/,
    ],
    ['an image that is denied', { pods: [waiting('ImagePullBackOff', 'pull access denied')] }, 'image', /denied/],
    ['an invalid image name', { pods: [waiting('InvalidImageName', 'invalid reference format')] }, 'image', /^InvalidImageName/],
    ['a process that ended twice', { pods: [ended(2, 3)] }, 'crash', /exited with code 3 \(2 times\)/],
    ['out of memory twice', { pods: [ended(2, 137, 'OOMKilled')] }, 'out-of-memory', /out of memory/],
    [
      'a process that its liveness probe killed twice',
      {
        pods: [ended(2, 137)],
        events: [
          event('Unhealthy', 'Readiness probe failed: not yet'),
          event('Unhealthy', 'Liveness probe failed: HTTP probe failed with statuscode: 404'),
          event('Killing', 'Container demo-web failed liveness probe, will be restarted'),
        ],
      },
      'probe',
      /^process was stopped with exit code 137: Liveness probe failed: HTTP probe failed with statuscode: 404 \(2 times\)$/,
    ],
    [
      'a missing secret',
      { pods: [waiting('CreateContainerConfigError', 'secret "x" not found')] },
      'missing-object',
      /secret "x" not found/,
    ],
    [
      'no pod at all for five seconds, over quota',
      {
        replicaSets: [
          replicaSet({
            conditions: [
              {
                type: 'ReplicaFailure',
                status: 'True',
                reason: 'FailedCreate',
                message: 'pods "x" is forbidden: exceeded quota: q',
                lastTransitionTime: '2026-01-01T00:00:50Z',
              },
            ],
          }),
        ],
      },
      'quota',
      /exceeded quota/,
    ],
    [
      'no pod at all for five seconds, beyond a limit range',
      {
        replicaSets: [
          replicaSet({
            conditions: [
              {
                type: 'ReplicaFailure',
                status: 'True',
                reason: 'FailedCreate',
                message: 'pods "x" is forbidden: maximum memory usage per Container is 64Mi, but limit is 128Mi',
                lastTransitionTime: '2026-01-01T00:00:50Z',
              },
            ],
          }),
        ],
      },
      'limit-range',
      /maximum memory usage/,
    ],
  ])('%s', (_, fields, cause, message) => {
    const result = verdict(view(fields));
    expect(result).toMatchObject({ state: 'failed', trouble: { class: cause } });
    expect(result.state === 'failed' && result.trouble.message).toMatch(message);
  });
});

describe('what is shown, and fails at the deadline only', () => {
  it.each<[string, Partial<RolloutView>, string | null]>([
    ['a pull error of another kind', { pods: [waiting('ErrImagePull', 'dial tcp: i/o timeout')] }, 'image'],
    ['a process that ended once', { pods: [ended(1, 1)] }, 'crash'],
    [
      'a pod that no node takes',
      {
        pods: [
          pod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' }] }),
        ],
      },
      'unschedulable',
    ],
    [
      'a failing probe',
      {
        pods: [pod({ containers: [container({ state: { running: { startedAt: '2026-01-01T00:00:50Z' } } })] })],
        events: [event('Unhealthy', 'Readiness probe failed')],
      },
      'probe',
    ],
    [
      'a probe that fails while the process is only starting: nothing yet',
      {
        pods: [pod({ containers: [container({ state: { running: { startedAt: '2026-01-01T00:00:58Z' } } })] })],
        events: [event('Unhealthy', 'Readiness probe failed')],
      },
      null,
    ],
    ['an evicted pod: nothing of the app', { pods: [pod({ phase: 'Failed', reason: 'Evicted', containers: [] })] }, null],
    ['what becomes of pods of the old ReplicaSet', { pods: [pod(), { ...ended(5, 1), owner: 'rs-old' }] }, null],
    ['what becomes of pods that are going', { pods: [pod(), { ...ended(5, 1), deleted: '2026-01-01T00:00:10Z' }] }, null],
    [
      'a quota that hit only just now',
      {
        replicaSets: [
          replicaSet({
            conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota', lastTransitionTime: '2026-01-01T00:00:58Z' }],
          }),
        ],
      },
      'quota',
    ],
    ...[
      'No API token found for service account "default", retry after the token is automatically created and added to the service account',
      'pods "x" is forbidden: error looking up service account app/default: serviceaccount "default" not found',
      'pods "x" is forbidden: status unknown for quota: q, resources: pods',
      'pods "x" is forbidden: not yet ready to handle request',
      'Internal error occurred: failed calling webhook "mutate.example.com": connection refused',
    ].map((message): [string, Partial<RolloutView>, string | null] => [
      `a cluster that can't make pods yet: ${message}`,
      {
        replicaSets: [
          replicaSet({ conditions: [{ type: 'ReplicaFailure', status: 'True', message, lastTransitionTime: '2026-01-01T00:00:10Z' }] }),
        ],
      },
      classOfRefusal(message),
    ]),
  ])('%s', (_, fields, cause) => {
    const result = verdict(view(fields));
    expect(result.state).toBe('progressing');
    expect(result.state === 'progressing' ? (result.trouble?.class ?? null) : undefined).toBe(cause);
  });
});

describe('the clock of the deadline', () => {
  const node = (ready: boolean, since: string): CachedNode => ({ name: 'node1', labels: {}, ready, since });
  const away = node(false, '2026-01-01T00:00:40Z');
  const unfit = (message: string): CachedPod =>
    pod({ phase: 'Pending', node: null, conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] });
  const notReady = '0/1 nodes are available: 1 node(s) had taint {node.kubernetes.io/not-ready: }.';

  it.each<[string, Partial<RolloutView>]>([
    ['a pod waits on a node that is not ready', { pods: [pod()], nodes: [away] }],
    ['its process ended once on such a node', { pods: [ended(1, 1)], nodes: [away] }],
    ['no node fits because one is not ready', { pods: [unfit(notReady)], nodes: [away] }],
    ['no node fits because one is short of memory', { pods: [unfit('1 node(s) had taint {node.kubernetes.io/memory-pressure: }')] }],
    ['one of its pods was evicted just now', { events: [event('Evicted', 'The node was low on resource: memory.')] }],
  ])('stands still while %s', (_, fields) => {
    expect(verdict(view(fields))).toMatchObject({ state: 'progressing', still: 'node', trouble: { class: 'node' } });
  });

  const behind = { replicas: 2, updatedReplicas: 1, availableReplicas: 1 };
  const readySince = (lastTransitionTime: string): CachedPod =>
    pod({
      conditions: [
        { type: 'PodScheduled', status: 'True' },
        { type: 'Ready', status: 'True', lastTransitionTime },
      ],
    });
  const patient = deployment(behind);
  patient.spec = { replicas: 1, minReadySeconds: 30 };

  it.each<[string, Partial<RolloutView>]>([
    ['no controller has seen the change', { deployment: deployment({ ...behind, observedGeneration: 1 }) }],
    ['no controller creates the pods', { pods: [] }],
    ['no controller creates the last of the pods', { replicaSets: [replicaSet({ replicas: 2 })], pods: [pod()] }],
    ['no scheduler has looked at a pod', { pods: [pod({ phase: 'Pending', node: null })] }],
    ['no controller has counted the pod that is ready', { pods: [readySince('2026-01-01T00:00:59Z')] }],
    [
      'no controller has counted the pod that was ready for long enough',
      { deployment: patient, pods: [readySince('2026-01-01T00:00:30Z')] },
    ],
    ['no controller goes on with the next batch', { deployment: deployment(behind, 3), pods: [readySince('2026-01-01T00:00:59Z')] }],
  ])('stands still while %s', (_, fields) => {
    expect(verdict(view(fields))).toMatchObject({ state: 'progressing', still: 'control-plane', trouble: { class: 'unreachable' } });
  });

  it.each<[string, Partial<RolloutView>]>([
    ['a pod waits on a node that is ready', { pods: [pod()], nodes: [node(true, '2026-01-01T00:00:40Z')] }],
    ['another node is not ready', { pods: [pod({ node: 'node2' })], nodes: [away] }],
    ['a pod is ready on a node that is not', { pods: [pod({ conditions: [{ type: 'Ready', status: 'True' }] })], nodes: [away] }],
    ['a node has been away for a day', { pods: [pod()], nodes: [node(false, '2025-12-31T00:00:00Z')] }],
    ['no node is large enough', { pods: [unfit('0/1 nodes are available: 1 Insufficient cpu.')], nodes: [away] }],
    ['the only node away has been so for a day', { pods: [unfit(notReady)], nodes: [node(false, '2025-12-31T00:00:00Z')] }],
    [
      'a pod was evicted a while ago',
      { pods: [pod()], events: [{ ...event('Evicted', 'The node was low on resource: memory.'), last: '2025-12-31T23:59:59Z' }] },
    ],
    ['a pod has yet to be ready for long enough', { deployment: patient, pods: [readySince('2026-01-01T00:00:31Z')] }],
    [
      'one of two pods is ready',
      { replicaSets: [replicaSet({ replicas: 2 })], pods: [readySince('2026-01-01T00:00:30Z'), pod({ uid: 'q' })] },
    ],
    ['nothing but old pods is ready', { pods: [pod(), { ...readySince('2026-01-01T00:00:30Z'), uid: 'q', owner: 'rs-old' }] }],
    ['the watch has no Deployment', { deployment: undefined }],
    ['the watch shows an older generation', { generation: 3 }],
    ['the pods are to end', { deployment: deployment({ replicas: 1, updatedReplicas: 1 }, 0) }],
    [
      'a pod of another ReplicaSet was evicted',
      { pods: [pod()], events: [{ ...event('Evicted', 'low on memory'), name: 'demo-web-old-abcde' }] },
    ],
  ])('runs on while %s', (_, fields) => {
    const result = verdict(view(fields));
    expect(result.state === 'progressing' && result.still).toBeUndefined();
  });

  it('is of no use to what fails at once', () => {
    expect(verdict(view({ pods: [ended(2, 1)], nodes: [away] })).state).toBe('failed');
  });
});

it('judges the ReplicaSet of the roll-out only', () => {
  const old = replicaSet({ uid: 'rs-old', revision: 1 });
  const sets = [old, replicaSet(), replicaSet({ uid: 'other', owner: 'x', revision: 9 })];
  expect(verdict(view({ replicaSets: sets, pods: [{ ...ended(2, 1), owner: 'other' }] })).state).toBe('progressing');
  expect(verdict(view({ replicaSets: sets, pods: [ended(2, 1)] })).state).toBe('failed');
  // the new one has not been seen yet: what the old one's pods do says nothing
  expect(verdict(view({ replicaSets: [old], pods: [{ ...ended(5, 1), owner: 'rs-old' }] })).state).toBe('progressing');
});

it('counts the ends of a process from the beginning of the wait only', () => {
  const endedBefore = new Map([['p/demo-web', 7]]);
  expect(verdict(view({ pods: [ended(7, 1)], endedBefore })).state).toBe('progressing');
  expect(verdict(view({ pods: [ended(9, 1)], endedBefore })).state).toBe('failed');
});

it('lets a process that crashes be scaled to 0', () => {
  const scaled = deployment({ replicas: 1, updatedReplicas: 1 }, 0);
  expect(verdict(view({ deployment: scaled, pods: [ended(7, 1)] })).state).toBe('progressing');
});

it.each([
  [{ timeout: 120, replicas: 1, steps: 1, probeDelays: [], minReady: 0 }, 120],
  [{ timeout: 120, replicas: 1, steps: 1, probeDelays: [0, 30], minReady: 0 }, 150],
  [{ timeout: 120, replicas: 1, steps: 1, probeDelays: [undefined], minReady: 0 }, 170],
  [{ timeout: 120, replicas: 5, steps: 2, probeDelays: [], minReady: 0 }, 360],
  [{ timeout: 120, replicas: 1, steps: 3, probeDelays: [], minReady: 0 }, 120],
  [{ timeout: 120, replicas: 0, steps: 1, probeDelays: [], minReady: 0 }, 120],
  [{ timeout: 120, replicas: 5, steps: 2, probeDelays: [], minReady: 3 }, 369],
])('the deadline of %j is %d seconds', (input, seconds) => {
  expect(deadline(input)).toBe(seconds);
});
