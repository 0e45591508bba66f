import { canonical, isQuantity, quantityFault } from './quantity.ts';
import { definitions } from './schema-definitions.ts';

export interface Scalar {
  is: 'scalar';
  name: string;
}

export interface Struct {
  is: 'struct';
  name: string;
  atomic: boolean;
  fields: Map<string, Field>;
}

export interface MapOf {
  is: 'map';
  of: Type;
}

export interface ListOf {
  is: 'list';
  of: Type;
  /** How its items are told apart: by the keys (with the value that stands for an absent key), by their value, or not at all. */
  by: { keys: { name: string; fallback?: string }[] } | 'value' | 'nothing';
}

export type Type = Scalar | Struct | MapOf | ListOf;

export interface Field {
  type: Type;
  required: boolean;
  /** A zero is a value of its own and stays. */
  keepsZero: boolean;
  /** Written even when nobody set it. */
  always: boolean;
}

const scalars = new Set([
  'string',
  'int32',
  'int64',
  'number',
  'boolean',
  'bytes',
  'Quantity',
  'IntOrString',
  'Time',
  'MicroTime',
  'object',
]);

const sources = new Map(
  definitions
    .trim()
    .split(/\n(?=\S)/)
    .map((text) => {
      const line = text.replace(/\s+/g, ' ');
      const [head = '', body = ''] = line.split(/: (.*)/);
      const [name = '', atomic] = head.split(' ');
      return [name, { atomic: atomic === 'atomic', body }] as const;
    }),
);

const structs = new Map<string, Struct>();

/** The schema of a kind or of one of its parts: `Deployment`, `PodSpec`. */
export function structOf(name: string): Struct {
  const known = structs.get(name);
  if (known) return known;
  const source = sources.get(name);
  if (!source) throw new Error(`the sandbox has no schema of ${name}`);
  const struct: Struct = { is: 'struct', name, atomic: source.atomic, fields: new Map() };
  structs.set(name, struct);
  for (const entry of source.body.split('; ').filter(Boolean)) {
    const [, field = '', marks = '', type = ''] = /^(\w+)([!?*]*) (.+)$/.exec(entry) ?? [];
    struct.fields.set(field, {
      type: parse(type),
      required: marks.includes('!'),
      keepsZero: marks.includes('?'),
      always: marks.includes('*'),
    });
  }
  return struct;
}

function parse(text: string): Type {
  if (scalars.has(text)) return { is: 'scalar', name: text };
  if (text.startsWith('{')) return { is: 'map', of: parse(text.slice(1, -1)) };
  if (!text.startsWith('[')) return structOf(text);
  const [, of = '', how] = /^\[(\S+)(?: (.*))?\]$/.exec(text) ?? [];
  const keys = how?.startsWith('by ') ? how.slice(3).split('+') : [];
  return {
    is: 'list',
    of: parse(of),
    by: how === 'set' ? 'value' : keys.length ? { keys: keys.map(keyOf) } : 'nothing',
  };
}

function keyOf(text: string): { name: string; fallback?: string } {
  const [name = '', fallback] = text.split('=');
  return { name, ...(fallback === undefined ? {} : { fallback }) };
}

export type Json = null | boolean | number | string | Json[] | { [field: string]: Json | undefined };
export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

const described = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'an object'
        : `the ${typeof value} ${JSON.stringify(value)}`;

/** What is wrong with the scalar, or undefined. */
function scalarFault(name: string, value: unknown): string | undefined {
  switch (name) {
    case 'string':
      return typeof value === 'string' ? undefined : `expected a string, got ${described(value)}`;
    case 'int32':
    case 'int64': {
      const limit = name === 'int32' ? 2 ** 31 : Number.MAX_SAFE_INTEGER;
      return Number.isInteger(value) && Math.abs(value as number) <= limit
        ? undefined
        : `expected a whole number (${name}), got ${described(value)}`;
    }
    case 'number':
      return typeof value === 'number' ? undefined : `expected a number, got ${described(value)}`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `expected true or false, got ${described(value)}`;
    case 'bytes':
      return typeof value === 'string' &&
        /^(?:[A-Za-z0-9+/\s]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\s*$/.test(value.replace(/[\r\n]/g, ''))
        ? undefined
        : `illegal base64 data`;
    case 'Quantity':
      return isQuantity(value) ? undefined : quantityFault;
    case 'IntOrString':
      return typeof value === 'string' || Number.isInteger(value)
        ? undefined
        : `expected a whole number or a string, got ${described(value)}`;
    case 'Time':
    case 'MicroTime':
      return typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value))
        ? undefined
        : `expected a time as RFC 3339 writes it, got ${described(value)}`;
    default:
      return isObject(value) ? undefined : `expected an object, got ${described(value)}`;
  }
}

function writtenScalar(name: string, value: unknown): unknown {
  if (name === 'Quantity') return canonical(value as string | number);
  if (name === 'Time') return `${new Date(value as string).toISOString().slice(0, 19)}Z`;
  if (name === 'MicroTime') return microTime(value as string);
  return value;
}

function microTime(value: string): string {
  const seconds = new Date(value).toISOString().slice(0, 19);
  const fraction = /\.(\d+)/.exec(value)?.[1] ?? '';
  return `${seconds}.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}

const zeros: Record<string, unknown> = { string: '', int32: 0, int64: 0, number: 0, boolean: false };

export interface Decoded {
  value: JsonObject;
  /** `spec.replicas: expected a whole number (int32), got the string "3"`. */
  faults: string[];
}

/**
 * Reads an object as the API server's decoder does: fields that the type doesn't have are dropped, nulls and zeros too where they say nothing,
 * times, quantities and defaults of structs are written in their one form. What is of the wrong type is named with its path.
 */
export function decode(kind: string, value: unknown): Decoded {
  const faults: string[] = [];
  const decoded = decodeStruct(structOf(kind), value, '', faults);
  return { value: decoded, faults };
}

function decodeValue(type: Type, value: unknown, path: string, faults: string[]): unknown {
  switch (type.is) {
    case 'struct':
      return decodeStruct(type, value, path, faults);
    case 'map':
      return decodeMap(type, value, path, faults);
    case 'list':
      if (!Array.isArray(value)) {
        faults.push(`${path}: expected a list, got ${described(value)}`);
        return undefined;
      }
      return value.map((item, index) => decodeValue(type.of, item, `${path}[${index}]`, faults));
    case 'scalar': {
      const fault = scalarFault(type.name, value);
      if (fault === undefined) return writtenScalar(type.name, value);
      faults.push(`${path}: ${fault}`);
      return undefined;
    }
  }
}

function decodeStruct(type: Struct, value: unknown, path: string, faults: string[]): JsonObject {
  if (!isObject(value)) {
    faults.push(`${path || 'the object'}: expected an object, got ${described(value)}`);
    return {};
  }
  const decoded: JsonObject = {};
  for (const [name, field] of type.fields) {
    const sent = value[name] ?? absent(field);
    if (sent === undefined) continue;
    const read = decodeValue(field.type, sent, path ? `${path}.${name}` : name, faults);
    if (read !== undefined && !saysNothing(field, read)) decoded[name] = read;
  }
  return decoded;
}

function decodeMap(type: MapOf, value: unknown, path: string, faults: string[]): unknown {
  if (!isObject(value)) {
    faults.push(`${path}: expected an object, got ${described(value)}`);
    return undefined;
  }
  const zero = type.of.is === 'scalar' ? (type.of.name === 'bytes' ? '' : zeros[type.of.name]) : undefined;
  const entries = Object.entries(value).map(([key, item]) => [key, decodeValue(type.of, item ?? zero, `${path}.${key}`, faults)]);
  return Object.fromEntries(entries) as JsonObject;
}

/** What stands for a field that isn't sent. */
function absent({ type, required, always }: Field): unknown {
  if (type.is === 'list') return required ? [] : undefined;
  if (!always) return undefined;
  return type.is === 'struct' ? {} : type.is === 'scalar' ? zeros[type.name] : undefined;
}

function saysNothing(field: Field, value: unknown): boolean {
  if (field.keepsZero || field.always || field.required) return false;
  if (field.type.is === 'scalar') return field.type.name !== 'IntOrString' && (value === '' || value === 0 || value === false);
  if (field.type.is === 'list') return (value as unknown[]).length === 0;
  return field.type.is === 'map' && Object.keys(value as object).length === 0;
}
