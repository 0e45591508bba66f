import { KubeConfig } from '@kubernetes/client-node';
import { Metrics } from '../metrics/metrics.ts';
import { startSandbox, type Sandbox } from '../sandbox/sandbox.ts';
import { ClusterMetrics } from './cluster-metrics.ts';
import { KubernetesCluster } from './kubernetes-cluster.ts';
import { ObjectWatch } from './object-watch.ts';
import { SECRET } from './object-kind.ts';

/** Real: the client, and the sandbox' API server. */

jest.setTimeout(60_000);

const NAMESPACE = 'default';
/** Two whole pages, and one of the third. */
const OBJECTS = 1_001;
const LABEL = { letter: 'a' };
const names = Array.from({ length: OBJECTS }, (_, number) => `object-${String(number).padStart(4, '0')}`);

let sandbox: Sandbox;
let config: KubeConfig;
let cluster: KubernetesCluster;

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'sandbox', server: sandbox.url, skipTLSVerify: true }, { name: 'nobody' });
  cluster = new KubernetesCluster(config, new ClusterMetrics(new Metrics()));
  for (const name of names) await cluster.create(objectOf(name));
});

afterAll(() => sandbox.stop());

const objectOf = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: NAMESPACE, labels: LABEL } });

it('a list has all of its pages', async () => {
  expect((await cluster.list(SECRET, NAMESPACE, 'letter=a')).map(({ metadata }) => metadata.name).sort()).toEqual(names);
});

it('its pages show one moment', async () => {
  const sizes = [];
  const versions = new Set<string>();
  for await (const { items, resourceVersion } of cluster.pages(SECRET, NAMESPACE, 'letter=a')) {
    sizes.push(items.length);
    versions.add(resourceVersion);
    await cluster.create({
      ...objectOf(`later-${String(sizes.length)}`),
      metadata: { name: `later-${String(sizes.length)}`, namespace: NAMESPACE },
    });
  }
  expect([sizes, versions.size]).toEqual([[500, 500, 1], 1]);
});

it('a watch has seen something with the first page, everything with the last, and goes on from there', async () => {
  let known = (): void => undefined;
  const watch = new ObjectWatch(config, cluster, {
    kind: SECRET,
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
    expect([watch.progress(), watch.in(NAMESPACE).sort()]).toEqual([3, names]);
    const heard = new Promise<void>((resolve) => {
      known = () => {
        if (watch.get(NAMESPACE, 'newer') !== undefined) resolve();
      };
    });
    await cluster.create(objectOf('newer'));
    await heard;
  } finally {
    await watch.stop();
  }
});
