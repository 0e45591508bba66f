import { comparable, newNamespace, startSides, type ClusterSide, type ClusterSides, type Json, type WatchEvent } from './cluster-sides.ts';

/** Watches: where they begin, what they bring and in which order, and how they end. */

const namespace = newNamespace('watches');
const maps = `/api/v1/namespaces/${namespace}/configmaps`;

let sides: ClusterSides;

beforeAll(async () => {
  sides = await startSides();
  for (const side of sides.both) await side.makeNamespace(namespace);
});

afterAll(async () => {
  await sides.real.removeNamespace(namespace);
  await sides.stop();
});

const make = (side: ClusterSide, name: string, labels: Json = {}): Promise<{ metadata: { resourceVersion: string } }> =>
  side.ask({ method: 'POST', path: maps, body: { metadata: { name, labels } } });
const change = (side: ClusterSide, name: string, body: Json): Promise<unknown> =>
  side.ask({ method: 'PATCH', path: `${maps}/${name}`, type: 'application/merge-patch+json', body });
const remove = (side: ClusterSide, name: string): Promise<unknown> => side.ask({ method: 'DELETE', path: `${maps}/${name}` });
/** What is said of versions, but for those that only one of them can have. */
const withoutVersions = (said: unknown): unknown =>
  JSON.parse(JSON.stringify(said).replace(/(resource version: |current: |\()\d+/g, '$1…'));
const version = async (side: ClusterSide): Promise<string> => (await side.get(maps)).metadata.resourceVersion;

/** As many events as are wanted, in short; the watch is ended then. */
async function taken(
  side: ClusterSide,
  query: string,
  count: number,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<unknown[]> {
  const over = new AbortController();
  const events: WatchEvent[] = [];
  const watched = side.watch(`${maps}?watch=true${query}`, over.signal);
  const done = meanwhile();
  for await (const event of watched) if (events.push(event) === count) break;
  over.abort();
  await done;
  return events.map(({ type, object }) => comparable({ type, object }, ['managedFields']));
}

/** What both have to say alike. */
async function alike(scenario: (side: ClusterSide) => Promise<unknown>): Promise<void> {
  const [expected, answer] = await Promise.all(sides.both.map(scenario));
  expect(answer).toEqual(expected);
}

it('a watch from a version brings each change after it, once and in order', () =>
  alike(async (side) => {
    const from = await version(side);
    await make(side, 'a');
    await change(side, 'a', { data: { x: '1' } });
    await remove(side, 'a');
    return taken(side, `&resourceVersion=${from}`, 5, async () => {
      await make(side, 'b');
      await remove(side, 'b');
    });
  }));

it('a watch without a version begins with what is there', () =>
  alike(async (side) => {
    await make(side, 'c1', { app: 'c' });
    await make(side, 'c2', { app: 'c' });
    const events = await taken(side, '&labelSelector=app%3Dc', 2);
    for (const name of ['c1', 'c2']) await remove(side, name);
    return new Set(events); // in no order
  }));

it('what starts to fit the labels is added, what no longer does is deleted', () =>
  alike(async (side) => {
    const from = await version(side);
    await make(side, 'd', { app: 'no' });
    await change(side, 'd', { metadata: { labels: { app: 'yes' } } });
    await change(side, 'd', { data: { x: '1' } });
    await change(side, 'd', { metadata: { labels: { app: 'no' } } });
    await change(side, 'd', { metadata: { labels: { app: 'yes' } } });
    await remove(side, 'd');
    return taken(side, `&resourceVersion=${from}&labelSelector=app%3Dyes`, 5);
  }));

it('a change that changes nothing has no event and no new version', () =>
  alike(async (side) => {
    const { metadata } = await make(side, 'e');
    await change(side, 'e', { data: { x: '1' } });
    await change(side, 'e', { data: { x: '1' } });
    await change(side, 'e', { data: { x: '2' } });
    const events = await taken(side, `&resourceVersion=${metadata.resourceVersion}`, 2);
    await remove(side, 'e');
    return events;
  }));

it('versions grow, and a list has the version of its newest object or a later one', () =>
  alike(async (side) => {
    const versions = [await version(side), (await make(side, 'f')).metadata.resourceVersion, await version(side)].map(BigInt);
    await remove(side, 'f');
    const [before = 0n, created = 0n, after = 0n] = versions;
    return [before < created, created <= after];
  }));

it('a watch by metadata.name has that object alone', () =>
  alike(async (side) => {
    const from = await version(side);
    for (const name of ['g1', 'g2']) await make(side, name);
    for (const name of ['g1', 'g2']) await remove(side, name);
    return taken(side, `&resourceVersion=${from}&fieldSelector=metadata.name%3Dg2`, 2);
  }));

/** The status and the events of a watch that ends after four seconds, or because of what it is told. */
async function watchedFrom(side: ClusterSide, from: string): Promise<[number | undefined, Json[]]> {
  const response = await side.open({ method: 'GET', path: `${maps}?watch=true&resourceVersion=${from}&timeoutSeconds=4` });
  let text = '';
  for await (const chunk of response) text += String(chunk);
  const lines = text.split('\n').filter((line) => line !== '');
  return [response.statusCode, lines.map((line) => JSON.parse(line) as Json)];
}

it.each(['99999999999999', 'x'])('a watch from the version %s', (from) =>
  alike(async (side) => withoutVersions(await watchedFrom(side, from))),
);

it('a watch from a version that is forgotten', () =>
  alike(async (side) => {
    await make(side, 'w');
    for (;;) {
      const [status, events] = await watchedFrom(side, '1');
      if (events[0]?.type === 'ERROR') {
        await remove(side, 'w');
        return [status, withoutVersions(events)];
      }
      // a cluster that has only just begun still knows its first version; it keeps a hundred changes and what is younger than 75 s
      for (let count = 0; count < 100; count++) await change(side, 'w', { data: { x: String(count) } });
    }
  }));

it('a watch ends by itself when its time is up', () =>
  alike(async (side) => {
    const response = await side.open({ method: 'GET', path: `${maps}?watch=true&resourceVersion=${await version(side)}&timeoutSeconds=1` });
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return [response.statusCode, response.headers['content-type'], text];
  }));

it.each(['1', '99999999999999', 'x', '0'])('a list of the version %s', (from) =>
  alike(async (side) => {
    const { code, body } = await side.send({ method: 'GET', path: `${maps}?resourceVersion=${from}&labelSelector=a%3Db` });
    return [code, withoutVersions(comparable(body))];
  }),
);

it('an apply bound to the version that was read, and one bound to a version before', () =>
  alike(async (side) => {
    const apply = (data: Json, metadata: Json = {}) =>
      side.send({
        method: 'PATCH',
        path: `${maps}/h?fieldManager=keelson&force=true`,
        type: 'application/apply-patch+yaml',
        body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'h', ...metadata }, data },
      });
    const created = (await apply({ a: '1' })).body as { metadata: { uid: string; resourceVersion: string } };
    const { uid, resourceVersion } = created.metadata;
    const answers = [
      await apply({ a: '2' }, { uid, resourceVersion }),
      await apply({ a: '3' }, { uid, resourceVersion }),
      await apply({ a: '4' }, { uid }),
      await apply({ a: '4' }, { uid: '00000000-0000-0000-0000-000000000000' }),
      await side.send({ method: 'DELETE', path: `${maps}/h`, body: { preconditions: { uid, resourceVersion } } }),
      await side.send({ method: 'DELETE', path: `${maps}/h?propagationPolicy=Background`, body: { preconditions: { uid } } }),
      await apply({ a: '5' }, { uid }),
    ];
    return withoutVersions(comparable(answers, ['causes']));
  }));
