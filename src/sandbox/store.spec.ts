import type { IPod } from 'kubernetes-models/v1';
import { furnish } from './furnish.ts';
import { Store, type Change } from './store.ts';
import type { StoredObject } from './stored-object.ts';

let store: Store;

beforeEach(() => {
  store = new Store();
  furnish(store, 1);
  store.create('serviceaccounts', named('default'));
});

const named = (name: string, more: object = {}): StoredObject =>
  ({ metadata: { name, namespace: 'default' }, ...more }) as unknown as StoredObject;

const deployment = (replicas: number): StoredObject =>
  named('web', {
    spec: {
      replicas,
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
    },
  });

const pod = (more: object = {}): StoredObject => named('p', { spec: { containers: [{ name: 'web', image: 'web:1' }], ...more } });

function changes(act: () => void): string[] {
  const heard: string[] = [];
  const end = store.onChange(({ type, resource, object }: Change) => heard.push(`${type} ${resource} ${object.metadata.name}`));
  act();
  end();
  return heard;
}

test('what comes out can not be changed', () => {
  const made = store.create('configmaps', named('map', { data: { a: 'b' } }));
  expect(() => {
    (made.data as Record<string, string>).a = 'c';
  }).toThrow(TypeError);
});

test('the generation counts changes of the spec, the version every change', () => {
  const made = store.create('deployments', deployment(1));
  const scaled = store.update('deployments', { ...made, spec: { ...(made.spec as object), replicas: 2 } });
  const labelled = store.update('deployments', { ...scaled, metadata: { ...scaled.metadata, labels: { x: 'y' } } });
  const ready = store.update('deployments', { ...labelled, status: { replicas: 2 } }, { subresource: 'status' });
  expect([made, scaled, labelled, ready].map(({ metadata }) => metadata.generation)).toEqual([1, 2, 2, 2]);
  expect(new Set([made, scaled, labelled, ready].map(({ metadata }) => metadata.resourceVersion)).size).toBe(4);
});

test('the status is written by its own subresource, and nothing else with it', () => {
  const made = store.create('deployments', { ...deployment(1), status: { replicas: 7 } });
  expect(made.status).toEqual({});
  expect(store.update('deployments', { ...made, status: { replicas: 7 } }).status).toEqual({});
  const sent: StoredObject = { ...deployment(5), status: { replicas: 1 } };
  const updated = store.update('deployments', sent, { subresource: 'status' });
  expect([updated.status, (updated.spec as { replicas: number }).replicas]).toEqual([{ replicas: 1 }, 1]);
});

test('a write of what is there already is no change', () => {
  const made = store.create('configmaps', named('map', { data: { a: 'b' } }));
  expect(changes(() => expect(store.update('configmaps', made).metadata.resourceVersion).toBe(made.metadata.resourceVersion))).toEqual([]);
});

test('a field that the kind does not have is dropped, one of the wrong type refused', () => {
  const made = store.create('configmaps', named('map', { data: { a: 'b' }, foo: 1 }));
  expect(made.foo).toBeUndefined();
  expect(() => store.create('configmaps', named('other', { data: { a: 1 } }))).toThrow(
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: data.a: expected a string, got the number 1',
  );
});

test('a pod that runs gets its grace period, then the kubelet removes it', () => {
  store.create('pods', pod({ nodeName: 'sandbox-node-1', terminationGracePeriodSeconds: 20 }));
  expect(changes(() => store.delete('pods', 'default', 'p'))).toEqual(['MODIFIED pods p']);
  expect(store.get('pods', 'default', 'p')?.metadata.deletionGracePeriodSeconds).toBe(20);
  store.delete('pods', 'default', 'p', { gracePeriodSeconds: 5 });
  store.delete('pods', 'default', 'p', { gracePeriodSeconds: 60 });
  expect(store.get('pods', 'default', 'p')?.metadata.deletionGracePeriodSeconds).toBe(5);
  expect(changes(() => store.remove('pods', 'default', 'p'))).toEqual(['DELETED pods p']);
});

test.each([
  ['without a node', {}, {}],
  ['with no grace period', { nodeName: 'sandbox-node-1' }, { gracePeriodSeconds: 0 }],
])('a pod %s goes at once', (_what, spec, options) => {
  store.create('pods', pod(spec));
  expect(changes(() => store.delete('pods', 'default', 'p', options))).toEqual(['DELETED pods p']);
});

test('finalizers hold an object until the last is taken off', () => {
  const made = store.create('configmaps', { ...named('map'), metadata: { ...named('map').metadata, finalizers: ['example.com/hold'] } });
  const marked = store.delete('configmaps', 'default', 'map');
  expect(marked.metadata.deletionTimestamp).toBeDefined();
  expect(
    changes(() => store.update('configmaps', { ...made, metadata: { ...made.metadata, resourceVersion: '', finalizers: [] } })),
  ).toEqual(['DELETED configmaps map']);
});

test('a dry run answers and stores nothing', () => {
  expect(
    changes(() => {
      expect(store.create('configmaps', named('map'), 'test', { dryRun: true }).kind).toBe('ConfigMap');
      const made = store.get('configmaps', 'default', 'map');
      expect(made).toBeUndefined();
    }),
  ).toEqual([]);
});

test('a pod gets what the API server and its admission give it', () => {
  const { spec, status } = store.create(
    'pods',
    pod({ containers: [{ name: 'web', image: 'web', resources: { limits: { cpu: '0.5' } } }] }),
  ) as unknown as IPod;
  expect(spec).toMatchObject({
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    terminationGracePeriodSeconds: 30,
    serviceAccountName: 'default',
    priority: 0,
    tolerations: [{ key: 'node.kubernetes.io/not-ready' }, { key: 'node.kubernetes.io/unreachable' }],
    containers: [
      { imagePullPolicy: 'Always', terminationMessagePolicy: 'File', resources: { limits: { cpu: '500m' }, requests: { cpu: '500m' } } },
    ],
  });
  expect(status).toEqual({ phase: 'Pending', qosClass: 'Burstable' });
});

test.each([
  ['web', 'Always'],
  ['web:latest', 'Always'],
  ['web:1', 'IfNotPresent'],
  ['registry:5000/web', 'Always'],
  ['registry:5000/web:1', 'IfNotPresent'],
  ['web@sha256:abc', 'IfNotPresent'],
])('the image %s is pulled %s', (image, policy) => {
  const made = store.create('pods', pod({ containers: [{ name: 'web', image }] })) as unknown as IPod;
  expect(made.spec?.containers[0]?.imagePullPolicy).toBe(policy);
});

test('services get addresses of their own, and keep them', () => {
  const service = (name: string): StoredObject => named(name, { spec: { ports: [{ port: 80 }] } });
  const address = ({ spec }: StoredObject): string => (spec as { clusterIP: string }).clusterIP;
  const [a, b] = [store.create('services', service('a')), store.create('services', service('b'))];
  expect(address(a)).not.toBe(address(b));
  expect(address(store.update('services', { ...service('a'), spec: { ports: [{ port: 81 }] } }))).toBe(address(a));
});
