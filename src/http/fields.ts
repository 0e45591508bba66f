import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { isEmail, registerDecorator, type ValidationArguments } from 'class-validator';
import { isJsonObject, NOT_A_MAP, NOT_NULL, readMap } from './field-values.ts';

/**
 * The decorators of a request body's fields. Each says at once what a field must be like, with the messages that clients know, and
 * how it is documented. A field's rules are tried in the order required, null, type, blank, content: its first fault is reported,
 * together with those of all other fields.
 */

/** What is wrong with a field's value, one message a fault; empty when nothing is. `body` has the other fields, as they were sent. */
export type Check<T = unknown> = (value: T, body: Record<string, unknown>) => string[];

export interface Presence {
  /** Shown in the documentation. */
  example: unknown;
  description?: string;
  /** May be absent; the property is then undefined. */
  optional?: boolean;
  /** May be null. */
  nullable?: boolean;
}

export const fieldConstraint = 'field';
const conversionKey = Symbol('conversion');

/**
 * A field of any kind.
 * @param convert makes the property's value of the one that was sent, before it is checked; leaves alone what it does not know
 */
export function Field(
  presence: Presence,
  schema: ApiPropertyOptions,
  check: Check,
  convert: (value: unknown) => unknown = (value) => value,
): PropertyDecorator {
  const { example, description, optional = false, nullable = false } = presence;
  const faults: Check = (value, body) => {
    if (value === undefined) return optional ? [] : ['This field is required.'];
    if (value === null) return nullable ? [] : [NOT_NULL];
    return check(value, body);
  };
  return (target, key) => {
    ApiProperty({
      ...schema,
      example,
      required: !optional,
      nullable,
      ...(description === undefined ? {} : { description }),
    } as ApiPropertyOptions)(target, key);
    Reflect.defineMetadata(conversionKey, convert, target, key);
    registerDecorator({
      name: fieldConstraint,
      target: target.constructor,
      propertyName: String(key),
      validator: {
        validate: (value: unknown, args) => faults(value, bodyOf(args)).length === 0,
        // class-validator knows one message for each constraint: several travel as JSON.
        defaultMessage: (args) => JSON.stringify(faults(args?.value, bodyOf(args))),
      },
    });
  };
}

const bodyOf = (args?: ValidationArguments): Record<string, unknown> => (args?.object ?? {}) as Record<string, unknown>;

/** The value that a sent one stands for. */
export function converted(dto: object, field: string, value: unknown): unknown {
  const convert = Reflect.getMetadata(conversionKey, dto, field) as ((value: unknown) => unknown) | undefined;
  return convert ? convert(value) : value;
}

/**
 * A string. @param max characters; @param blank whether it may be empty; @param pattern with the message of a value that does not match
 * @param check further faults of one that is neither blank nor too long
 */
export function Text(
  options: Presence & { max?: number; blank?: boolean; pattern?: RegExp; message?: string; check?: Check<string> },
): PropertyDecorator {
  const { max, blank = false, pattern, message = 'Enter a valid value.', check = () => [] } = options;
  const schema = {
    type: 'string',
    ...(max === undefined ? {} : { maxLength: max }),
    ...(blank ? {} : { minLength: 1 }),
    ...(pattern ? { pattern: pattern.source } : {}),
  } as const;
  return Field(options, schema, (value, body) => {
    if (typeof value !== 'string') return ['Not a valid string.'];
    if (value.trim() === '') return blank ? [] : ['This field may not be blank.'];
    const tooLong = max !== undefined && isLongerThan(value, max);
    return [
      ...(tooLong ? [`Ensure this field has no more than ${String(max)} characters.`] : []),
      ...(pattern && !pattern.test(value) ? [message] : []),
      ...(tooLong ? [] : check(value, body)),
    ];
  });
}

/** An e-mail address of at most 254 characters, or an empty string. */
export function EmailAddress(options: Presence): PropertyDecorator {
  return Field(options, { type: 'string', maxLength: 254 }, (value) => {
    if (typeof value !== 'string') return ['Not a valid string.'];
    if (value === '' || (value.length <= 254 && isEmail(value))) return [];
    return [value.length > 254 ? 'Ensure this field has no more than 254 characters.' : 'Enter a valid email address.'];
  });
}

const truths = new Set<unknown>([true, 'true', 'True', 'TRUE', 't', 'yes', 'on', 1, '1']);
const falsehoods = new Set<unknown>([false, 'false', 'False', 'FALSE', 'f', 'no', 'off', 0, '0']);

/** A boolean; `"true"`, `1` and the like are taken for one, as the reference does. */
export function Flag(options: Presence): PropertyDecorator {
  return Field(
    options,
    { type: 'boolean' },
    (value) => (typeof value === 'boolean' ? [] : [`"${shown(value)}" is not a valid boolean.`]),
    (value) => (truths.has(value) ? true : falsehoods.has(value) ? false : value),
  );
}

/** A whole number; a string of digits is taken for one. */
export function WholeNumber(options: Presence & { min?: number; max?: number }): PropertyDecorator {
  const { min, max } = options;
  return Field(
    options,
    { type: 'integer', ...(min === undefined ? {} : { minimum: min }), ...(max === undefined ? {} : { maximum: max }) },
    (value) => {
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) return ['A valid integer is required.'];
      if (min !== undefined && value < min) return [`Ensure this value is greater than or equal to ${String(min)}.`];
      if (max !== undefined && value > max) return [`Ensure this value is less than or equal to ${String(max)}.`];
      return [];
    },
    (value) => (typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value),
  );
}

/**
 * An object, or a string with the JSON of one: older clients send maps in both ways.
 * @param check the faults of its entries
 * @param schema how it is documented; an object with values of any kind by default
 */
export function Mapping(
  options: Presence & { schema?: ApiPropertyOptions },
  check: (value: Record<string, unknown>) => string[] = () => [],
): PropertyDecorator {
  const { schema = { type: 'object', additionalProperties: true } } = options;
  return Field(
    options,
    schema,
    (value) => (isJsonObject(value) ? check(value) : [NOT_A_MAP]),
    (value) => readMap(value) ?? value,
  );
}

/** A list of strings. @param check the faults of the list once it is one */
export function TextList(options: Presence, check: (value: string[]) => string[] = () => []): PropertyDecorator {
  return Field(options, { type: 'array', items: { type: 'string' } }, (value) => {
    if (!Array.isArray(value)) return ['Expected a list of strings.'];
    return value.every((item) => typeof item === 'string') ? check(value) : ['Expected a list of strings.'];
  });
}

/** Whether a text has more characters, as people and PostgreSQL count them: one beyond the basic plane counts once. */
export const isLongerThan = (text: string, max: number): boolean =>
  text.length > 2 * max || (text.length > max && Array.from(text).length > max);

/** A value in a message: short, and without the inside of anything that has one. */
function shown(value: unknown): string {
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'an object';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
