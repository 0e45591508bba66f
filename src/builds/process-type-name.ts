const PATTERN = /^[a-z0-9]+(-[a-z0-9]+)*$/;
/** Bounded because it is part of a database key; what must be shorter in the cluster is cut by `kubernetes/names.ts`. */
const MAX_LENGTH = 253;

/** What is wrong with the name of a process type, or null. */
export function processTypeFault(type: string): string | null {
  if (!PATTERN.test(type)) return 'Process types can only contain lowercase alphanumeric characters';
  return type.length > MAX_LENGTH ? `Process types can have at most ${MAX_LENGTH} characters` : null;
}
