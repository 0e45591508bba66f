import { Text } from '../http/fields.ts';

export class RunCommandDto {
  @Text({
    blank: true,
    optional: true,
    nullable: true,
    description: 'Required. What a shell is to run, `/bin/sh` in the image of the app. Of users who are bound by ACLs: plain words.',
    example: 'echo hi',
  })
  command?: string | null;
}
