import { Text } from '../http/fields.ts';

export class AttachCertDto {
  @Text({ optional: true, nullable: true, blank: true, description: 'Needed unless the path names it.', example: 'www.example.com' })
  domain?: string | null;
}
