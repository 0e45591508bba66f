import { isDeepStrictEqual } from 'node:util';
import { MASK } from '../audit/audit-trail.ts';
import { emptyConfig, type ConfigContent, type Probe } from './config-content.ts';
import { configFields, entryOf, mapFields, type MapField } from './config-fields.ts';
import { probeNames } from './healthcheck-rules.ts';

/** What the audit log says of a change of config: by field as clients spell it, the entries that it touched. */
type Touched = Record<string, Record<string, unknown>>;

/** Nothing of these entries but their keys is shown: variables, and commands, which may have secrets in their arguments. */
const SECRET: readonly MapField[] = ['values', 'lifecyclePostStart', 'lifecyclePreStop'];

/**
 * What a change of config does, on both sides only what it changes: an entry that isn't there before or after is left out there.
 * Secrets are masked.
 * @param before null for the first config of an app
 */
export function auditedConfigs(before: ConfigContent | null, after: ConfigContent): { before: Touched; after: Touched } {
  const [from, to] = [before ?? emptyConfig(), after];
  return { before: touched(from, to), after: touched(to, from) };
}

/** The entries of one config that the other hasn't. */
function touched(one: ConfigContent, other: ConfigContent): Touched {
  const maps = mapFields.map((field): [string, object] => {
    const entries = differing<unknown>(one[field], other[field]).map(([key, value]): [string, unknown] => [
      key,
      shownEntry(field, key, value),
    ]);
    return [configFields[field], Object.fromEntries(entries)];
  });
  const probes = differing(one.healthcheck, other.healthcheck).map(([type, own]): [string, object] => [
    type,
    Object.fromEntries(probeNames.flatMap((name) => (own[name] ? [[name, shownProbe(own[name])]] : []))),
  ]);
  const fields: [string, object][] = [...maps, [configFields.healthcheck, Object.fromEntries(probes)]];
  return Object.fromEntries(fields.filter(([, entries]) => Object.keys(entries).length > 0)) as Touched;
}

const differing = <T>(map: Record<string, T>, other: Record<string, T>): [string, T][] =>
  Object.entries(map).filter(([key, value]) => !isDeepStrictEqual(value, entryOf(other, key)));

function shownEntry(field: MapField, key: string, value: unknown): unknown {
  if (SECRET.includes(field)) return MASK;
  if (field !== 'registry') return value;
  // with some registries the name is the secret, too
  return key === 'hostname' ? String(value).replace(/^([a-z][a-z0-9+.-]*:\/\/)?[^/]*@/i, `$1${MASK}@`) : MASK;
}

/** A probe without what its command, its headers and its query say. */
function shownProbe({ exec, httpGet, ...rest }: Probe): Probe {
  return {
    ...rest,
    ...(exec && { exec: { command: [MASK] } }),
    ...(httpGet && { httpGet: shownHttpGet(httpGet) }),
  };
}

type HttpGet = NonNullable<Probe['httpGet']>;

const shownHttpGet = ({ path, httpHeaders, ...rest }: HttpGet): HttpGet => ({
  ...rest,
  ...(path !== undefined && { path: path.replace(/\?.*$/s, `?${MASK}`) }),
  ...(httpHeaders && { httpHeaders: httpHeaders.map(({ name }) => ({ name, value: MASK })) }),
});
