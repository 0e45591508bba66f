import { Field, isLongerThan, type Presence, Text } from '../http/fields.ts';

// Fields that roles, products, groups and ACLs have alike.

/** Without the blanks around it, in one line. */
export const Name = (presence: Presence): PropertyDecorator =>
  Field(
    presence,
    { type: 'string', minLength: 1, maxLength: 128 },
    (value) => {
      if (typeof value !== 'string') return ['Not a valid string.'];
      if (value === '') return ['This field may not be blank.'];
      if (isLongerThan(value, 128)) return ['Ensure this field has no more than 128 characters.'];
      return /\p{Cc}/u.test(value) ? ['Control characters are not allowed.'] : [];
    },
    (value) => (typeof value === 'string' ? value.trim() : value),
  );

export const Description = (presence: Presence): PropertyDecorator => Text({ ...presence, blank: true, max: 1000 });

/**
 * A list of strings in which none counts twice, each without the blanks around it.
 * @param most how many there may be; @param longest characters that one may have
 * @param check further faults of one that is neither blank nor too long
 */
export function TextSet(options: Presence & { most: number; longest: number; check?: (item: string) => string | null }): PropertyDecorator {
  const { most, longest, check = () => null } = options;
  const fault = (item: string): string | null => {
    if (item === '') return 'An item may not be blank.';
    return isLongerThan(item, longest) ? `An item may have at most ${longest} characters.` : check(item);
  };
  return Field(
    options,
    { type: 'array', items: { type: 'string', minLength: 1, maxLength: longest }, maxItems: most },
    (value) => {
      if (!isTextList(value)) return ['Expected a list of strings.'];
      if (value.length > most) return [`Ensure this field has no more than ${most} items.`];
      return [...new Set(value.map(fault))].filter((message) => message !== null);
    },
    (value) => (isTextList(value) ? [...new Set(value.map((item) => item.trim()))] : value),
  );
}

const isTextList = (value: unknown): value is string[] => Array.isArray(value) && value.every((item) => typeof item === 'string');
