import { ApiProperty } from '@nestjs/swagger';

export class TokenResponse {
  @ApiProperty({ type: 'string', description: 'Goes into the header `Authorization: token <token>`.' })
  token!: string;
}

export const tokenExample: TokenResponse = { token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ2ZXIiOjEsInN1YiI6IjEifQ.c2lnbmF0dXJl' };
