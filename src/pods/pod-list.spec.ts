import type { CachedPod } from '../kubernetes/cached-objects.ts';
import { typeLabel } from '../kubernetes/names.ts';
import { podList, type PodContext } from './pod-list.ts';

const longType = `${'z'.repeat(70)}1`;
const context: PodContext = { app: 'demo', types: ['web', 'worker', longType], events: [], now: new Date('2026-01-01T00:10:00Z') };

const pod = (name: string, facts: Partial<CachedPod> = {}): CachedPod => ({
  name,
  namespace: 'demo',
  uid: `uid of ${name}`,
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
  containers: [{ name: `demo-${facts.labels?.type ?? 'web'}`, ready: true, restartCount: 0, state: {} }],
  secrets: [],
  ...facts,
});
const names = (pods: CachedPod[], selection = {}) => podList(pods, context, selection).map(({ name }) => name);

it('a pod is shown with type, release, state and start', () => {
  expect(podList([pod('demo-web-6f7d9c5b4-x2x9k')], context)).toEqual([
    {
      name: 'demo-web-6f7d9c5b4-x2x9k',
      uid: 'uid of demo-web-6f7d9c5b4-x2x9k',
      type: 'web',
      release: 'v2',
      state: 'up',
      started: new Date('2026-01-01T00:00:00Z'),
    },
  ]);
});

it('the newest pod is first, one that has not started before all, then by name', () => {
  const pods = [
    pod('b'),
    pod('a'),
    pod('newest', { started: '2026-01-01T00:05:00Z' }),
    pod('waiting', { started: null }),
    pod('later', { started: '2026-01-01T00:00:00.500Z' }),
  ];
  expect(names(pods)).toEqual(['waiting', 'newest', 'later', 'a', 'b']);
});

it('runs, pods that ended and pods overdue to be gone are hidden; other releases and crash loops are not', () => {
  const pods = [
    pod('run', { labels: { type: 'run', version: 'v2' } }),
    pod('succeeded', { phase: 'Succeeded' }),
    pod('failed', { phase: 'Failed' }),
    pod('overdue', { deleted: '2026-01-01T00:10:00.000Z' }),
    pod('leaving', { deleted: '2026-01-01T00:10:00.001Z' }),
    pod('older', { labels: { type: 'web', version: 'v1' } }),
    pod('loops', { containers: [{ name: 'demo-web', ready: false, restartCount: 3, state: { waiting: { reason: 'CrashLoopBackOff' } } }] }),
  ];
  expect(podList(pods, context).map(({ name, state }) => [name, state])).toEqual([
    ['leaving', 'terminating'],
    ['loops', 'crashed'],
    ['older', 'up'],
  ]);
});

it('a type is told in full though its label is cut', () => {
  const label = typeLabel(longType);
  const [shown] = podList([pod('long', { labels: { type: label } }), pod('web')], context, { type: longType });
  expect(label).not.toBe(longType);
  expect(shown).toMatchObject({ name: 'long', type: longType });
});

const two = [pod('demo-web-6f7d9c5b4-x2x9k'), pod('demo-worker-6f7d9c5b4-x2x9k', { labels: { type: 'worker' } })];
it.each<[object, string[]]>([
  [{ type: 'worker' }, ['demo-worker-6f7d9c5b4-x2x9k']],
  [{ type: 'cmd' }, []],
  [{ name: 'demo-web-6f7d9c5b4-x2x9k' }, ['demo-web-6f7d9c5b4-x2x9k']],
  [{ name: 'web-6f7d9c5b4-x2x9k' }, ['demo-web-6f7d9c5b4-x2x9k']],
  [{ name: 'x2x9k' }, []],
  [{ type: 'web', name: 'web-6f7d9c5b4-x2x9k' }, ['demo-web-6f7d9c5b4-x2x9k']],
  [{ type: 'worker', name: 'web-6f7d9c5b4-x2x9k' }, []],
])('%o selects %p', (selection, expected) => {
  expect(names(two, selection)).toEqual(expected);
});
