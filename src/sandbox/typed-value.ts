import { isDeepStrictEqual } from 'node:util';
import { FieldSet, pathText, stepText, type Step } from './field-set.ts';
import { isObject, type JsonObject, type ListOf, type MapOf, type Struct, type Type } from './schema.ts';

/** What changed between two objects, as paths. */
export interface Comparison {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

type Granular = { is: 'fields'; type: Struct | MapOf } | { is: 'items'; type: ListOf };

/** How a value is merged: field by field, item by item, or (undefined) as a whole. */
function granularity(type: Type): Granular | undefined {
  if (type.is === 'list') return type.by === 'nothing' ? undefined : { is: 'items', type };
  if (type.is === 'map') return { is: 'fields', type };
  return type.is === 'struct' && !type.atomic ? { is: 'fields', type } : undefined;
}

const fieldType = (type: Struct | MapOf, name: string): Type | undefined => (type.is === 'map' ? type.of : type.fields.get(name)?.type);

/** The step that names an item of a list; undefined where one of its keys is missing. */
function itemStep(type: ListOf, item: unknown): Step | undefined {
  if (typeof type.by === 'string') return `v:${JSON.stringify(item)}`;
  if (!isObject(item)) return undefined;
  const keys = type.by.keys.map(({ name, fallback }) => [name, item[name] ?? fallback] as const);
  if (keys.some(([, value]) => value === undefined)) return undefined;
  return `k:${JSON.stringify(Object.fromEntries([...keys].sort(([a], [b]) => (a < b ? -1 : 1))))}`;
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0);

const asObject = (value: unknown): JsonObject => (isObject(value) ? value : {});
const asList = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

/** The items of a list by their step, in their order. */
function itemsOf(type: ListOf, value: unknown): Map<Step, unknown> {
  return new Map(
    asList(value).flatMap((item) => (itemStep(type, item) === undefined ? [] : [[itemStep(type, item) ?? '', item] as const])),
  );
}

/** The paths that an applied object claims: its leaves and its list items. */
export function fieldSet(type: Type, value: unknown): FieldSet {
  const set = new FieldSet();
  collect(type, value, [], set);
  return set;
}

function collect(type: Type, value: unknown, path: readonly Step[], set: FieldSet): void {
  const how = granularity(type);
  if (!how) {
    set.insert(path);
    return;
  }
  if (how.is === 'items') {
    for (const [step, item] of itemsOf(how.type, value)) {
      collect(how.type.of, item, [...path, step], set);
      set.insert([...path, step]);
    }
    return;
  }
  for (const [name, field] of Object.entries(asObject(value))) {
    const of = fieldType(how.type, name);
    if (!of || field === undefined) continue;
    const below = [...path, `f:${name}`];
    collect(of, field, below, set);
    if (how.type.is === 'map') set.insert(below);
  }
}

export function compare(type: Type, before: unknown, after: unknown): Comparison {
  const comparison = { added: new FieldSet(), modified: new FieldSet(), removed: new FieldSet() };
  compareAt(type, before, after, [], comparison);
  return comparison;
}

function compareAt(type: Type, before: unknown, after: unknown, path: readonly Step[], found: Comparison): void {
  const how = granularity(type);
  if (before === undefined) found.added.insert(path);
  else if (after === undefined) found.removed.insert(path);
  if (!how || (isEmpty(before) && isEmpty(after))) {
    if (before !== undefined && after !== undefined && !isDeepStrictEqual(before, after)) found.modified.insert(path);
    return;
  }
  if (how.is === 'items') {
    const old = itemsOf(how.type, before);
    const now = itemsOf(how.type, after);
    for (const step of new Set([...old.keys(), ...now.keys()]))
      compareAt(how.type.of, old.get(step), now.get(step), [...path, step], found);
    return;
  }
  const old = asObject(before);
  const now = asObject(after);
  for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
    const of = fieldType(how.type, name);
    if (of) compareAt(of, old[name], now[name], [...path, `f:${name}`], found);
  }
}

/** The live object with everything that the applied one says: maps by key, keyed lists by item (new ones last), the rest as a whole. */
export function merge(type: Type, live: unknown, applied: unknown): unknown {
  if (applied === undefined) return live;
  const how = granularity(type);
  if (!how || isEmpty(live) || isEmpty(applied)) return isEmpty(applied) && how && !isEmpty(live) && applied !== null ? live : applied;
  if (how.is === 'items') {
    const items = itemsOf(how.type, live);
    for (const [step, item] of itemsOf(how.type, applied)) items.set(step, merge(how.type.of, items.get(step), item));
    return [...items.values()];
  }
  const merged = { ...asObject(live) };
  for (const [name, field] of Object.entries(asObject(applied))) {
    const of = fieldType(how.type, name);
    merged[name] = of ? merge(of, merged[name], field) : field;
  }
  return merged;
}

/** The value without the paths of the set; containers that lose their last item go too. */
export function removeItems(type: Type, value: unknown, set: FieldSet): unknown {
  const how = granularity(type);
  if (!how || isEmpty(value)) return value;
  const keep = (step: Step, of: Type, item: unknown): unknown =>
    set.child(step).isEmpty() ? item : removeItems(of, item, set.child(step));
  if (how.is === 'items') {
    const items = asList(value).flatMap((item) => {
      const step = itemStep(how.type, item) ?? '';
      return set.has(step) ? [] : [keep(step, how.type.of, item)];
    });
    return items.length ? items : undefined;
  }
  const fields = Object.entries(asObject(value)).flatMap(([name, field]) => {
    const step = `f:${name}`;
    const of = fieldType(how.type, name);
    return set.has(step) ? [] : [[name, of ? keep(step, of, field) : field] as const];
  });
  return fields.length ? Object.fromEntries(fields) : undefined;
}

const expected: Record<string, [words: string, is: (value: unknown) => boolean]> = {
  string: ['string', (value) => typeof value === 'string'],
  Quantity: ['string', (value) => typeof value === 'string'],
  bytes: ['string', (value) => typeof value === 'string'],
  Time: ['string', (value) => typeof value === 'string'],
  MicroTime: ['string', (value) => typeof value === 'string'],
  int32: ['numeric (int or float)', (value) => typeof value === 'number'],
  int64: ['numeric (int or float)', (value) => typeof value === 'number'],
  number: ['numeric (int or float)', (value) => typeof value === 'number'],
  boolean: ['boolean', (value) => typeof value === 'boolean'],
};

const described = (value: unknown): string =>
  `${Array.isArray(value) ? 'list' : isObject(value) ? 'map' : typeof value} ${JSON.stringify(value)}`;

/** Everything about an applied object that doesn't fit the schema, each with its path. */
export function schemaFaults(type: Type, value: unknown, path: readonly Step[] = []): string[] {
  const at = pathText(path);
  if (value === null || value === undefined) return [];
  switch (type.is) {
    case 'scalar': {
      const [words, fits] = expected[type.name] ?? [];
      return !fits || fits(value) ? [] : [`${at}: expected ${words ?? ''}, got ${described(value)}`];
    }
    case 'struct':
    case 'map':
      if (!isObject(value)) return [`${at}: expected map, got ${described(value)}`];
      return Object.entries(value).flatMap(([name, field]) => {
        const of = fieldType(type, name);
        return of ? schemaFaults(of, field, [...path, `f:${name}`]) : [`${at}.${name}: field not declared in schema`];
      });
    case 'list':
      if (!Array.isArray(value)) return [`${at}: expected list, got ${described(value)}`];
      return listFaults(type, value, path);
  }
}

function listFaults(type: ListOf, items: unknown[], path: readonly Step[]): string[] {
  const seen = new Set<Step>();
  return items.flatMap((item, index) => {
    if (type.by === 'nothing') return schemaFaults(type.of, item, [...path, `i:${index}`]);
    const step = itemStep(type, item);
    if (step === undefined) {
      const missing =
        typeof type.by === 'string' ? '' : type.by.keys.find(({ name, fallback }) => asObject(item)[name] === undefined && !fallback)?.name;
      return [
        `${pathText(path)}: element ${index}: associative list with keys has an element that omits key field "${missing ?? ''}" (and doesn't have default value)`,
      ];
    }
    const repeated = seen.has(step) ? [`${pathText(path)}: duplicate entries for key ${stepText(step)}`] : [];
    seen.add(step);
    return [...repeated, ...schemaFaults(type.of, item, [...path, step])];
  });
}
