/** One part of a Kubernetes label key, and its value unless that is empty. */
const LABEL = /^(?:[a-zA-Z\d][-.\w]{0,61})?[a-zA-Z\d]$/;
/** Kubernetes takes small letters only. */
const DNS_SUBDOMAIN = /^[a-z\d]([-a-z\d]*[a-z\d])?(\.[a-z\d]([-a-z\d]*[a-z\d])?)*$/;
const MAX_PREFIX_LENGTH = 253;

function keyFaults(key: string): string[] {
  const slash = key.lastIndexOf('/');
  const prefix = key.slice(0, Math.max(slash, 0));
  const faults: string[] = [];
  if (prefix.length > MAX_PREFIX_LENGTH) faults.push('Tag key prefixes must 253 characters or less.');
  else if (slash >= 0 && !DNS_SUBDOMAIN.test(prefix)) faults.push('Tag key prefixes must be DNS subdomains.');
  if (!LABEL.test(key.slice(slash + 1))) faults.push('Tag keys must be alphanumeric or "-_.", and 1-63 characters.');
  return faults;
}

/** What is wrong with a tag: tags select nodes by label, so they follow the rules of labels. */
export function tagFaults(key: string, value: string): string[] {
  const faults = keyFaults(key);
  if (value !== '' && !LABEL.test(value)) faults.push('Tag values must be alphanumeric or "-_.", and 1-63 characters.');
  return faults;
}
