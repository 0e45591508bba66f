import { ApiProperty } from '@nestjs/swagger';

export class GroupResponse {
  @ApiProperty({ type: 'string' })
  id!: string;

  @ApiProperty({ type: 'string' })
  name!: string;

  @ApiProperty({ type: 'string' })
  product_id!: string;

  @ApiProperty({ type: 'string' })
  description!: string;

  @ApiProperty({ type: 'array', items: { type: 'string' }, description: 'Ids of apps of the product.' })
  apps!: string[];

  @ApiProperty({ type: 'array', items: { type: 'string' }, description: 'Process types; empty: all.' })
  types!: string[];
}

export const groupExample: GroupResponse = {
  id: 'g-3d48618a283111e8a7e3000c298454d8',
  name: 'night shift',
  product_id: 'p-3d48618a283111e8a7e3000c298454d8',
  description: 'Restarts the workers.',
  apps: ['peachy-waxworks'],
  types: ['worker'],
};
