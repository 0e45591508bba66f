import { ApiProperty } from '@nestjs/swagger';
import type { Cause } from './cause.ts';
import type { Operation } from './operation.entity.ts';

class CauseResponse {
  @ApiProperty({ example: 'image' })
  class!: string;

  @ApiProperty({ example: 'ErrImagePull: not found' })
  message!: string;

  @ApiProperty({ type: String, nullable: true, example: 'Pod/example-go-web-5d9c7b9c6f-abcde' })
  object!: string | null;

  @ApiProperty({ example: '2026-01-01T00:00:00.000Z' })
  since!: string;
}

/** An operation as the wire shows it. */
export class OperationResponse {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ example: 'example-go' })
  app!: string;

  @ApiProperty({ enum: ['deploy', 'scale', 'restart', 'routing', 'destroy', 'heal'] })
  kind!: string;

  @ApiProperty({ example: 3 })
  generation!: number;

  @ApiProperty({ enum: ['pending', 'running', 'succeeded', 'failed', 'superseded'] })
  state!: string;

  @ApiProperty({ type: Number, nullable: true, example: 2 })
  release!: number | null;

  @ApiProperty({ type: String, nullable: true, example: 'waiting' })
  step!: string | null;

  @ApiProperty({ type: CauseResponse, nullable: true })
  cause!: Cause | null;

  @ApiProperty({ example: 1 })
  attempts!: number;

  @ApiProperty({ example: '2026-01-01T00:00:00.000Z' })
  created!: string;

  @ApiProperty({ type: String, nullable: true, example: '2026-01-01T00:00:00.000Z' })
  started!: string | null;

  @ApiProperty({ type: String, nullable: true, example: '2026-01-01T00:00:03.000Z' })
  finished!: string | null;
}

export function operationResponse(operation: Operation): OperationResponse {
  return {
    id: operation.uuid,
    app: operation.appId,
    kind: operation.kind,
    generation: operation.generation,
    state: operation.state,
    release: operation.release,
    step: operation.step,
    cause: operation.cause,
    attempts: operation.attempts,
    created: operation.created.toISOString(),
    started: operation.started?.toISOString() ?? null,
    finished: operation.finished?.toISOString() ?? null,
  };
}
