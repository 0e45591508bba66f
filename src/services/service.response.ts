import { ApiProperty } from '@nestjs/swagger';
import type { Service } from './service.entity.ts';

class ServiceResponse {
  @ApiProperty({ type: 'string', description: 'The process type that it leads to.' })
  procfile_type!: string;

  @ApiProperty({ type: 'string', description: 'Comma list of regular expressions: the paths that shall go there.' })
  path_pattern!: string;
}

export class ServicesResponse {
  @ApiProperty({ type: [ServiceResponse], description: 'By process type.' })
  services!: ServiceResponse[];
}

export const servicesResponse = (services: Service[]): ServicesResponse => ({
  services: services.map(({ procfileType, pathPattern }) => ({ procfile_type: procfileType, path_pattern: pathPattern })),
});

export const servicesExample: ServicesResponse = { services: [{ procfile_type: 'api', path_pattern: '/api/.*' }] };
