import { ApiProperty } from '@nestjs/swagger';
import type { App } from '../apps/app.entity.ts';
import { isoMillis } from '../http/times.ts';
import type { DriftField, DriftObject } from './drift-report.ts';
import type { Drift } from './drift.service.ts';

const anyJson = {
  description: 'Any JSON.',
  anyOf: [
    { type: 'string' },
    { type: 'number' },
    { type: 'boolean' },
    { type: 'array', items: {} },
    { type: 'object', nullable: true, additionalProperties: true },
  ],
};

class DriftFieldResponse implements DriftField {
  @ApiProperty({ example: 'spec.replicas' })
  path!: string;

  @ApiProperty({ ...anyJson, example: 2 })
  wanted!: unknown;

  @ApiProperty({ ...anyJson, example: 5 })
  found!: unknown;

  @ApiProperty({ type: String, nullable: true, example: 'kubectl-edit' })
  manager!: string | null;

  @ApiProperty({ type: String, nullable: true, example: '2026-01-01T00:00:00.000Z' })
  when!: string | null;
}

class DriftObjectResponse implements DriftObject {
  @ApiProperty({ example: 'Deployment' })
  kind!: string;

  @ApiProperty({ example: 'example-go-web' })
  name!: string;

  @ApiProperty({ type: [DriftFieldResponse] })
  fields!: DriftFieldResponse[];

  @ApiProperty({ example: false })
  missing!: boolean;
}

export class DriftResponse {
  @ApiProperty({ example: 'example-go' })
  app!: string;

  @ApiProperty({ type: String, nullable: true, example: '2026-01-01T00:00:03.000Z' })
  checked!: string | null;

  @ApiProperty({ enum: ['heal', 'report', 'paused'] })
  healing!: string;

  @ApiProperty({ type: [DriftObjectResponse] })
  objects!: DriftObjectResponse[];
}

export function driftResponse(app: App, { checked, healing, objects }: Drift): DriftResponse {
  return { app: app.id, checked: checked && isoMillis(checked), healing, objects };
}

export const driftExample: DriftResponse = {
  app: 'example-go',
  checked: '2026-01-01T00:00:03.000Z',
  healing: 'heal',
  objects: [
    {
      kind: 'Deployment',
      name: 'example-go-web',
      fields: [{ path: 'spec.replicas', wanted: 2, found: 5, manager: 'kubectl-edit', when: '2026-01-01T00:00:00.000Z' }],
      missing: false,
    },
  ],
};
