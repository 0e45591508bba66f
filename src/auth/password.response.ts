import { ApiProperty } from '@nestjs/swagger';

export class PasswordResponse {
  @ApiProperty({ type: 'string', enum: ['password set'] })
  status!: 'password set';
}
