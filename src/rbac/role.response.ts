import { ApiProperty } from '@nestjs/swagger';
import { idOf } from './ids.ts';
import { Tag, type Role } from './role.entity.ts';

export class RoleResponse {
  @ApiProperty({ type: 'string' })
  id!: string;

  @ApiProperty({ type: 'string' })
  name!: string;

  @ApiProperty({ type: 'string' })
  description!: string;

  @ApiProperty({ type: 'integer', enum: Object.values(Tag), description: 'What its holders may administer.' })
  tag!: Tag;
}

export const roleResponse = ({ uuid, name, description, tag }: Omit<Role, 'builtIn' | 'created'>): RoleResponse => ({
  id: idOf('r', uuid),
  name,
  description,
  tag,
});

export const roleExample: RoleResponse = {
  id: 'r-3d48618a283111e8a7e3000c298454d8',
  name: 'operations',
  description: 'Decides which commands may be run.',
  tag: Tag.acl,
};
