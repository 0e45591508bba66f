import idn from 'idn-hostname';

const MAX_LENGTH = 253;
const TOO_LONG = `Hostname must be ${String(MAX_LENGTH)} characters or less.`;
/** Longer ones are refused unseen, so that nobody keeps us busy: composing letters and leaving out invisible ones shortens only so much. */
const LOOKED_INTO = 4 * MAX_LENGTH;
/** Everything that is a dot to people, and to IDNA. */
const DOTS = /[.\u3002\uff0e\uff61]/;
const WILDCARD = '*';

/** A host name as it is stored and routed, or what keeps one from being one. */
export type DomainName = { readonly ace: string; readonly fault?: never } | { readonly ace?: never; readonly fault: string };

/**
 * The one form of a host name, however it is written: without a trailing dot, in lower case, each label as in DNS (IDNA 2008). Its first
 * label may be `*`. What a browser makes of a name (full-width letters, ideographic dots) is made of it here too.
 */
export function domainName(written: string): DomainName {
  const name = withoutTrailingDot(written);
  if (name === WILDCARD) return { fault: "Hostname can't only be a wildcard" };
  if (name.length > LOOKED_INTO) return { fault: TOO_LONG };
  const labels = name.split(DOTS);
  const prefix = labels[0] === WILDCARD ? [WILDCARD] : [];
  let ace: string;
  try {
    const host = labels.slice(prefix.length).map(aceLabel).join('.');
    ace = [...prefix, host].join('.');
    if (ace.length > MAX_LENGTH) return { fault: TOO_LONG };
    // in a name with right-to-left letters there are rules for all of its labels
    idn.isIdnHostname(host);
  } catch (error) {
    return { fault: `Hostname does not look valid, could not convert to ACE ${name}: ${(error as Error).message}` };
  }
  // an address, not a name (RFC 3696 §2)
  if (/(^|\.)\d+$/.test(ace)) return { fault: 'Hostname does not look valid.' };
  return { ace };
}

/** Whether a host name that is stored as `ace` was written like that, but for case and a trailing dot. */
export const isSpelledAs = (ace: string, written: string): boolean => withoutTrailingDot(written).toLowerCase() === ace;

const withoutTrailingDot = (name: string): string => (DOTS.test(name.slice(-1)) ? name.slice(0, -1) : name);

function aceLabel(label: string): string {
  if (label !== '' && idn.uts46map(label) === '') throw new Error('Label has only invisible characters.');
  return idn.idnHostname(label);
}
