import { Text } from '../http/fields.ts';

/** All are optional here: §4.5 has words of its own for what is missing. */
export class ChangePasswordDto {
  @Text({ max: 128, blank: true, optional: true, nullable: true, description: 'Required.', example: 'closesesame' })
  new_password?: string | null;

  @Text({
    blank: true,
    optional: true,
    nullable: true,
    description: 'The current password. Administrators who name a user need none.',
    example: 'opensesame',
  })
  password?: string | null;

  @Text({ optional: true, nullable: true, description: 'Whose password; your own by default.', example: 'ada' })
  username?: string | null;
}
