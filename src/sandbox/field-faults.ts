import type { FieldFault } from './api-error.ts';

/** A value as Kubernetes' messages print it: Go's notation. */
const printed = (value: unknown): string => (value === undefined ? 'null' : JSON.stringify(value));

/** A map of labels in the same notation. */
export const printedMap = (map: Record<string, string> | undefined): string =>
  map
    ? `map[string]string{${Object.entries(map)
        .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
        .join(', ')}}`
    : 'map[string]string(nil)';

export const required = (field: string, detail?: string): FieldFault => ({
  field,
  reason: 'FieldValueRequired',
  message: detail ? `Required value: ${detail}` : 'Required value',
});

export const invalidValue = (field: string, value: unknown, detail: string): FieldFault => invalidPrinted(field, printed(value), detail);

export const invalidPrinted = (field: string, value: string, detail: string): FieldFault => ({
  field,
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${value}: ${detail}`,
});

export const notSupported = (field: string, value: unknown, values: readonly string[]): FieldFault => ({
  field,
  reason: 'FieldValueNotSupported',
  message: `Unsupported value: ${printed(value)}: supported values: ${values.map((each) => JSON.stringify(each)).join(', ')}`,
});

export const duplicate = (field: string, value: unknown): FieldFault => ({
  field,
  reason: 'FieldValueDuplicate',
  message: `Duplicate value: ${printed(value)}`,
});

export const forbiddenField = (field: string, detail: string): FieldFault => ({
  field,
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${detail}`,
});

export const notFoundValue = (field: string, value: unknown): FieldFault => ({
  field,
  reason: 'FieldValueNotFound',
  message: `Not found: ${printed(value)}`,
});

export const tooLong = (field: string, limit: number): FieldFault => ({
  field,
  reason: 'FieldValueTooLong',
  message: `Too long: must have at most ${limit} bytes`,
});

/** One of the values, or nothing at all. */
export const oneOf = (field: string, value: string | undefined, values: readonly string[]): FieldFault[] =>
  value === undefined || values.includes(value) ? [] : [notSupported(field, value, values)];

export const atLeastZero = (field: string, value: number | undefined): FieldFault[] =>
  value === undefined || value >= 0 ? [] : [invalidValue(field, value, 'must be greater than or equal to 0')];

/** The faults that a format finds in the value. */
export const formatted = (field: string, value: string, format: (value: string) => string[]): FieldFault[] =>
  format(value).map((message) => invalidValue(field, value, message));

/** The faults of items that have a name which an earlier one has, too. */
export function repeatedNames(field: string, items: readonly { name?: string }[]): FieldFault[] {
  const seen = new Set<string>();
  return items.flatMap(({ name }, index) => {
    const repeated = name !== undefined && seen.has(name);
    if (name !== undefined) seen.add(name);
    return repeated ? [duplicate(`${field}[${index}].name`, name)] : [];
  });
}
