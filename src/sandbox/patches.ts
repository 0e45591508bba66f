import { isDeepStrictEqual } from 'node:util';
import { ApiError, badRequest } from './api-error.ts';
import { isObject, structOf, type JsonObject, type ListOf, type Type } from './schema.ts';
import { copy } from './stored-object.ts';

/** RFC 7386: objects are merged, null removes, anything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(merged, name);
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}

interface JsonOperation {
  op: string;
  path: string;
  from?: string;
  value?: unknown;
}

/** The words of Kubernetes: it doesn't say what. */
const refused = (): ApiError => new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});

/** RFC 6902. Throws ApiError: 400 for a patch that isn't one, 422 where it doesn't fit the object. */
export function jsonPatch(target: JsonObject, patch: unknown): JsonObject {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch is a list of operations');
  const document = { root: copy<unknown>(target) };
  for (const operation of patch as JsonOperation[]) operate(document, operation);
  return document.root as JsonObject;
}

function operate(document: { root: unknown }, { op, path, from, value }: JsonOperation): void {
  switch (op) {
    case 'add':
      return put(document, path, copy(value), true);
    case 'replace':
      read(document, path);
      return put(document, path, copy(value), false);
    case 'remove':
      return remove(document, path);
    case 'copy':
      return put(document, path, copy(read(document, from ?? '')), true);
    case 'move': {
      const moved = read(document, from ?? '');
      remove(document, from ?? '');
      return put(document, path, moved, true);
    }
    case 'test':
      if (!isDeepStrictEqual(read(document, path), value)) throw refused();
      return;
    default:
      throw badRequest(`unexpected kind of operation: ${op}`);
  }
}

function locate(document: { root: unknown }, pointer: string): { parent: JsonObject | unknown[]; key: string } {
  const steps = [
    'root',
    ...pointer
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~')),
  ];
  const key = steps.pop() ?? '';
  let parent: unknown = document;
  for (const step of steps)
    parent = Array.isArray(parent) ? (parent[Number(step)] as unknown) : isObject(parent) ? parent[step] : undefined;
  if (!isObject(parent) && !Array.isArray(parent)) throw refused();
  return { parent: parent as JsonObject | unknown[], key };
}

function read(document: { root: unknown }, pointer: string): unknown {
  const { parent, key } = locate(document, pointer);
  const value = Array.isArray(parent) ? parent[Number(key)] : parent[key];
  if (value === undefined) throw refused();
  return value;
}

function put(document: { root: unknown }, pointer: string, value: unknown, insert: boolean): void {
  const { parent, key } = locate(document, pointer);
  if (!Array.isArray(parent)) {
    parent[key] = value;
    return;
  }
  const index = key === '-' ? parent.length : Number(key);
  if (!Number.isInteger(index) || index < 0 || index > parent.length) throw refused();
  parent.splice(index, insert ? 0 : 1, value);
}

function remove(document: { root: unknown }, pointer: string): void {
  read(document, pointer);
  const { parent, key } = locate(document, pointer);
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else Reflect.deleteProperty(parent, key);
}

/** Kubernetes' own merge patch, in which lists of the schema are merged by their key, with its `$patch`, `$retainKeys` and delete directives. */
export const strategicMergePatch = (kind: string, target: JsonObject, patch: JsonObject): JsonObject =>
  strategicMerge(structOf(kind), target, patch) as JsonObject;

function strategicMerge(type: Type | undefined, target: unknown, patch: unknown): unknown {
  if (Array.isArray(patch)) return strategicList(type, target, patch as unknown[]);
  if (!isObject(patch)) return patch;
  if (patch.$patch === 'replace') return withoutDirectives(patch);
  if (patch.$patch === 'delete') return undefined;
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  if (Array.isArray(patch.$retainKeys))
    for (const name of Object.keys(merged)) if (!patch.$retainKeys.includes(name)) Reflect.deleteProperty(merged, name);
  for (const [name, value] of Object.entries(patch)) {
    const dropped = /^\$deleteFromPrimitiveList\/(.*)$/.exec(name)?.[1];
    if (dropped !== undefined) merged[dropped] = asList(merged[dropped]).filter((item) => !asList(value).includes(item));
    else if (name.startsWith('$')) continue;
    else if (value === null) Reflect.deleteProperty(merged, name);
    else merged[name] = strategicMerge(fieldOf(type, name), merged[name], value);
  }
  return merged;
}

function strategicList(type: Type | undefined, target: unknown, patch: unknown[]): unknown {
  if (type?.is !== 'list' || type.by === 'nothing') return patch.map((item) => (isObject(item) ? withoutDirectives(item) : item));
  if (type.by === 'value') return [...new Set([...asList(target), ...patch])];
  if (patch.some((item) => isObject(item) && item.$patch === 'replace'))
    return patch.filter((item) => !(isObject(item) && item.$patch === 'replace'));
  return mergeItems(type, type.by.keys[0]?.name ?? '', asList(target), patch);
}

/** Strategic merge tells items apart by the first key alone. Patched ones come in the patch's order, the rest around them as it was. */
function mergeItems(type: ListOf, key: string, target: unknown[], patch: unknown[]): unknown[] {
  const keyOf = (item: unknown): unknown => (isObject(item) ? item[key] : undefined);
  const place = (item: unknown): number => target.findIndex((each) => keyOf(each) === keyOf(item));
  const named = new Set(patch.map(keyOf));
  if (named.has(undefined)) throw badRequest(`map: ${JSON.stringify(patch)} does not contain declared merge key: ${key}`);
  const patched = patch
    .filter((item) => !(isObject(item) && item.$patch === 'delete'))
    .map((item) => strategicMerge(type.of, target[place(item)] ?? {}, item));
  const rest = target.filter((item) => !named.has(keyOf(item)));
  const merged: unknown[] = [];
  while (patched.length && rest.length) merged.push(place(patched[0]) < place(rest[0]) ? patched.shift() : rest.shift());
  return [...merged, ...patched, ...rest];
}

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

const fieldOf = (type: Type | undefined, name: string): Type | undefined =>
  type?.is === 'struct' ? type.fields.get(name)?.type : type?.is === 'map' ? type.of : undefined;

const withoutDirectives = (patch: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(patch).filter(([name]) => !name.startsWith('$')));
