import { ApiError } from './api-error.ts';
import { resourceOf } from './resources.ts';
import type { Predicate } from './selectors.ts';
import type { Change, Store } from './store.ts';
import type { StoredObject } from './stored-object.ts';

export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: unknown;
}

export interface WatchRequest {
  resource: string;
  namespace?: string;
  /** Only objects that fit; one that starts to fit is ADDED, one that no longer does is DELETED. */
  selects: Predicate;
  /** Changes after this version; none or 0: what is there first, as ADDED. */
  resourceVersion?: number;
  bookmarks: boolean;
}

/** The last changes of the store, so that a watch can start from a version in the past. */
export class WatchHistory {
  private readonly changes: Change[] = [];
  private oldest: number;
  private readonly followers = new Set<(change: Change) => void>();
  private readonly stopListening: () => void;

  constructor(
    private readonly store: Store,
    private readonly limit = 4000,
    private readonly bookmarkMs = 15_000,
  ) {
    this.oldest = Number(store.resourceVersion);
    this.stopListening = store.onChange((change) => this.remember(change));
  }

  /** Forgets the past, as etcd does when it is compacted: a watch from a version before this one is answered 410. */
  compact(): void {
    this.changes.length = 0;
    this.oldest = Number(this.store.resourceVersion);
  }

  stop(): void {
    this.stopListening();
    this.followers.clear();
  }

  /** Sends events from now on until the returned function is called. */
  watch(request: WatchRequest, send: (event: WatchEvent) => void): () => void {
    const since = request.resourceVersion ?? 0;
    if (since !== 0 && since < this.oldest) {
      send({ type: 'ERROR', object: new ApiError(410, 'Expired', `too old resource version: ${since} (${this.oldest})`).toStatus() });
      return () => undefined;
    }
    const tell = (change: Change): void => {
      const event = translate(request, change);
      if (event) send(event);
    };
    if (since === 0) {
      for (const object of this.store.list(request.resource, request.namespace))
        if (request.selects(object)) send({ type: 'ADDED', object });
    } else {
      for (const change of this.changes) if (versionOf(change.object) > since) tell(change);
    }
    const from = Math.max(since, Number(this.store.resourceVersion));
    const follow = (change: Change): void => {
      if (versionOf(change.object) > from) tell(change);
    };
    this.followers.add(follow);
    const bookmark = request.bookmarks ? setInterval(() => send(this.bookmark(request.resource)), this.bookmarkMs).unref() : undefined;
    return () => {
      this.followers.delete(follow);
      clearInterval(bookmark);
    };
  }

  private bookmark(resource: string): WatchEvent {
    const { kind, group, version } = resourceOf(resource);
    return {
      type: 'BOOKMARK',
      object: {
        kind,
        apiVersion: group ? `${group}/${version}` : version,
        metadata: { resourceVersion: this.store.resourceVersion, creationTimestamp: null },
      },
    };
  }

  private remember(change: Change): void {
    this.changes.push(change);
    if (this.changes.length > this.limit) this.oldest = versionOf(this.changes.shift()?.object ?? change.object);
    for (const follow of [...this.followers]) follow(change);
  }
}

const versionOf = ({ metadata }: StoredObject): number => Number(metadata.resourceVersion);

function translate({ resource, namespace, selects }: WatchRequest, change: Change): WatchEvent | undefined {
  if (change.resource !== resource) return undefined;
  if (namespace !== undefined && change.object.metadata.namespace !== namespace) return undefined;
  const did = change.previous !== undefined && selects(change.previous);
  const does = change.type !== 'DELETED' && selects(change.object);
  if (does) return { type: did ? 'MODIFIED' : 'ADDED', object: change.object };
  if (!did || !change.previous) return undefined;
  const last = change.type === 'DELETED' ? change.object : change.previous;
  return { type: 'DELETED', object: { ...last, metadata: { ...last.metadata, resourceVersion: change.object.metadata.resourceVersion } } };
}
