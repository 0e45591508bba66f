import type { KubeConfig } from '@kubernetes/client-node';
import { ClusterMetrics } from '../src/kubernetes/cluster-metrics.ts';
import { KubernetesCluster } from '../src/kubernetes/kubernetes-cluster.ts';
import { NAMESPACE, SECRET } from '../src/kubernetes/object-kind.ts';
import { ObjectWatch } from '../src/kubernetes/object-watch.ts';
import { Metrics } from '../src/metrics/metrics.ts';
import { type Keelson, startKeelson } from './keelson.ts';
import { newAppId } from './live-app.ts';
import { kubeConfigOf } from './test-cluster.ts';

/** Lists that are longer than a page. */

/** Two whole pages, and one of the third. */
const OBJECTS = 1_001;
const namespace = newAppId('lists');
const names = Array.from({ length: OBJECTS }, (_, number) => `object-${String(number).padStart(4, '0')}`);

let keelson: Keelson;
let config: KubeConfig;
let cluster: KubernetesCluster;

const secret = (name: string, labels: Record<string, string> = { letter: 'a' }) => ({
  apiVersion: 'v1',
  kind: SECRET.kind,
  metadata: { name, namespace, labels },
});

beforeAll(async () => {
  keelson = await startKeelson();
  config = kubeConfigOf(keelson);
  cluster = new KubernetesCluster(config, new ClusterMetrics(new Metrics()));
  await cluster.create({ apiVersion: 'v1', kind: NAMESPACE.kind, metadata: { name: namespace } });
  const left = [...names];
  const create = async (): Promise<void> => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) await cluster.create(secret(name));
  };
  await Promise.all(Array.from({ length: 8 }, create));
}, 120_000);

afterAll(async () => {
  const made = await cluster.get(NAMESPACE, undefined, namespace);
  if (made?.metadata.uid !== undefined) await cluster.remove(NAMESPACE, undefined, namespace, made.metadata.uid);
  await keelson.stop();
});

it('a list has all of its pages', async () => {
  expect((await cluster.list(SECRET, namespace, 'letter=a')).map(({ metadata }) => metadata.name).sort()).toEqual(names);
});

it('each of its pages tells the same moment to watch from', async () => {
  const sizes = [];
  const versions = new Set<string>();
  for await (const { items, resourceVersion } of cluster.pages(SECRET, namespace, 'letter=a')) {
    sizes.push(items.length);
    versions.add(resourceVersion);
    await cluster.create(secret(`later-${String(sizes.length)}`, {}));
  }
  expect([sizes, versions.size]).toEqual([[500, 500, 1], 1]);
});

it('a watch has seen something with the first page, everything with the last, and goes on from there', async () => {
  let known = (): void => undefined;
  const watch = new ObjectWatch(config, cluster, {
    kind: SECRET,
    namespace,
    labelSelector: 'letter=a',
    keep: ({ metadata }) => metadata.name,
    changed: () => {
      known();
    },
  });
  expect([watch.progress(), watch.warm()]).toEqual([0, false]);
  watch.start();
  try {
    await watch.ready();
    expect([watch.progress(), watch.in(namespace).sort()]).toEqual([3, names]);
    const heard = new Promise<void>((resolve) => {
      known = () => {
        if (watch.get(namespace, 'newer') !== undefined) resolve();
      };
    });
    await cluster.create(secret('newer'));
    await heard;
  } finally {
    await watch.stop();
  }
});
