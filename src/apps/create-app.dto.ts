import { Text } from '../http/fields.ts';

export class CreateAppDto {
  @Text({
    optional: true,
    nullable: true,
    description: 'Small letters, digits and hyphens, with a letter first. By default a name is made up.',
    example: 'peachy-waxworks',
  })
  id?: string | null;
}
