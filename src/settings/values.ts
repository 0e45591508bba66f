import { z } from 'zod';

/** A setting read from its text. `parse` gives undefined for a text that it refuses; `words` continue the setting's name: "must be …". */
function text<T>(parse: (text: string) => T | undefined, words: string): z.ZodType<T, string> {
  return z.string().transform((value, context) => {
    const parsed = parse(value.trim());
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: words, input: value });
    return z.NEVER;
  });
}

export const anyText = text((value) => value, '');

/** A host name in its form of DNS, lower-case: apps' names are put before it. */
export const hostName = text((value) => {
  const lower = value.toLowerCase();
  const labels = lower.split('.');
  return lower.length <= 189 && labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label)) ? lower : undefined;
}, 'must be a host name of at most 189 characters, international letters in their xn-- form');

export const hostNames = text((value) => {
  const names = commaList(value).map((name) => hostName.safeParse(name));
  return names.every(({ success }) => success) ? names.flatMap(({ data }) => data ?? []) : undefined;
}, 'must be a comma-separated list of host names, without wildcards, international letters in their xn-- form');

export const wholeNumber = (min: number, max: number): z.ZodType<number, string> =>
  text((value) => {
    const number = Number(value);
    return /^\d+$/.test(value) && number >= min && number <= max ? number : undefined;
  }, `must be a whole number from ${min} to ${max}`);

const TRUE = new Set(['true', 'yes', 'on', '1']);
const FALSE = new Set(['false', 'no', 'off', '0']);

export const flag = text((value) => {
  const lower = value.toLowerCase();
  return TRUE.has(lower) ? true : FALSE.has(lower) ? false : undefined;
}, 'must be true or false');

export function oneOf<const T extends string>(...values: readonly T[]): z.ZodType<T, string> {
  return text((value) => values.find((known) => known === value), `must be one of ${values.join(', ')}`);
}

const OBJECT_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** The name of a namespace or a service account (a shorter form than Kubernetes takes of the latter). */
export const objectName = text(
  (value) => (OBJECT_NAME.test(value) ? value : undefined),
  'must be a name of up to 63 small letters, digits and hyphens',
);

export const objectNames = text((value) => {
  const names = commaList(value);
  return names.every((name) => OBJECT_NAME.test(name)) ? names : undefined;
}, 'must be a comma-separated list of names of up to 63 small letters, digits and hyphens');

/** The name of a role, which may have colons and dots. */
export const roleName = text(
  (value) => (/^(?!\.{1,2}$)[^\s/%]{1,253}$/.test(value) ? value : undefined),
  'must be the name of a ClusterRole, without blanks, / and %',
);

export const list = text((value) => commaList(value), '');

export const secret = (minLength: number): z.ZodType<string, string> =>
  text((value) => (value.length >= minLength ? value : undefined), `must have at least ${minLength} characters`);

/** What a user may be called (specification §4.1). */
export const username = text(
  (value) => (/^[\w.@+-]{1,150}$/.test(value) ? value : undefined),
  'must be at most 150 letters, numbers and @ . + - _',
);

/** A password, from 8 to the 128 characters that a login takes. */
export const firstPassword = text(
  (value) => (value.length >= 8 && value.length <= 128 ? value : undefined),
  'must have 8 to 128 characters',
);

const SECONDS = { s: 1, m: 60, h: 3600, d: 86400 };

/** `30d`, `12h`, `15m`, `90s` or a bare number of seconds; gives seconds. */
export const duration = text((value) => {
  const [, number, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(value) ?? [];
  return number === undefined ? undefined : Number(number) * SECONDS[unit as keyof typeof SECONDS];
}, 'must be a number of seconds, or a number with a unit such as 12h or 30d');

/** A duration of a day at least, or 0: requests may wait for that long, and their repeats come back to what is kept. */
export const retention = text((value) => {
  const seconds = duration.safeParse(value);
  return seconds.success && (seconds.data === 0 || seconds.data >= SECONDS.d) ? seconds.data : undefined;
}, 'must be 0, or a duration of at least a day such as 30d');

export const jsonObject = text((value) => {
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}, 'must be a JSON object, such as {"key": "value"}');

export const jsonLabels = text((value) => {
  const labels = jsonObject.safeParse(value);
  return labels.success && Object.values(labels.data).every((label) => typeof label === 'string')
    ? (labels.data as Record<string, string>)
    : undefined;
}, 'must be a JSON object of strings, such as {"disk": "ssd"}');

export const urls = text((value) => {
  const addresses = commaList(value);
  return addresses.every((address) => /^https?:\/\//.test(address) && URL.canParse(address)) ? addresses : undefined;
}, 'must be a comma-separated list of http:// or https:// addresses');

/** Left to the PostgreSQL client to take apart: socket folders and lists of hosts make it no URL by the book. */
export const postgresUrl = text(
  (value) => (/^postgres(ql)?:\/\/\S+$/.test(value) ? value : undefined),
  'must be an address such as postgresql://user:password@host:5432/database',
);

const KEY = /^([A-Za-z0-9_-]+):([A-Za-z0-9+/]{43}=)$/;

export const encryptionKeys = text((value) => {
  const keys = commaList(value).map((entry) => {
    const [, id, key] = KEY.exec(entry) ?? [];
    return id !== undefined && key !== undefined ? { id, key: Buffer.from(key, 'base64') } : undefined;
  });
  const known = keys.filter((key) => key !== undefined);
  const distinct = new Set(known.map(({ id }) => id)).size === keys.length;
  return keys.length > 0 && known.length === keys.length && distinct ? known : undefined;
}, 'must be <id>:<base64 of 32 bytes>, newest first and comma-separated, each id once; `openssl rand -base64 32` prints a key');

/** What Fastify takes as `trustProxy`: nobody, everybody, a number of hops, or addresses and networks. */
export const trustedProxies = text<boolean | number | string[]>((value) => {
  const all = flag.safeParse(value);
  if (/^\d+$/.test(value)) return Number(value) === 0 ? false : Number(value);
  if (all.success) return all.data;
  const addresses = commaList(value);
  return addresses.length > 0 && addresses.every((address) => /^[0-9a-f:.]+(\/\d{1,3})?$/i.test(address)) ? addresses : undefined;
}, 'must be false, true, a number of proxies, or a comma-separated list of addresses and networks');

function commaList(value: string): string[] {
  return value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
