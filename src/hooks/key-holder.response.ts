import { ApiProperty } from '@nestjs/swagger';

export class KeyHolderResponse {
  @ApiProperty({ type: 'string', description: 'Whose key it is.' })
  username!: string;

  @ApiProperty({ type: 'array', items: { type: 'string' }, description: 'Ids of the apps that the user may use, sorted.' })
  apps!: string[];
}

export const keyHolderExample: KeyHolderResponse = { username: 'ada', apps: ['peachy-waxworks'] };
