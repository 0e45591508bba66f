/** The kinds that have ids in the user API, by the letter that begins them. */
export type IdLetter = 'u' | 'r' | 'a' | 'g' | 'p';

/** An id of the user API: a letter, a dash, and a UUID as 32 hex digits. @param uuid as the database has it */
export const idOf = (letter: IdLetter, uuid: string): string => `${letter}-${uuid.replaceAll('-', '')}`;

/** The UUID of an id, as the database has it; undefined for what is no id of that kind. */
export function uuidOf(letter: IdLetter, id: string): string | undefined {
  const [, ...parts] = /^(\w)-([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(id) ?? [];
  return parts.shift() === letter ? parts.join('-') : undefined;
}
