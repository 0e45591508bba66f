import { ApiError, badRequest } from './api-error.ts';
import { FieldSet, pathText } from './field-set.ts';
import { decode, structOf, type JsonObject, type Struct } from './schema.ts';
import { compare, fieldSet, merge, removeItems, schemaFaults } from './typed-value.ts';

/** Who owns what of an object: an entry of metadata.managedFields. */
export interface ManagedFieldsEntry {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  time: string;
  fieldsType: 'FieldsV1';
  fieldsV1: JsonObject;
}

interface Owner extends Omit<ManagedFieldsEntry, 'fieldsV1' | 'fieldsType'> {
  set: FieldSet;
}

/** Never owned by anybody: what names the object, and what the server fills. */
const unowned = FieldSet.of([
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields', 'resourceVersion'].map(
    (name) => ['f:metadata', `f:${name}`],
  ),
]);

export interface Applied {
  object: JsonObject;
  managedFields: ManagedFieldsEntry[];
}

/**
 * Applies a configuration onto the live object (undefined: there is none): its fields win, those that the manager applied before and now leaves
 * out go unless somebody else owns them. A field that somebody else owns and that would change is a conflict: 409 with a cause for each, unless
 * forced.
 */
export function apply(live: JsonObject | undefined, config: JsonObject, manager: string, force: boolean, time: string): Applied {
  const type = structOf(config.kind as string);
  if ((config.metadata as JsonObject | undefined)?.managedFields) throw badRequest('metadata.managedFields must be nil');
  const faults = schemaFaults(type, config);
  if (faults.length) {
    const words = faults.length === 1 ? faults[0] : `errors:\n  ${faults.join('\n  ')}`;
    throw new ApiError(500, '', `failed to create typed patch object: ${words ?? ''}`);
  }

  const owners = ownersOf(live);
  const apiVersion = config.apiVersion as string;
  const last = owners.find((each) => each.operation === 'Apply' && each.manager === manager);
  const mine: Owner = { manager, operation: 'Apply', apiVersion, time, set: fieldSet(type, config) };
  const others = owners.filter((each) => each !== last);
  const before = contentOf(type.name, live);
  const merged = merge(type, before, config) as JsonObject;
  const object = last ? prune(type, merged, last.set, [...others, mine]) : merged;

  const { added, modified, removed } = compare(type, before, object);
  const changed = added.union(modified);
  const conflicts = others.map((owner) => ({ owner, set: owner.set.intersection(changed) })).filter(({ set }) => !set.isEmpty());
  if (conflicts.length && !force) throw applyConflict(conflicts);

  const left = others.map((owner) => ({ ...owner, set: owner.set.difference(changed).difference(removed) }));
  mine.set = mine.set.difference(unowned);
  if (last && changed.isEmpty() && removed.isEmpty()) mine.time = last.time;
  return { object, managedFields: entries([...left, mine]) };
}

/** The managed fields after a write that isn't an apply: what it changed is the manager's now, and nobody else's. */
export function recordUpdate(live: JsonObject | undefined, next: JsonObject, manager: string, time: string): ManagedFieldsEntry[] {
  const type = structOf(next.kind as string);
  const { added, modified, removed } = compare(type, contentOf(type.name, live), contentOf(type.name, next));
  const changed = added.union(modified).difference(unowned);
  const owners = ownersOf(live).map((owner) => ({ ...owner, set: owner.set.difference(changed).difference(removed) }));
  if (changed.isEmpty()) return entries(owners);

  const apiVersion = next.apiVersion as string;
  const isMine = (owner: Owner): boolean => owner.operation === 'Update' && owner.manager === manager && owner.apiVersion === apiVersion;
  const before = owners.find(isMine)?.set ?? new FieldSet();
  return entries([
    ...owners.filter((owner) => !isMine(owner)),
    { manager, operation: 'Update', apiVersion, time, set: before.union(changed) },
  ]);
}

function prune(type: Struct, merged: JsonObject, last: FieldSet, owners: Owner[]): JsonObject {
  const owned = owners.reduce((set, owner) => set.union(owner.set), new FieldSet());
  const all = fieldSet(type, merged);
  const bare = removeItems(type, merged, last);
  const withOwned = removeItems(type, merged, all.difference(fieldSet(type, bare ?? {}).union(owned)));
  const dropped = all.difference(fieldSet(type, withOwned ?? {})).intersection(last);
  return (removeItems(type, merged, dropped) ?? {}) as JsonObject;
}

function applyConflict(conflicts: { owner: Owner; set: FieldSet }[]): ApiError {
  const named = ({ manager, operation, apiVersion }: Owner): string =>
    operation === 'Apply' ? JSON.stringify(manager) : `${JSON.stringify(manager)} using ${apiVersion}`;
  const causes = conflicts.flatMap(({ owner, set }) =>
    set.paths().map((path) => ({ reason: 'FieldManagerConflict', message: `conflict with ${named(owner)}`, field: pathText(path) })),
  );
  const [only] = causes;
  const words =
    causes.length === 1 && only
      ? `Apply failed with 1 conflict: ${only.message}: ${only.field}`
      : `Apply failed with ${causes.length} conflicts: ${conflicts
          .map(({ owner, set }) => [`conflicts with ${named(owner)}:`, ...set.paths().map((path) => `- ${pathText(path)}`)].join('\n'))
          .join('\n')}`;
  return new ApiError(409, 'Conflict', words, { causes });
}

function ownersOf(live: JsonObject | undefined): Owner[] {
  const managed = (live?.metadata as { managedFields?: ManagedFieldsEntry[] } | undefined)?.managedFields ?? [];
  return managed.map(({ manager, operation, apiVersion, time, fieldsV1 }) => ({
    manager,
    operation,
    apiVersion,
    time,
    set: FieldSet.fromFieldsV1(fieldsV1),
  }));
}

const entries = (owners: Owner[]): ManagedFieldsEntry[] =>
  owners
    .filter(({ set }) => !set.isEmpty())
    .map(({ manager, operation, apiVersion, time, set }): ManagedFieldsEntry => ({
      manager,
      operation,
      apiVersion,
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: set.toFieldsV1(),
    }))
    .sort((a, b) => order(a.operation, b.operation) || order(a.time, b.time) || order(a.manager, b.manager));

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The object as managers see it; where there is none yet, what an empty one of its kind holds anyway. */
function contentOf(kind: string, object: JsonObject | undefined): JsonObject {
  if (!object) return decode(kind, { kind }).value;
  const { managedFields: _, ...metadata } = object.metadata as JsonObject;
  return { ...object, metadata };
}
