/** A step into an object: a field, the element of a list that has this value under its key, or the one at this place. */
export type Step = { field: string } | { key: string; value: unknown } | { index: number };

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** For people: `spec.ports[name=http].port`. */
export function pathText(steps: readonly Step[]): string {
  return steps.reduce((text, step) => {
    if ('field' in step) return text === '' ? step.field : `${text}.${step.field}`;
    return 'key' in step ? `${text}[${step.key}=${String(step.value)}]` : `${text}[${String(step.index)}]`;
  }, '');
}

/** What is there; undefined: nothing. */
export function stepInto(value: unknown, step: Step): unknown {
  if ('field' in step) return isObject(value) ? value[step.field] : undefined;
  if (!Array.isArray(value)) return undefined;
  return 'key' in step ? value.find((element) => isObject(element) && element[step.key] === step.value) : value[step.index];
}

export const valueAt = (object: unknown, steps: readonly Step[]): unknown => steps.reduce(stepInto, object);
