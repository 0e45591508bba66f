import { ApiProperty } from '@nestjs/swagger';

export class ProductResponse {
  @ApiProperty({ type: 'string' })
  id!: string;

  @ApiProperty({ type: 'string' })
  name!: string;

  @ApiProperty({ type: 'string' })
  description!: string;

  @ApiProperty({ type: 'array', items: { type: 'string' }, description: 'Ids of apps.' })
  apps!: string[];
}

export const productExample: ProductResponse = {
  id: 'p-3d48618a283111e8a7e3000c298454d8',
  name: 'payments',
  description: 'What takes money.',
  apps: ['peachy-waxworks'],
};
