import { type Presence, WholeNumber } from '../http/fields.ts';
import { Description, Name } from './named.fields.ts';
import { Tag } from './role.entity.ts';

const name: Presence = { description: 'Unique.', example: 'operations' };
const description: Presence = { optional: true, example: 'Decides which commands may be run.' };

const TagField = (presence: { optional?: true } = {}): PropertyDecorator =>
  WholeNumber({
    ...presence,
    description:
      'What its holders may administer: 0 everything, 1 the own account only, 2 the products that they are in with their groups and ACLs, ' +
      '3 users, 4 ACLs.',
    example: Tag.acl,
    min: Tag.superuser,
    max: Tag.acl,
  });

export class CreateRoleDto {
  @Name(name)
  name!: string;

  @Description(description)
  description: string = '';

  @TagField()
  tag!: Tag;
}

export class ChangeRoleDto {
  @Name({ ...name, optional: true })
  name?: string;

  @Description(description)
  description?: string;

  @TagField({ optional: true })
  tag?: Tag;
}
