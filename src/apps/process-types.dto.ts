import { TextList } from '../http/fields.ts';

export class ProcessTypesDto {
  @TextList({ optional: true, nullable: true, description: 'Required. Process types of the app.', example: ['web'] })
  types?: string[] | null;
}
