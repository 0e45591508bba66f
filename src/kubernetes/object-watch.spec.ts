import { KubeConfig } from '@kubernetes/client-node';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KubernetesCluster } from './kubernetes-cluster.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { POD } from './object-kind.ts';
import { ObjectWatch } from './object-watch.ts';

/** Real: the watch, and the client's connection. The API server is one that tells what the test has it tell. */

jest.setTimeout(60_000);

const podOf = (name: string, resourceVersion: string): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'demo', uid: `uid-of-${name}`, resourceVersion },
});

let server: Server;
/** Open watches, and from where each began. */
let watches: { from: string; response: ServerResponse }[];
let state: { items: KubernetesObject[]; resourceVersion: string };
/** What was asked for in turn: `all`, or how many. */
let lists: ('all' | number)[];
let watch: ObjectWatch<string>;
let changed = (): void => undefined;

beforeEach(async () => {
  watches = [];
  lists = [];
  server = createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.flushHeaders();
    watches.push({ from: new URL(request.url ?? '', 'http://api').searchParams.get('resourceVersion') ?? '', response });
    changed();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const config = new KubeConfig();
  const address = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  config.loadFromClusterAndUser({ name: 'api', server: address, skipTLSVerify: true }, { name: 'nobody' });
  const cluster = {
    // eslint-disable-next-line @typescript-eslint/require-await -- as the real one
    pages: async function* () {
      lists.push('all');
      const { items, resourceVersion } = state;
      for (const item of items) yield { items: [item], resourceVersion };
    },
    page: (_kind: unknown, _namespace: unknown, _selector: unknown, limit: number) => {
      lists.push(limit);
      return Promise.resolve(state);
    },
    metrics: { called: () => undefined },
  } as unknown as KubernetesCluster;
  watch = new ObjectWatch(config, cluster, {
    kind: POD,
    keep: ({ metadata }) => `${metadata.name} ${metadata.resourceVersion ?? ''}`,
    changed: () => {
      changed();
    },
  });
});

afterEach(async () => {
  await watch.stop();
  server.closeAllConnections();
  server.close();
});

/** Settled when it comes true, now or after a change. The test's time limit is the bound. */
const until = (holds: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    changed = () => {
      if (holds()) resolve();
    };
    changed();
  });
const tell = (type: string, object: KubernetesObject): void => {
  watches.at(-1)?.response.write(`${JSON.stringify({ type, object })}\n`);
};
const shown = (): string[] => watch.in('demo').sort();

async function watching(): Promise<void> {
  state = { items: [podOf('a', '90'), podOf('b', '95')], resourceVersion: '100' };
  watch.start();
  await until(() => watches.length === 1);
  tell('MODIFIED', podOf('a', '110'));
  await until(() => shown()[0] === 'a 110');
}

it('a watch that the server ends goes on from where it was', async () => {
  await watching();
  state = { items: [podOf('a', '110'), podOf('b', '95')], resourceVersion: '120' };
  watches[0]?.response.end();
  await until(() => watches.length === 2);
  expect([watches[1]?.from, lists]).toEqual(['110', ['all', 1]]);
});

describe('after the past came back', () => {
  const restored = (): void => {
    state = { items: [podOf('a', '40')], resourceVersion: '50' };
  };

  it('everything is listed anew when the watch breaks, whatever was known of it', async () => {
    await watching();
    restored();
    watches[0]?.response.end();
    await until(() => watches.length === 2);
    expect([shown(), watches[1]?.from, watch.version]).toEqual([['a 40'], '50', '50']);
    tell('MODIFIED', podOf('a', '51'));
    await until(() => shown()[0] === 'a 51');
  });

  it.each([
    ['an event', 'MODIFIED'],
    ['a bookmark', 'BOOKMARK'],
  ])('everything is listed anew when %s tells so', async (_, type) => {
    await watching();
    restored();
    tell(type, podOf('a', '41'));
    await until(() => watches.length === 2);
    expect([shown(), watches[1]?.from]).toEqual([['a 40'], '50']);
  });
});
