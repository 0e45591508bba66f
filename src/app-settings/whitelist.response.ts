import { ApiProperty } from '@nestjs/swagger';

export class WhitelistResponse {
  @ApiProperty({ type: [String], description: 'Addresses and networks that may come in, in the order of their coming. Empty: all may.' })
  addresses!: string[];
}

export const whitelistExample: WhitelistResponse = { addresses: ['203.0.113.7', '2001:db8::/32'] };
