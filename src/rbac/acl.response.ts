import { ApiProperty } from '@nestjs/swagger';
import type { Acl } from './acl.entity.ts';
import { idOf } from './ids.ts';

export class AclResponse {
  @ApiProperty({ type: 'string' })
  id!: string;

  @ApiProperty({ type: 'string' })
  name!: string;

  @ApiProperty({ type: 'string' })
  product_id!: string;

  @ApiProperty({ type: 'array', items: { type: 'string' }, description: 'Globs of what may be run; empty: everything that is not denied.' })
  allow!: string[];

  @ApiProperty({ type: 'array', items: { type: 'string' }, description: 'Globs of what may not be run.' })
  deny!: string[];

  @ApiProperty({ type: 'string' })
  description!: string;
}

export const aclResponse = ({ uuid, name, productUuid, allow, deny, description }: Omit<Acl, 'created'>): AclResponse => ({
  id: idOf('a', uuid),
  name,
  product_id: idOf('p', productUuid),
  allow,
  deny,
  description,
});

export const aclExample: AclResponse = {
  id: 'a-3d48618a283111e8a7e3000c298454d8',
  name: 'migrations only',
  product_id: 'p-3d48618a283111e8a7e3000c298454d8',
  allow: ['rake db:migrate*'],
  deny: ['* --force'],
  description: 'For who is on call.',
};
