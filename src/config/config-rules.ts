import { processTypeFault } from '../builds/process-type-name.ts';
import { BadRequest } from '../http/errors.ts';
import { FieldFaults } from '../http/field-faults.ts';
import { isJsonObject, isStorable, NOT_A_MAP, NOT_NULL, readMap, readScalar } from '../http/field-values.ts';
import type { ConfigPatch, MapPatch } from './config-content.ts';
import { configFields, mapFields, type MapField } from './config-fields.ts';
import { parseHealthchecks } from './healthcheck-rules.ts';
import { parseCpu, parseMemory, type ResourceLimits } from './resource-limits.ts';
import { tagFaults } from './tag-rules.ts';

/** Names that Keelson sets in answers or processes by itself; a client may echo them, they are never stored. */
const PLATFORM_VARIABLES = new Set(['DRYCC_APP', 'DRYCC_RELEASE', 'WORKFLOW_RELEASE']);

/** Linux starts no process with a single argument or variable of more bytes than this (MAX_ARG_STRLEN), its final NUL included. */
const MAX_STRING_BYTES = 128 * 1024;
/** Secrets take no longer key. */
const MAX_KEY_LENGTH = 253;

const MAX_INT32 = 2 ** 31 - 1;
const MAX_GRACE_SECONDS = 7 * 24 * 3600;
const MAX_MEMORY_BYTES = 1024 ** 5;
const MAX_MILLICORES = 1e9;

/** Variables that tune the platform for one app, with the whole numbers that each may be. */
const NUMBERS: Record<string, readonly [min: number, max: number]> = {
  PORT: [1, 65535],
  DRYCC_DEPLOY_BATCHES: [0, 10_000],
  DRYCC_DEPLOY_TIMEOUT: [1, 86_400],
  KUBERNETES_DEPLOYMENTS_REVISION_HISTORY_LIMIT: [0, MAX_INT32],
  KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: [0, MAX_GRACE_SECONDS],
};
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];

/** What is wrong with an entry that sets `key` to `value`. */
type EntryRule = (key: string, value: string) => (string | null)[];

const keyFault = (key: string): string | null => {
  if (!/^[a-z_]+[a-z0-9_]*$/i.test(key)) return 'Config keys must start with a letter or underscore and only contain [A-z0-9_]';
  return key.length > MAX_KEY_LENGTH ? `Config keys can have at most ${MAX_KEY_LENGTH} characters` : null;
};

function numberFault(key: string, value: string, [min, max]: readonly [number, number]): string | null {
  if (!/^\d+$/.test(value)) return `${key} can only be a numeric value`;
  return Number(value) < min || Number(value) > max ? `${key} needs to be between ${min} and ${max}` : null;
}

/** The path is told from the rest as URLs do (RFC 3986, appendix B). */
function healthcheckUrlFault(value: string): string | null {
  const [, scheme, authority, path, query, fragment] = /^([^:/?#]+:)?(\/\/[^/?#]*)?([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(value) ?? [];
  if (!path) return 'HEALTHCHECK_URL is missing a URI path (such as /healthz). Without it no health check can be done';
  return (scheme ?? authority ?? query ?? fragment)
    ? 'HEALTHCHECK_URL can only be a URI path (such as /healthz) that does not contain other things such as query params'
    : null;
}

function settingFault(key: string, value: string): string | null {
  const range = Object.hasOwn(NUMBERS, key) ? NUMBERS[key] : undefined;
  if (range) return numberFault(key, value, range);
  if (key === 'HEALTHCHECK_URL') return healthcheckUrlFault(value);
  if (key.startsWith('HEALTHCHECK_')) return numberFault(key, value, [0, MAX_INT32]);
  return key === 'IMAGE_PULL_POLICY' && !PULL_POLICIES.includes(value) ? `${key} needs to be one of ${PULL_POLICIES.join(', ')}` : null;
}

function sizeFault(what: string, bytes: number): string | null {
  return bytes <= MAX_STRING_BYTES ? null : `${what} is longer than a process can be given: at most ${MAX_STRING_BYTES - 1} bytes`;
}

function limitFault(limits: ResourceLimits | null, format: string, max: number, tooMuch: string): string | null {
  if (limits === null || limits.limit < 0 || (limits.request ?? 0) < 0) return format;
  if (limits.limit > max) return tooMuch;
  return (limits.request ?? 0) > limits.limit ? 'A request must not be more than its limit' : null;
}

const memoryFault = (value: string): string | null =>
  limitFault(
    parseMemory(value),
    'Memory limit format: <number><unit> or <number><unit>/<number><unit>, where unit = B, K, M or G',
    MAX_MEMORY_BYTES,
    `Memory limits can be at most ${MAX_MEMORY_BYTES / 1024 ** 3}G`,
  );

const cpuFault = (value: string): string | null =>
  limitFault(
    parseCpu(value),
    'CPU limit format: <value> or <value>/<value>, where value must be a numeric',
    MAX_MILLICORES,
    `CPU limits can be at most ${MAX_MILLICORES / 1000}`,
  );

function graceFault(value: string): string | null {
  if (!/^\d+$/.test(value)) return 'Termination Grace Period format: <value>, where value must be a numeric';
  return Number(value) > MAX_GRACE_SECONDS ? `Termination Grace Periods can be at most ${MAX_GRACE_SECONDS} seconds` : null;
}

function commandFault(value: string): string | null {
  return value.trim() === '' ? "Command can't be empty for process type" : sizeFault('The command', Buffer.byteLength(value) + 1);
}

const rules: Record<MapField, EntryRule> = {
  values: (key, value) => [keyFault(key), settingFault(key, value), sizeFault(key, Buffer.byteLength(`${key}=${value}`) + 1)],
  memory: (type, value) => [processTypeFault(type), memoryFault(value)],
  cpu: (type, value) => [processTypeFault(type), cpuFault(value)],
  tags: tagFaults,
  registry: (key) => [keyFault(key)],
  terminationGracePeriod: (type, value) => [processTypeFault(type), graceFault(value)],
  lifecyclePostStart: (type, value) => [processTypeFault(type), commandFault(value)],
  lifecyclePreStop: (type, value) => [processTypeFault(type), commandFault(value)],
};

/** The key that an entry is stored under; null: it is dropped. */
function storedKey(field: MapField, key: string): string | null {
  if (field === 'values' && PLATFORM_VARIABLES.has(key)) return null;
  return field === 'registry' ? key.toLowerCase() : key;
}

function parseMap(field: MapField, raw: unknown, fault: (message: string) => void): MapPatch {
  const map = readMap(raw);
  if (!map) {
    fault(raw === null ? NOT_NULL : NOT_A_MAP);
    return {};
  }
  const entries: [string, string | null][] = [];
  for (const [sent, value] of Object.entries(map)) {
    const key = storedKey(field, sent);
    const text = readScalar(value);
    if (key === null) continue;
    if (text === null) {
      if (value !== null) fault(`The value of ${key} must be a string, a number or a boolean, or null to unset it`);
    } else if (!isStorable(text)) {
      fault(`The value of ${key} must be valid Unicode without NUL characters`);
    } else {
      for (const message of rules[field](key, text)) if (message !== null) fault(message);
    }
    entries.push([key, text]);
  }
  return Object.fromEntries(entries);
}

/**
 * The body of a config request as a patch. Scalars become strings; the platform's own variables are dropped; keys of the registry
 * are lower-cased. Syntax is not checked where null unsets a key. Throws `InvalidFields` with every fault of every field.
 */
export function parseConfigPatch(body: unknown): ConfigPatch {
  if (!isJsonObject(body)) throw new BadRequest('The body must be a JSON object.');
  const faults = new FieldFaults();
  const reporter = (field: string) => (message: string) => {
    faults.add(field, message);
  };
  const patch: ConfigPatch = {};
  for (const field of mapFields) {
    const name = configFields[field];
    if (body[name] !== undefined) patch[field] = parseMap(field, body[name], reporter(name));
  }
  if (body['healthcheck'] !== undefined) {
    patch.healthcheck = parseHealthchecks(body['healthcheck'], reporter('healthcheck'));
  }
  faults.check();
  return patch;
}
