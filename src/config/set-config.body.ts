import { ApiPropertyOptional, type ApiPropertyOptions } from '@nestjs/swagger';

const map = (description: string, example: Record<string, unknown>): ApiPropertyOptions => ({
  type: 'object',
  additionalProperties: { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }, { type: 'null' }] },
  description,
  example,
});

/** How the body of a config request is documented; `parseConfigPatch` is what reads it. */
export class SetConfigBody {
  @ApiPropertyOptional(map('Environment variables.', { PORT: 5000, GREETING: 'hello', OBSOLETE: null }))
  values?: object;

  @ApiPropertyOptional(map('Limits by process type, `256M` or `128M/256M` (request and limit).', { web: '256M' }))
  memory?: object;

  @ApiPropertyOptional(
    map('Limits by process type, in cores or millicores: `0.5`, `500m`, `250m/500m` (request and limit).', { web: '500m' }),
  )
  cpu?: object;

  @ApiPropertyOptional(map('Labels that nodes must have to run the app.', {}))
  tags?: object;

  @ApiPropertyOptional(map('`username`, `password` and `hostname` of a private registry.', {}))
  registry?: object;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    description: '`livenessProbe` and `readinessProbe` by process type.',
    example: { web: { readinessProbe: { httpGet: { path: '/', port: 5000 } } } },
  })
  healthcheck?: object;

  @ApiPropertyOptional(map('Seconds by process type.', { web: 30 }))
  termination_grace_period?: object;

  @ApiPropertyOptional(map('Shell commands by process type.', {}))
  lifecycle_post_start?: object;

  @ApiPropertyOptional(map('Shell commands by process type.', {}))
  lifecycle_pre_stop?: object;
}
