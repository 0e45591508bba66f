import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { utcSeconds } from '../http/times.ts';
import type { AppSettings, Autoscale } from './app-settings.entity.ts';

class AutoscaleResponse implements Autoscale {
  @ApiProperty({ type: 'integer' })
  min!: number;

  @ApiProperty({ type: 'integer' })
  max!: number;

  @ApiProperty({ type: 'integer', description: 'Percent of the CPU that a pod requests.' })
  cpu_percent!: number;
}

@ApiExtraModels(AutoscaleResponse)
export class SettingsResponse {
  @ApiProperty({ type: 'string', format: 'uuid' })
  uuid!: string;

  @ApiProperty({ type: 'string', description: 'Username of who made the last change.' })
  owner!: string;

  @ApiProperty({ type: 'string', description: 'Id of the app.' })
  app!: string;

  @ApiProperty({ type: 'boolean', description: 'Whether requests are answered with 503 instead of reaching the app.' })
  maintenance!: boolean;

  @ApiProperty({ type: 'boolean', description: 'Whether the app is published under its domains.' })
  routable!: boolean;

  @ApiProperty({ type: [String], description: 'IP addresses and networks that may come in. Empty: all.' })
  whitelist!: string[];

  @ApiProperty({
    type: 'object',
    additionalProperties: { $ref: getSchemaPath(AutoscaleResponse) },
    description: 'By process type: between how many pods the cluster chooses by itself, and the CPU use that it aims at.',
  })
  autoscale!: Record<string, Autoscale>;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' }, description: 'Notes on the app.' })
  label!: Record<string, string>;

  @ApiProperty({ type: 'string' })
  created!: string;

  @ApiProperty({ type: 'string' })
  updated!: string;
}

export function settingsResponse(appId: string, settings: AppSettings): SettingsResponse {
  return {
    uuid: settings.uuid,
    owner: settings.owner.username,
    app: appId,
    maintenance: settings.maintenance,
    routable: settings.routable,
    whitelist: settings.whitelist,
    autoscale: settings.autoscale,
    label: settings.label,
    created: utcSeconds(settings.created),
    updated: utcSeconds(settings.updated),
  };
}

export const settingsExample: SettingsResponse = {
  uuid: '5c1d2b7a-3f61-4f0a-8f59-0c9e557d3a4f',
  owner: 'ada',
  app: 'peachy-waxworks',
  maintenance: false,
  routable: true,
  whitelist: [],
  autoscale: { web: { min: 2, max: 5, cpu_percent: 80 } },
  label: { team: 'search' },
  created: '2026-01-15T09:30:00UTC',
  updated: '2026-01-15T09:30:00UTC',
};
