import { type Presence, Text } from '../http/fields.ts';

/** A name that a user is given, or calls himself. */
export const Username = (presence: Presence): PropertyDecorator =>
  Text({
    ...presence,
    max: 150,
    pattern: /^[\w.@+-]+$/,
    message: 'Enter a valid username. This value may contain only letters, numbers and @/./+/-/_ characters.',
  });
