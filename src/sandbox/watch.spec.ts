import { furnish } from './furnish.ts';
import { resourceOf } from './resources.ts';
import { selector } from './selectors.ts';
import { Store } from './store.ts';
import type { StoredObject } from './stored-object.ts';
import { WatchHistory, type WatchEvent, type WatchRequest } from './watch.ts';

const maps = 'configmaps';
let store: Store;

beforeEach(() => {
  store = new Store();
  furnish(store, 1);
});

const put = (name: string, labels: Record<string, string> = {}, namespace = 'default'): StoredObject => {
  const current = store.get(maps, namespace, name);
  const metadata = { name, namespace, labels };
  return (
    current ? store.update(maps, { ...current, metadata: { ...current.metadata, labels } }) : store.create(maps, { metadata })
  ) as StoredObject;
};

/** The events of a watch so far: type, name and version. */
function watched(
  history: WatchHistory,
  request: Partial<WatchRequest> & { labels?: string },
): { events: string[]; raw: WatchEvent[]; end: () => void } {
  const raw: WatchEvent[] = [];
  const events: string[] = [];
  const { labels, ...rest } = request;
  const end = history.watch(
    { resource: maps, selects: selector(resourceOf(maps), labels, undefined), bookmarks: false, ...rest },
    (event) => {
      raw.push(event);
      events.push(`${event.type} ${(event.object as StoredObject).metadata.name}`);
    },
  );
  return { events, raw, end };
}

test('without a version, what is there comes first, then what changes', () => {
  const history = new WatchHistory(store);
  put('a');
  const { events, end } = watched(history, {});
  put('b');
  put('a', { x: 'y' });
  store.delete(maps, 'default', 'b');
  expect(events).toEqual(['ADDED a', 'ADDED b', 'MODIFIED a', 'DELETED b']);
  end();
  put('c');
  expect(events).toHaveLength(4);
});

test('from a version, everything after it is told again, and nothing twice', () => {
  const history = new WatchHistory(store);
  const { metadata } = put('a');
  put('b');
  const { events } = watched(history, { resourceVersion: Number(metadata.resourceVersion) });
  put('c');
  expect(events).toEqual(['ADDED b', 'ADDED c']);
});

test('an object that starts or stops to fit is added or deleted', () => {
  const history = new WatchHistory(store);
  const { events, raw } = watched(history, { labels: 'app=demo' });
  put('a');
  put('a', { app: 'demo' });
  put('a', { app: 'demo', more: 'yes' });
  const { metadata } = put('a', { app: 'other' });
  put('a', {});
  expect(events).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a']);
  // the state that the watcher knew, at the version in which it stopped to fit
  expect(raw[2]?.object).toMatchObject({ metadata: { labels: { app: 'demo' }, resourceVersion: metadata.resourceVersion } });
});

test('a namespace sees its own changes alone', () => {
  const history = new WatchHistory(store);
  const { events } = watched(history, { namespace: 'default' });
  put('a');
  put('b', {}, 'kube-public');
  expect(events).toEqual(['ADDED a']);
});

test('a version that is forgotten is answered 410, as an event', () => {
  const history = new WatchHistory(store, 3);
  const since = Number(store.resourceVersion);
  for (const name of ['a', 'b', 'c', 'd']) put(name);
  const { raw } = watched(history, { resourceVersion: since });
  expect(raw).toEqual([{ type: 'ERROR', object: expect.objectContaining({ code: 410, reason: 'Expired', status: 'Failure' }) as unknown }]);
});

test('what listeners change while they are told comes in the order of the versions', () => {
  const history = new WatchHistory(store);
  store.onChange(({ type, object }) => {
    if (type === 'ADDED' && object.metadata.name === 'a') put('reaction');
  });
  const versions: number[] = [];
  history.watch({ resource: maps, selects: () => true, bookmarks: false }, ({ object }) => {
    versions.push(Number((object as StoredObject).metadata.resourceVersion));
  });
  put('a');
  put('b');
  expect(versions).toHaveLength(3);
  expect(versions).toEqual([...versions].sort((a, b) => a - b));
});

test('bookmarks tell the newest version', async () => {
  const history = new WatchHistory(store, 100, 10);
  put('a');
  const bookmark = await new Promise<WatchEvent>((resolve) => {
    const end = history.watch({ resource: maps, selects: () => false, bookmarks: true }, (event) => {
      end();
      resolve(event);
    });
  });
  expect(bookmark).toMatchObject({ type: 'BOOKMARK', object: { kind: 'ConfigMap', metadata: { resourceVersion: store.resourceVersion } } });
});
