import { processTypeFault } from '../builds/process-type-name.ts';
import { isJsonObject, isStorable, NOT_A_MAP, NOT_NULL, readMap } from '../http/field-values.ts';
import type { ConfigPatch, Probe } from './config-content.ts';

/** The pseudo type whose probes serve web and cmd when these have none of their own. */
export const WEB_OR_CMD = 'web/cmd';

export const probeNames = ['livenessProbe', 'readinessProbe'] as const;
export type ProbeName = (typeof probeNames)[number];
type TypePatch = { [name in ProbeName]?: Probe | null };
type HealthcheckPatch = NonNullable<ConfigPatch['healthcheck']>;

const isProbeName = (name: string): name is ProbeName => probeNames.some((known) => known === name);

const MAX_INT32 = 2 ** 31 - 1;
const handlers = ['exec', 'httpGet', 'tcpSocket'] as const;
const integers = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const;

type Fault = (message: string) => void;

/**
 * Reads the members of one object of a probe. Null counts as absent. A member nobody knows is a fault: Kubernetes would refuse it,
 * and a misspelt name that is dropped silently is a probe that does something else.
 */
class Members {
  private readonly members: Map<string, unknown>;

  constructor(
    members: Record<string, unknown>,
    known: readonly string[],
    private readonly fault: Fault,
    private readonly path = '',
  ) {
    this.members = new Map(Object.entries(members).filter(([, value]) => value !== null));
    for (const name of this.members.keys()) {
      if (!known.includes(name)) fault(`${path}${name} is not known here, only ${known.join(', ')}`);
    }
  }

  integer(name: string, min: number, max: number, required = false): number | undefined {
    const value = this.members.get(name);
    if (value === undefined) {
      if (required) this.fault(`${this.path}${name} is required`);
      return undefined;
    }
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    this.fault(`${this.path}${name} must be an integer between ${min} and ${max}`);
    return undefined;
  }

  string(name: string): string | undefined {
    const value = this.members.get(name);
    if (value === undefined || (typeof value === 'string' && isStorable(value))) return value;
    this.fault(`${this.path}${name} must be a string`);
    return undefined;
  }

  object(name: string, known: readonly string[]): Members | undefined {
    const value = this.members.get(name);
    if (value === undefined) return undefined;
    if (isJsonObject(value)) return new Members(value, known, this.fault, `${this.path}${name}.`);
    this.fault(`${this.path}${name} must be an object`);
    return undefined;
  }

  list(name: string): unknown[] | undefined {
    const value = this.members.get(name);
    if (value === undefined || Array.isArray(value)) return value;
    this.fault(`${this.path}${name} must be a list`);
    return undefined;
  }
}

function exec(members: Members, fault: Fault): Probe['exec'] {
  const command = members.list('command') ?? [];
  const words = command.filter((word): word is string => typeof word === 'string' && isStorable(word));
  if (words.length === 0 || words.length < command.length) fault('exec.command must be a list of at least one string');
  return { command: words };
}

function httpGet(members: Members, fault: Fault): Probe['httpGet'] {
  const path = members.string('path');
  const port = members.integer('port', 1, 65535, true);
  const host = members.string('host');
  const scheme = members.string('scheme')?.toUpperCase();
  const isScheme = scheme === 'HTTP' || scheme === 'HTTPS';
  if (scheme && !isScheme) fault('httpGet.scheme must be HTTP or HTTPS');
  const httpHeaders = members.list('httpHeaders')?.map((header) => {
    const { name, value } = isJsonObject(header) ? header : {};
    if (typeof name === 'string' && /^[-A-Za-z0-9]+$/.test(name) && typeof value === 'string' && isStorable(value)) return { name, value };
    fault('httpGet.httpHeaders must be a list of {"name", "value"}, with names of letters, digits and hyphens');
    return { name: '', value: '' };
  });
  return {
    // Kubernetes takes an empty text for an absent one.
    ...(path && { path }),
    ...(port !== undefined && { port }),
    ...(host && { host }),
    ...(isScheme && { scheme }),
    ...(httpHeaders?.length && { httpHeaders }),
  };
}

function parseProbe(name: ProbeName, raw: Record<string, unknown>, report: Fault): Probe {
  const fault = (reason: string): void => {
    report(`could not validate ${name}: ${reason}`);
  };
  const members = new Members(raw, [...handlers, ...integers], fault);
  const execMembers = members.object('exec', ['command']);
  const httpMembers = members.object('httpGet', ['path', 'port', 'host', 'scheme', 'httpHeaders']);
  const tcpPort = members.object('tcpSocket', ['port'])?.integer('port', 1, 65535, true);
  if (handlers.filter((handler) => (raw[handler] ?? null) !== null).length !== 1) {
    fault(`exactly one of ${handlers.join(', ')} is required`);
  }
  const probe: Probe = {
    ...(execMembers && { exec: exec(execMembers, fault) }),
    ...(httpMembers && { httpGet: httpGet(httpMembers, fault) }),
    ...(tcpPort !== undefined && { tcpSocket: { port: tcpPort } }),
  };
  for (const integer of integers) {
    const value = members.integer(integer, 0, MAX_INT32);
    if (value !== undefined) probe[integer] = value;
  }
  // Kubernetes reads 0 as the default, which is 1.
  if (name === 'livenessProbe' && (probe.successThreshold ?? 1) > 1) report('livenessProbe successThreshold can only be 1');
  return probe;
}

function parseType(probes: Record<string, unknown>, fault: Fault): TypePatch {
  const patch: TypePatch = {};
  for (const [name, raw] of Object.entries(probes)) {
    if (!isProbeName(name)) fault('Healthcheck keys must be either livenessProbe or readinessProbe');
    else if (raw === null) patch[name] = null;
    else if (isJsonObject(raw)) patch[name] = parseProbe(name, raw, fault);
    else fault(`could not validate ${name}: it must be an object, or null to unset it`);
  }
  return patch;
}

/** Probes at the top level, without a type, are those of `web/cmd`. */
function byType(map: Record<string, unknown>): [string, unknown][] {
  const entries = Object.entries(map);
  const bare = entries.filter(([key]) => isProbeName(key));
  if (bare.length === 0) return entries;
  const typed = entries.filter(([key]) => !isProbeName(key) && key !== WEB_OR_CMD);
  return [[WEB_OR_CMD, { ...readMap(map[WEB_OR_CMD]), ...Object.fromEntries(bare) }], ...typed];
}

/** The field `healthcheck` of a config request; whatever is wrong with it goes to `fault`. */
export function parseHealthchecks(raw: unknown, fault: Fault): HealthcheckPatch {
  const map = readMap(raw);
  if (!map) {
    fault(raw === null ? NOT_NULL : NOT_A_MAP);
    return {};
  }
  const patch: [string, TypePatch | null][] = [];
  for (const [type, value] of byType(map)) {
    const probes = readMap(value);
    const typeFault = type === WEB_OR_CMD || value === null ? null : processTypeFault(type);
    if (typeFault !== null) fault(typeFault);
    if (value === null) patch.push([type, null]);
    else if (probes) patch.push([type, parseType(probes, fault)]);
    else fault(`The healthchecks of ${type} must be an object, or null to unset them`);
  }
  return Object.fromEntries(patch);
}
