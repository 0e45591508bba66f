import { Text } from '../http/fields.ts';

export class AddDomainDto {
  @Text({ description: 'A host name, in Unicode or ACE. Its first label may be `*`.', example: 'www.example.com' })
  domain!: string;
}
