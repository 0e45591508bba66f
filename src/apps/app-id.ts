import { adjectives, nouns } from './app-words.ts';

/** An app's id is a namespace and a Service: DNS labels (RFC 1035). */
const MAX_LENGTH = 63;

/**
 * What is wrong with an id that somebody chose for an app; whether it is taken is for the database and the cluster to say.
 * @param reserved names that no app may have
 */
export function appIdFaults(id: string, reserved: readonly string[]): string[] {
  const faults: string[] = [];
  if (id.length > MAX_LENGTH) faults.push(`Ensure this field has no more than ${MAX_LENGTH} characters.`);
  if (!/^[a-z0-9-]*$/.test(id)) {
    faults.push('App name can only contain a-z (lowercase), 0-9 and hyphens');
  } else if (!/^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(id)) {
    faults.push(
      'App name must start with an alphabetic character, cannot end with a hyphen and can only contain a-z (lowercase), 0-9 and hyphens.',
    );
  }
  if (reserved.includes(id)) faults.push(`${id} is a reserved name.`);
  return faults;
}

/**
 * An id for an app that was given none: `<adjective>-<noun>`. It may be taken; then draw again.
 * @param random a whole number from 0 to below its argument, as `crypto.randomInt`
 */
export function generateAppId(random: (below: number) => number): string {
  const pick = (words: readonly string[]): string => words[random(words.length)] ?? '';
  return `${pick(adjectives)}-${pick(nouns)}`;
}
