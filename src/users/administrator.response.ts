import { ApiProperty } from '@nestjs/swagger';
import type { User } from './user.entity.ts';

export class AdministratorResponse {
  @ApiProperty({ type: 'string' })
  username!: string;

  @ApiProperty({ type: 'boolean', enum: [true] })
  is_superuser!: true;
}

export const administratorResponse = ({ username }: User): AdministratorResponse => ({ username, is_superuser: true });

export const administratorExample: AdministratorResponse = { username: 'ada', is_superuser: true };
