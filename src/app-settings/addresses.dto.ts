import { TextList } from '../http/fields.ts';
import { addressFaults } from './addresses.ts';

export class AddressesDto {
  @TextList({ description: 'IP addresses, and networks in CIDR notation.', example: ['203.0.113.7', '2001:db8::/32'] }, addressFaults)
  addresses!: string[];
}
