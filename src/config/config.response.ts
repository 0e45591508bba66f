import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import type { ClientProgram } from '../http/client.ts';
import { utcSeconds } from '../http/times.ts';
import type { Healthchecks } from './config-content.ts';
import type { Config } from './config.entity.ts';

const MASK = '******';

const mapOf = (description: string): ApiPropertyOptions => ({ type: 'object', additionalProperties: { type: 'string' }, description });

export class ConfigResponse {
  @ApiProperty({ type: 'string', format: 'uuid' })
  uuid!: string;

  @ApiProperty({ type: 'string', description: 'Username of who made the last change.' })
  owner!: string;

  @ApiProperty({ type: 'string', description: 'Id of the app.' })
  app!: string;

  @ApiProperty(mapOf('Environment variables.'))
  values!: Record<string, string>;

  @ApiProperty(mapOf('Limits by process type, `256M` or `128M/256M` (request and limit).'))
  memory!: Record<string, string>;

  @ApiProperty(mapOf('Limits by process type, in cores or millicores: `0.5`, `500m`, `250m/500m` (request and limit).'))
  cpu!: Record<string, string>;

  @ApiProperty(mapOf('Labels that nodes must have to run the app.'))
  tags!: Record<string, string>;

  @ApiProperty(mapOf('Credentials of a private registry. Only owners see the password.'))
  registry!: Record<string, string>;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'object', additionalProperties: true },
    description: 'Probes by process type.',
  })
  healthcheck!: Healthchecks;

  @ApiProperty(mapOf('Seconds by process type.'))
  termination_grace_period!: Record<string, string>;

  @ApiProperty(mapOf('Shell commands by process type.'))
  lifecycle_post_start!: Record<string, string>;

  @ApiProperty(mapOf('Shell commands by process type.'))
  lifecycle_pre_stop!: Record<string, string>;

  @ApiProperty({ type: 'string' })
  created!: string;

  @ApiProperty({ type: 'string' })
  updated!: string;
}

/**
 * @param sees whether the password of the registry may be shown
 * @param named values that are shown beside those of the config
 */
export function configResponse(
  appId: string,
  config: Config,
  sees: { password: boolean },
  named: Record<string, string> = {},
): ConfigResponse {
  const { registry } = config;
  return {
    uuid: config.uuid,
    owner: config.owner.username,
    app: appId,
    values: { ...config.values, ...named },
    memory: config.memory,
    cpu: config.cpu,
    tags: config.tags,
    registry: 'password' in registry && !sees.password ? { ...registry, password: MASK } : registry,
    healthcheck: config.healthcheck,
    termination_grace_period: config.terminationGracePeriod,
    lifecycle_post_start: config.lifecyclePostStart,
    lifecycle_pre_stop: config.lifecyclePreStop,
    created: utcSeconds(config.created),
    updated: utcSeconds(config.updated),
  };
}

/** What the answer to a change shows among the values: the app and the release. The Go command lines print the latter under another name. */
export function releaseValues(appId: string, version: number, { go }: ClientProgram): Record<string, string> {
  const release = `v${String(version)}`;
  return { DRYCC_APP: appId, DRYCC_RELEASE: release, ...(go && { WORKFLOW_RELEASE: release }) };
}

export const configExample: ConfigResponse = {
  uuid: '8e1c3b9d-6a0f-4a83-9f0e-2f7a3f7d6a11',
  owner: 'ada',
  app: 'peachy-waxworks',
  values: { PORT: '5000', GREETING: 'hello' },
  memory: { web: '256M' },
  cpu: { web: '500m' },
  tags: {},
  registry: {},
  healthcheck: { web: { readinessProbe: { httpGet: { path: '/healthz', port: 5000 } } } },
  termination_grace_period: {},
  lifecycle_post_start: {},
  lifecycle_pre_stop: {},
  created: '2026-01-15T09:30:00UTC',
  updated: '2026-01-15T09:30:00UTC',
};
