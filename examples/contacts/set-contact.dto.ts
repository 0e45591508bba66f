import { EmailAddress, Text } from '../../src/http/fields.ts';

/** Also the beginning of a key in a ConfigMap. */
const ROLE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const PHONE = /^\+?[0-9][-0-9 ()]{2,31}$/;

export class RemoveContactDto {
  @Text({
    description: 'What the contact is for.',
    example: 'on-call',
    pattern: ROLE,
    message: 'A role is 1 to 63 small letters, digits and hyphens, with no hyphen at either end.',
  })
  role!: string;
}

export class SetContactDto extends RemoveContactDto {
  @EmailAddress({ description: 'Needed where there is no phone number.', example: 'on-call@example.com', optional: true })
  email?: string;

  @Text({
    description: 'Needed where there is no email address.',
    example: '+49 30 901820',
    pattern: PHONE,
    message: 'A phone number is 3 to 32 digits, blanks, hyphens and brackets, with a + in front or not.',
    optional: true,
  })
  phone?: string;
}
