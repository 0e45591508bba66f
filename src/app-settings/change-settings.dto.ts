import { readScalar } from '../http/field-values.ts';
import { Flag, Mapping, TextList } from '../http/fields.ts';
import { addressFaults } from './addresses.ts';
import { autoscaleFaults, readAutoscale } from './autoscale-rules.ts';
import type { SettingsPatch } from './settings-merge.ts';

const MAX_LABEL_KEY_LENGTH = 253;

function labelFaults(labels: Record<string, unknown>): string[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...(key.trim() === '' ? ['The name of a label may not be blank'] : []),
    ...(key.length > MAX_LABEL_KEY_LENGTH ? [`The name of a label can have at most ${String(MAX_LABEL_KEY_LENGTH)} characters`] : []),
    ...(value === null || readScalar(value) !== null ? [] : [`The value of ${key.slice(0, 60)} must be a string, a number or a boolean`]),
  ]);
}

export class ChangeSettingsDto {
  @Flag({ optional: true, description: 'Whether requests are answered with 503 instead of reaching the app.', example: false })
  maintenance?: boolean;

  @Flag({ optional: true, description: 'Whether the app is published under its domains.', example: true })
  routable?: boolean;

  @TextList(
    { optional: true, description: 'IP addresses and networks that may come in, in place of those before. Empty: all.', example: [] },
    addressFaults,
  )
  whitelist?: string[];

  @Mapping(
    {
      optional: true,
      description: 'By process type: between how many pods the cluster chooses by itself, and the CPU use that it aims at. `null` ends it.',
      example: { web: { min: 2, max: 5, cpu_percent: 80 } },
      schema: {
        type: 'object',
        additionalProperties: {
          type: 'object',
          nullable: true,
          properties: {
            min: { type: 'integer', minimum: 1 },
            max: { type: 'integer', minimum: 1 },
            cpu_percent: { type: 'integer', minimum: 1 },
          },
          required: ['min', 'max', 'cpu_percent'],
        },
      },
    },
    autoscaleFaults,
  )
  autoscale?: Record<string, unknown>;

  @Mapping(
    { optional: true, description: 'Notes on the app, as strings. `null` takes one away.', example: { team: 'search' } },
    labelFaults,
  )
  label?: Record<string, unknown>;
}

/** The change that a valid body asks for. */
export function settingsPatch({ maintenance, routable, whitelist, autoscale, label }: ChangeSettingsDto): SettingsPatch {
  return {
    ...(maintenance !== undefined && { maintenance }),
    ...(routable !== undefined && { routable }),
    ...(whitelist && { whitelist }),
    ...(autoscale && { autoscale: readAutoscale(autoscale) }),
    ...(label && {
      label: Object.fromEntries(Object.entries(label).map(([key, value]) => [key, value === null ? null : readScalar(value)])),
    }),
  };
}
