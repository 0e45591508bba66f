import { apiVersionOf, resources, type Resource } from './resources.ts';
import type { Change, Store } from './store.ts';
import type { OwnerReference, StoredObject } from './stored-object.ts';

type Found = [resource: string, object: StoredObject];

/**
 * Follows owner references: what has lost its last owner goes (background); an owner deleted in the foreground waits for those that block
 * it; one deleted with `orphan` lets go of its dependents first.
 */
export class GarbageCollector {
  private readonly stopListening: () => void;
  /** By the uid of an owner: what names it. */
  private readonly index = new Map<string, Map<string, Found>>();

  constructor(private readonly store: Store) {
    this.stopListening = store.onChange((change) => this.heard(change));
  }

  stop(): void {
    this.stopListening();
  }

  private heard(change: Change): void {
    this.remember(change);
    const { type, resource, object } = change;
    if (type === 'DELETED') {
      for (const [of, dependent] of this.dependents(object)) this.collect(of, dependent);
      for (const owner of this.owners(object)) this.finishForeground(...owner);
      return;
    }
    if (object.metadata.deletionTimestamp && object.metadata.finalizers?.length) {
      this.orphan(resource, object);
      this.deleteForeground(resource, object);
    } else if (object.metadata.ownerReferences?.length) this.collect(resource, object);
  }

  /** Deletes the object if none of its owners is there any more. */
  private collect(resource: string, { metadata }: StoredObject): void {
    const object = this.store.get(resource, metadata.namespace, metadata.name);
    if (!object || object.metadata.uid !== metadata.uid || object.metadata.deletionTimestamp) return;
    const references = object.metadata.ownerReferences ?? [];
    if (references.length === 0 || references.some((reference) => this.isThere(reference, object))) return;
    this.store.delete(resource, metadata.namespace, metadata.name, { uid: metadata.uid, propagationPolicy: 'Background' });
  }

  private orphan(resource: string, owner: StoredObject): void {
    if (!owner.metadata.finalizers?.includes('orphan')) return;
    for (const [of, dependent] of this.dependents(owner)) {
      const ownerReferences = dependent.metadata.ownerReferences?.filter(({ uid }) => uid !== owner.metadata.uid);
      this.store.update(of, { ...dependent, metadata: { ...dependent.metadata, ownerReferences } });
    }
    this.release(resource, owner, 'orphan');
  }

  private deleteForeground(resource: string, owner: StoredObject): void {
    if (!owner.metadata.finalizers?.includes('foregroundDeletion')) return;
    for (const [of, { metadata }] of this.dependents(owner)) {
      const propagationPolicy = metadata.ownerReferences?.some(({ blockOwnerDeletion }) => blockOwnerDeletion)
        ? 'Foreground'
        : 'Background';
      if (!metadata.deletionTimestamp) this.store.delete(of, metadata.namespace, metadata.name, { uid: metadata.uid, propagationPolicy });
    }
    this.finishForeground(resource, owner);
  }

  private finishForeground(resource: string, { metadata }: StoredObject): void {
    const owner = this.store.get(resource, metadata.namespace, metadata.name);
    if (owner?.metadata.uid !== metadata.uid || !owner.metadata.finalizers?.includes('foregroundDeletion')) return;
    const blocks = ({ uid, blockOwnerDeletion }: OwnerReference): boolean => uid === metadata.uid && blockOwnerDeletion === true;
    const isBlocked = this.dependents(owner).some(([, dependent]) => dependent.metadata.ownerReferences?.some(blocks));
    if (!isBlocked) this.release(resource, owner, 'foregroundDeletion');
  }

  private release(resource: string, { metadata }: StoredObject, finalizer: string): void {
    const owner = this.store.get(resource, metadata.namespace, metadata.name);
    if (owner?.metadata.uid !== metadata.uid) return;
    const finalizers = owner.metadata.finalizers?.filter((each) => each !== finalizer);
    this.store.update(resource, { ...owner, metadata: { ...owner.metadata, finalizers } });
  }

  private remember({ type, resource, object, previous }: Change): void {
    for (const { uid } of previous?.metadata.ownerReferences ?? []) {
      const dependents = this.index.get(uid);
      dependents?.delete(object.metadata.uid);
      if (dependents?.size === 0) this.index.delete(uid);
    }
    if (type === 'DELETED') return;
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const dependents = this.index.get(uid) ?? new Map<string, Found>();
      this.index.set(uid, dependents.set(object.metadata.uid, [resource, object]));
    }
  }

  private dependents({ metadata }: StoredObject): Found[] {
    return [...(this.index.get(metadata.uid)?.values() ?? [])];
  }

  private owners({ metadata }: StoredObject): Found[] {
    return (metadata.ownerReferences ?? []).flatMap((reference) => {
      const type = typeOf(reference);
      const owner = type && this.store.get(type.plural, type.namespaced ? metadata.namespace : undefined, reference.name);
      return owner && owner.metadata.uid === reference.uid ? [[type.plural, owner] satisfies Found] : [];
    });
  }

  /** An owner of a kind that the sandbox doesn't know counts as there. */
  private isThere(reference: OwnerReference, { metadata }: StoredObject): boolean {
    const type = typeOf(reference);
    if (!type) return true;
    return this.store.get(type.plural, type.namespaced ? metadata.namespace : undefined, reference.name)?.metadata.uid === reference.uid;
  }
}

const typeOf = ({ apiVersion, kind }: OwnerReference): Resource | undefined =>
  resources.find((each) => each.kind === kind && apiVersionOf(each) === apiVersion);
