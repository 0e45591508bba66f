import { randomInt, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { ApiError, alreadyExists, badRequest, conflict, notFound } from './api-error.ts';
import { admitChange, admitNew, completeChange, completeNew } from './admission.ts';
import { checkPreconditions, deleted, isGone, type DeleteOptions } from './deletion.ts';
import { apiVersionOf, resourceOf, type Resource } from './resources.ts';
import { decode, type JsonObject } from './schema.ts';
import { copy, freeze, type StoredObject, timestamp, type StoredObjects } from './stored-object.ts';
import { apply as applyConfiguration, recordUpdate } from './server-side-apply.ts';

export interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** The plural: `pods`. */
  resource: string;
  object: StoredObject;
  previous?: StoredObject;
}

export interface WriteOptions {
  /** Everything is checked and answered, nothing is stored. */
  dryRun?: boolean;
}

export interface UpdateOptions extends WriteOptions {
  /** The field manager that metadata.managedFields records. */
  manager?: string;
  subresource?: 'status' | 'scale';
}

export interface ApplyOptions extends WriteOptions {
  manager: string;
  force?: boolean;
  subresource?: 'status';
}

const suffixLetters = 'bcdfghjklmnpqrstvwxz2456789';
const randomSuffix = (): string => Array.from({ length: 5 }, () => suffixLetters[randomInt(suffixLetters.length)]).join('');

/**
 * The sandbox's etcd and registry in one: objects by resource, namespace and name, one counter of versions, and a word to
 * whoever listens after each change. Objects go in by copy and come out frozen.
 */
export class Store implements StoredObjects {
  /** By resource, namespace (empty for cluster-wide ones) and name. */
  private readonly objects = new Map<string, Map<string, Map<string, StoredObject>>>();
  private readonly listeners = new Set<(change: Change) => void>();
  private readonly unheard: Change[] = [];
  private telling = false;
  /** Starts at the time: after a restart, every version that a client still has is one of the past. */
  private version = Date.now();

  get resourceVersion(): string {
    return String(this.version);
  }

  /** The caller says of which type the objects of a resource are. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- it names the type of the answer
  get<T = StoredObject>(resource: string, namespace: string | undefined, name: string): T | undefined {
    const objects = this.of(resource).get(namespace ?? '') as Map<string, T> | undefined;
    return objects?.get(name);
  }

  /** In the order of etcd's keys, `<namespace>/<name>`, as the API lists. */
  list<T = StoredObject>(resource: string, namespace?: string): T[] {
    const namespaces = this.of(resource);
    const wanted = namespace === undefined ? [...namespaces.keys()].sort(asInKeys) : [namespace];
    return wanted.flatMap((each) => [...(namespaces.get(each)?.values() ?? [])].sort(byName)) as T[];
  }

  /**
   * Reads the object as the API does, lets admission complete and check it, and stores it with its uid, version, time and generation. `manager`
   * owns its fields from then on. Throws ApiError: 400, 403, 404 (no such namespace), 409 (AlreadyExists), 422.
   */
  create<T>(resource: string, object: T, manager = inProcess, { dryRun = false }: WriteOptions = {}): T {
    const type = resourceOf(resource);
    const sent = decoded(type, copy(object) as JsonObject);
    return this.insert(type, sent, dryRun, (created) => recordUpdate(undefined, created, manager, timestamp())) as T;
  }

  /**
   * Replaces the object; a version or uid that is set must be the current one, else 409. `status` touches the status alone, anything else
   * leaves the status as it is. Writing what is there already changes nothing.
   */
  update<T>(resource: string, object: T, { manager = inProcess, subresource, dryRun = false }: UpdateOptions = {}): T {
    const type = resourceOf(resource);
    const sent = decoded(type, copy(object) as JsonObject);
    const current = this.existing(type, sent.metadata.namespace, sent.metadata.name);
    this.expect(type, current, sent.metadata);
    return this.replace(type, current, sent, { subresource, dryRun }, (next) =>
      subresource === 'scale' ? current.metadata.managedFields : recordUpdate(current, next, manager, timestamp()),
    ) as T;
  }

  /** Server-side apply of a configuration; creates what isn't there. Throws ApiError 409 with a cause for each field that another manager owns. */
  apply(
    resource: string,
    namespace: string | undefined,
    name: string,
    config: JsonObject,
    { manager, force = false, dryRun = false, subresource }: ApplyOptions,
  ): { object: StoredObject; created: boolean } {
    const type = resourceOf(resource);
    const current = this.get(resource, namespace, name);
    const result = applyConfiguration(current, config, manager, force, timestamp());
    const merged = { ...result.object, metadata: { ...(result.object.metadata as JsonObject), namespace, name } };
    if (!current) {
      const { uid, resourceVersion: _, ...metadata } = merged.metadata as JsonObject & { uid?: string };
      if (uid) throw conflict(type, name, `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`);
      const sent = decoded(type, { ...merged, metadata }, true);
      return { object: this.insert(type, sent, dryRun, () => result.managedFields), created: true };
    }
    const sent = decoded(type, merged, true);
    this.expect(type, current, { resourceVersion: sent.metadata.resourceVersion });
    return { object: this.replace(type, current, sent, { dryRun, subresource }, () => result.managedFields), created: false };
  }

  private insert(type: Resource, created: StoredObject, dryRun: boolean, managed: (created: StoredObject) => unknown[]): StoredObject {
    const { metadata } = created;
    const { generateName } = metadata;
    metadata.name ||= generateName ? `${generateName}${randomSuffix()}` : '';
    if (metadata.resourceVersion) throw new ApiError(500, '', 'resourceVersion should not be set on objects to be created');
    delete metadata.deletionTimestamp;
    delete metadata.deletionGracePeriodSeconds;
    delete metadata.managedFields;
    if (type.generation) metadata.generation = 1;
    else delete metadata.generation;
    completeNew(type, created);
    const managedFields = managed(created);
    admitNew(this, type, created);
    const present = this.get(type.plural, metadata.namespace, metadata.name);
    if (present) throw alreadyExists(type, metadata.name, present.metadata.deletionTimestamp !== undefined);
    metadata.uid = randomUUID();
    metadata.creationTimestamp = timestamp();
    if (managedFields.length) metadata.managedFields = managedFields;
    if (dryRun) return freeze(created);
    return this.write(type.plural, created);
  }

  private replace(
    type: Resource,
    current: StoredObject,
    sent: StoredObject,
    { subresource, dryRun = false }: Pick<UpdateOptions, 'subresource' | 'dryRun'>,
    managed: (next: StoredObject) => unknown[] | undefined,
  ): StoredObject {
    const next = carriedOver(type, current, sent, subresource);
    completeChange(type, next, current);
    const managedFields = managed(next);
    if (subresource !== 'status') admitChange(this, type, next, current);
    if (type.generation && !isDeepStrictEqual(next.spec, current.spec)) next.metadata.generation = (current.metadata.generation ?? 0) + 1;
    if (managedFields?.length) next.metadata.managedFields = managedFields;
    if (isDeepStrictEqual(next, current)) return current;
    if (dryRun) return freeze(next);
    return isGone(next) ? this.drop(type.plural, next) : this.write(type.plural, next, current);
  }

  /**
   * Deletes as Kubernetes does: a pod that runs gets a deletion time and its grace period, an object with finalizers a deletion time, a
   * namespace becomes Terminating; anything else is gone at once. Answers the object's last state.
   */
  delete(resource: string, namespace: string | undefined, name: string, options: DeleteOptions = {}): StoredObject {
    const type = resourceOf(resource);
    const current = this.existing(type, namespace, name);
    checkPreconditions(type, current, options);
    const { object, gone } = deleted(resource, current, options);
    if (options.dryRun) return current;
    if (gone) return this.drop(resource, object);
    return isDeepStrictEqual(object, current) ? current : this.write(resource, object, current);
  }

  /** Removes at once, whatever the grace period and the finalizers: the kubelet's last word. Nothing happens if it is gone already. */
  remove(resource: string, namespace: string | undefined, name: string): void {
    const current = this.get(resource, namespace, name);
    if (current) this.drop(resource, copy(current));
  }

  /** The listener is called after each commit, synchronously, in the order of the versions. The returned function ends that. */
  onChange(listener: (change: Change) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private of(resource: string): Map<string, Map<string, StoredObject>> {
    let namespaces = this.objects.get(resource);
    if (!namespaces) this.objects.set(resourceOf(resource).plural, (namespaces = new Map<string, Map<string, StoredObject>>()));
    return namespaces;
  }

  private in(resource: string, namespace = ''): Map<string, StoredObject> {
    const namespaces = this.of(resource);
    let objects = namespaces.get(namespace);
    if (!objects) namespaces.set(namespace, (objects = new Map<string, StoredObject>()));
    return objects;
  }

  private existing(type: Resource, namespace: string | undefined, name: string): StoredObject {
    const found = this.get(type.plural, namespace, name);
    if (!found) throw notFound(type, name);
    return found;
  }

  private expect(type: Resource, current: StoredObject, wanted: { uid?: string; resourceVersion?: string }): void {
    const { name, uid, resourceVersion } = current.metadata;
    if (wanted.uid && wanted.uid !== uid) {
      throw conflict(type, name, `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`);
    }
    if (wanted.resourceVersion && wanted.resourceVersion !== resourceVersion) {
      throw conflict(type, name, 'the object has been modified; please apply your changes to the latest version and try again');
    }
  }

  private write(resource: string, object: StoredObject, previous?: StoredObject): StoredObject {
    object.metadata.resourceVersion = String(++this.version);
    freeze(object);
    this.in(resource, object.metadata.namespace).set(object.metadata.name, object);
    this.tell({ type: previous ? 'MODIFIED' : 'ADDED', resource, object, previous });
    return object;
  }

  private drop(resource: string, object: StoredObject): StoredObject {
    const { namespace, name } = object.metadata;
    const previous = this.get(resource, namespace, name);
    const objects = this.in(resource, namespace);
    objects.delete(name);
    if (objects.size === 0) this.of(resource).delete(namespace ?? '');
    object.metadata.resourceVersion = String(++this.version);
    this.tell({ type: 'DELETED', resource, object: freeze(object), previous });
    return object;
  }

  /** A listener may write: what it changes is told after everybody has heard of the change at hand. */
  private tell(change: Change): void {
    this.unheard.push(change);
    if (this.telling) return;
    this.telling = true;
    try {
      for (let next = this.unheard.shift(); next; next = this.unheard.shift()) {
        for (const listener of [...this.listeners]) {
          try {
            listener(next);
          } catch (error) {
            process.emitWarning(error instanceof Error ? error : String(error));
          }
        }
      }
    } finally {
      this.telling = false;
    }
  }
}

/** The field manager of what the sandbox itself writes. */
const inProcess = 'kube-controller-manager';

/** The object as its schema reads it. Throws ApiError 400, or 500 for an apply as Kubernetes does, naming every field of the wrong type. */
function decoded(type: Resource, object: JsonObject, applied = false): StoredObject {
  const apiVersion = apiVersionOf(type);
  const { value, faults } = decode(type.kind, { ...object, apiVersion, kind: type.kind });
  if (faults.length === 0) return value as StoredObject;
  const words = faults.join(', ');
  if (!applied) throw badRequest(`${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: ${words}`);
  const why = `unable to convert unstructured object to ${apiVersion}, Kind=${type.kind}: ${words}`;
  throw new ApiError(500, '', `failed to convert new object to proper version: ${why}`);
}

/** What is written in place of the current object: the part that the request may change, with the rest as it is. */
function carriedOver(type: Resource, current: StoredObject, sent: StoredObject, subresource?: 'status' | 'scale'): StoredObject {
  if (subresource === 'status') return copy({ ...current, status: sent.status });
  const { resourceVersion, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds, managedFields } = current.metadata;
  const uid = sent.metadata.uid || current.metadata.uid;
  const fixed = { uid, resourceVersion, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds, managedFields };
  return copy({ ...sent, ...(type.status ? { status: current.status } : {}), metadata: { ...sent.metadata, ...fixed } });
}

/** A key goes on with `/` after the namespace, which comes after the `-` of a longer name. */
const asInKeys = (a: string, b: string): number => (`${a}/` < `${b}/` ? -1 : 1);

const byName = (a: StoredObject, b: StoredObject): number => (a.metadata.name < b.metadata.name ? -1 : 1);
