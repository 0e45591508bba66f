import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import type { ClientProgram } from '../http/client.ts';
import { zuluSeconds } from '../http/times.ts';
import type { Pod } from './pod-list.ts';

/** A pod as the wire shows it. */
export class PodResponse {
  @ApiProperty({ type: 'string', description: 'As the cluster named it.' })
  name!: string;

  @ApiProperty({ type: 'string', description: 'Its process type.' })
  type!: string;

  @ApiProperty({ type: 'string', description: 'The release that it runs, as `v3`.' })
  release!: string;

  @ApiProperty({
    type: 'string',
    description: '`initializing`, `creating`, `starting`, `up`, `terminating`, `crashed` or `error`, or what Kubernetes says it waits for.',
  })
  state!: string;

  @ApiProperty({ type: 'string', description: 'When it started; now, if it has not yet. UTC.' })
  started!: string;

  @ApiProperty({
    type: 'string',
    required: false,
    description: 'How many pods its type shall have. Only for the Go command lines, which want it as a string.',
  })
  replicas?: string;
}

/** A process type without pods, which the Go command lines show as stopped unless its count is 0. */
export class StoppedTypeResponse {
  @ApiProperty({ type: 'string' })
  type!: string;

  @ApiProperty({ type: 'string', description: 'How many pods it has when it is started.' })
  replicas!: string;

  @ApiProperty({ type: 'string', enum: ['stopped'] })
  state!: 'stopped';
}

/** The pods of a selection. */
@ApiExtraModels(PodResponse, StoppedTypeResponse)
export class PodListResponse {
  @ApiProperty({ type: 'integer' })
  count!: number;

  @ApiProperty({
    type: 'array',
    items: { oneOf: [{ $ref: getSchemaPath(PodResponse) }, { $ref: getSchemaPath(StoppedTypeResponse) }] },
    description: 'For the Go command lines only, the process types without pods come after the pods.',
  })
  results!: (PodResponse | StoppedTypeResponse)[];
}

/** @param replicas wanted of its type, as far as known */
export function podResponse(pod: Pod, replicas: number | undefined, client: ClientProgram): PodResponse {
  return {
    name: pod.name,
    type: pod.type,
    release: pod.release,
    state: pod.state,
    started: zuluSeconds(pod.started ?? new Date()),
    ...(client.go && replicas !== undefined ? { replicas: String(replicas) } : {}),
  };
}

export function stoppedTypeResponse(type: string, replicas: number): StoppedTypeResponse {
  return { type, replicas: String(replicas), state: 'stopped' };
}

export const podExample: PodResponse = {
  name: 'peachy-waxworks-web-6f7d9c5b4-x2x9k',
  type: 'web',
  release: 'v4',
  state: 'up',
  started: '2026-01-15T09:30:00Z',
};
