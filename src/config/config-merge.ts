import { BadRequest, Unprocessable } from '../http/errors.ts';
import type { ConfigContent, ConfigPatch, Healthchecks, MapPatch, Probe } from './config-content.ts';
import { configFields, type MapField } from './config-fields.ts';
import { probeNames, WEB_OR_CMD } from './healthcheck-rules.ts';

/** Values and credentials go into Secrets, which hold 1 MiB; the rest is left to what Keelson adds. */
const MAX_SECRET_BYTES = 900 * 1024;
/**
 * Every variable is an entry of the Deployment, of its field ownership and of each ReplicaSet and pod, and etcd takes 1.5 MiB an object:
 * so many bytes for an entry, and its name three times.
 */
const ENTRY_BYTES = 200;
const MAX_ENTRIES_BYTES = 1_000_000;
/** What else of a config becomes part of Deployments: commands, probes, tags, limits. */
const MAX_OTHER_BYTES = 256 * 1024;

/** Entries by key, in the order of their keys. */
const sorted = <T>(entries: Iterable<[string, T]>): Record<string, T> =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));

function missing(key: string, field: keyof ConfigContent): Unprocessable {
  return new Unprocessable(`${key} does not exist under ${configFields[field]}`);
}

function mergeMap(field: MapField, base: Record<string, string>, patch: MapPatch = {}): Record<string, string> {
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(patch)) {
    if (value !== null) merged.set(key, value);
    else if (!merged.delete(key)) throw missing(key, field);
  }
  return sorted(merged);
}

function mergeHealthchecks(base: Healthchecks, patch: ConfigPatch['healthcheck'] = {}): Healthchecks {
  const merged = new Map(Object.entries(base));
  for (const [type, probes] of Object.entries(patch)) {
    if (probes === null) {
      if (!merged.delete(type)) throw missing(type, 'healthcheck');
      continue;
    }
    const before = merged.get(type) ?? {};
    if (probeNames.some((name) => probes[name] === null && !before[name])) throw missing(type, 'healthcheck');
    const after = { ...before, ...probes };
    const kept = probeNames.flatMap((name): [string, Probe][] => (after[name] ? [[name, after[name]]] : []));
    // A type without probes has no entry, or it would hide those of web/cmd.
    if (kept.length > 0) merged.set(type, Object.fromEntries(kept));
    else merged.delete(type);
  }
  return sorted(merged);
}

/** Healthchecks were once set by variables: HEALTHCHECK_URL turns them into both probes of `web/cmd`. The port is filled in at deploy time. */
function convertLegacyHealthcheck(config: ConfigContent): ConfigContent {
  const path = config.values['HEALTHCHECK_URL'];
  if (path === undefined) return config;
  const setting = (name: string, byDefault: number): number => Number(config.values[`HEALTHCHECK_${name}`] ?? byDefault);
  const probe = (successThreshold: number): Probe => ({
    httpGet: { path },
    initialDelaySeconds: setting('INITIAL_DELAY', 50),
    timeoutSeconds: setting('TIMEOUT', 50),
    periodSeconds: setting('PERIOD_SECONDS', 10),
    successThreshold,
    failureThreshold: setting('FAILURE_THRESHOLD', 3),
  });
  // Kubernetes takes no other success threshold for liveness than 1.
  const probes = { livenessProbe: probe(1), readinessProbe: probe(setting('SUCCESS_THRESHOLD', 1)) };
  return {
    ...config,
    values: sorted(Object.entries(config.values).filter(([key]) => !key.startsWith('HEALTHCHECK_'))),
    healthcheck: sorted([...Object.entries(config.healthcheck).filter(([type]) => type !== WEB_OR_CMD), [WEB_OR_CMD, probes]]),
  };
}

const kibibytes = (bytes: number): string => `${Math.ceil(bytes / 1024)} KiB`;

function checkSize({ values, registry, ...others }: ConfigContent): void {
  const names = Object.keys(values);
  const secret = Buffer.byteLength([values, registry].flatMap((map) => Object.entries(map).flat()).join(''));
  if (secret > MAX_SECRET_BYTES) {
    throw new BadRequest(`The config would hold ${kibibytes(secret)}, which is more than fits: at most ${kibibytes(MAX_SECRET_BYTES)}.`);
  }
  if (names.length * ENTRY_BYTES + names.join('').length * 3 > MAX_ENTRIES_BYTES) {
    throw new BadRequest(`The config would have ${names.length} values, which are more than a process can be given.`);
  }
  const other = Buffer.byteLength(JSON.stringify(others));
  if (other > MAX_OTHER_BYTES) {
    throw new BadRequest(
      `The config's limits, tags, healthchecks and hooks would take ${kibibytes(other)}: at most ${kibibytes(MAX_OTHER_BYTES)}.`,
    );
  }
}

/**
 * What a config becomes by a patch: a full copy with sorted keys.
 *
 * Throws `Unprocessable` where null unsets what isn't there, and `BadRequest` where the result cannot be deployed.
 */
export function mergeConfig(base: ConfigContent, patch: ConfigPatch): ConfigContent {
  const map = (field: MapField): Record<string, string> => mergeMap(field, base[field], patch[field]);
  const merged = convertLegacyHealthcheck({
    values: map('values'),
    memory: map('memory'),
    cpu: map('cpu'),
    tags: map('tags'),
    registry: map('registry'),
    healthcheck: mergeHealthchecks(base.healthcheck, patch.healthcheck),
    terminationGracePeriod: map('terminationGracePeriod'),
    lifecyclePostStart: map('lifecyclePostStart'),
    lifecyclePreStop: map('lifecyclePreStop'),
  });
  if (Object.keys(merged.registry).length > 0 && merged.values['PORT'] === undefined) {
    throw new BadRequest('PORT needs to be set in the config when using a private registry');
  }
  checkSize(merged);
  return merged;
}
