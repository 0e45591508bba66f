import { resourceOf, resources } from './resources.ts';
import type { Change, Store } from './store.ts';
import { timestamp, type StoredObject } from './stored-object.ts';

/** Everything that lives in namespaces; pods last, as what controls them must not replace them. */
const contents = resources
  .filter(({ namespaced }) => namespaced)
  .map(({ plural }) => plural)
  .sort((a, b) => Number(a === 'pods') - Number(b === 'pods'));

/** How long after its deletion a namespace is emptied, in milliseconds: until then, and while pods end, it can be seen Terminating. */
const emptiedAfter = 100;

/** Gives each namespace its service account; empties one that is deleted, and removes it when nothing is left. */
export class NamespaceLifecycle {
  private readonly stopListening: () => void;
  private readonly emptying = new Map<string, NodeJS.Timeout>();

  constructor(private readonly store: Store) {
    for (const namespace of store.list('namespaces')) this.look(namespace);
    this.stopListening = store.onChange((change) => this.heard(change));
  }

  stop(): void {
    this.stopListening();
    for (const timer of this.emptying.values()) clearTimeout(timer);
  }

  private heard({ type, resource, object }: Change): void {
    if (resource === 'namespaces' && type !== 'DELETED') this.look(object);
    if (type !== 'DELETED' || !object.metadata.namespace) return;
    const namespace = this.store.get('namespaces', undefined, object.metadata.namespace);
    if (!namespace) return;
    if (namespace.metadata.deletionTimestamp) {
      if (!this.emptying.has(namespace.metadata.name)) this.finish(namespace);
    } else if (resource === 'serviceaccounts' && object.metadata.name === 'default') this.look(namespace);
  }

  private look({ metadata }: StoredObject): void {
    const { name } = metadata;
    const namespace = this.store.get('namespaces', undefined, name);
    if (!namespace) return;
    if (namespace.metadata.deletionTimestamp) this.emptySoon(namespace);
    else if (!this.store.get('serviceaccounts', name, 'default')) {
      this.store.create('serviceaccounts', { metadata: { name: 'default', namespace: name } });
    }
  }

  private emptySoon(namespace: StoredObject): void {
    const { name } = namespace.metadata;
    if (this.emptying.has(name)) return;
    const timer = setTimeout(() => {
      this.emptying.delete(name);
      this.empty(namespace);
    }, emptiedAfter);
    this.emptying.set(name, timer);
  }

  private empty(namespace: StoredObject): void {
    const { name } = namespace.metadata;
    for (const resource of contents) {
      for (const { metadata } of this.store.list(resource, name)) {
        if (!metadata.deletionTimestamp) this.store.delete(resource, name, metadata.name, { propagationPolicy: 'Background' });
      }
    }
    this.finish(namespace);
  }

  private finish({ metadata }: StoredObject): void {
    const namespace = this.store.get('namespaces', undefined, metadata.name);
    if (namespace?.metadata.uid !== metadata.uid) return;
    const left = contents
      .map((resource): Left => [resource, this.store.list(resource, metadata.name)])
      .filter(([, { length }]) => length > 0);
    if (left.length === 0) this.store.update('namespaces', { ...namespace, spec: {} });
    else this.store.update('namespaces', { ...namespace, status: stuck(namespace, left) }, { subresource: 'status' });
  }
}

type Left = [resource: string, objects: StoredObject[]];

interface Condition {
  type: string;
  status: 'True' | 'False';
  reason: string;
  message: string;
  lastTransitionTime: string;
}

/** The status of a namespace that can't end yet: what is left in it, and whose finalizers that waits for. */
function stuck({ status }: StoredObject, left: Left[]): object {
  const before = (status as { conditions?: Condition[] } | undefined)?.conditions ?? [];
  const counts = new Map<string, number>();
  for (const { metadata } of left.flatMap(([, objects]) => objects))
    for (const finalizer of metadata.finalizers ?? []) counts.set(finalizer, (counts.get(finalizer) ?? 0) + 1);
  const listed = (words: string[]): string => words.sort().join(', ');
  const resources = listed(left.map(([plural, { length }]) => `${plural}.${resourceOf(plural).group} has ${length} resource instances`));
  const finalizers = listed([...counts].map(([name, count]) => `${name} in ${count} resource instances`));
  const said: [type: string, status: 'True' | 'False', reason: string, message: string][] = [
    ['NamespaceDeletionDiscoveryFailure', 'False', 'ResourcesDiscovered', 'All resources successfully discovered'],
    ['NamespaceDeletionGroupVersionParsingFailure', 'False', 'ParsedGroupVersions', 'All legacy kube types successfully parsed'],
    ['NamespaceDeletionContentFailure', 'False', 'ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
    ['NamespaceContentRemaining', 'True', 'SomeResourcesRemain', `Some resources are remaining: ${resources}`],
    finalizers
      ? [
          'NamespaceFinalizersRemaining',
          'True',
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${finalizers}`,
        ]
      : ['NamespaceFinalizersRemaining', 'False', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
  ];
  const conditions = said.map(([type, status, reason, message]) => {
    const same = before.find((each) => each.type === type && each.status === status);
    return { type, status, reason, message, lastTransitionTime: same?.lastTransitionTime ?? timestamp() };
  });
  return { phase: 'Terminating', conditions };
}
