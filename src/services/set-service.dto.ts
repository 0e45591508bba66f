import { processTypeFault } from '../builds/process-type-name.ts';
import { Text } from '../http/fields.ts';
import { pathPatternFaults } from './path-pattern.ts';

const typeFaults = (type: string): string[] => {
  const fault = processTypeFault(type);
  return fault === null ? [] : [fault];
};

export class RemoveServiceDto {
  @Text({ description: 'The process type that it leads to.', example: 'api', check: typeFaults })
  procfile_type!: string;
}

export class SetServiceDto extends RemoveServiceDto {
  @Text({
    max: 2048,
    description: 'Comma list of regular expressions: the paths that shall go there.',
    example: '/api/.*',
    check: pathPatternFaults,
  })
  path_pattern!: string;
}
