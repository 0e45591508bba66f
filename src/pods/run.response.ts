import { ApiProperty } from '@nestjs/swagger';
import { isoMillis } from '../http/times.ts';
import type { Run, RunState } from './run.entity.ts';
import type { RunResult } from './runs.service.ts';

/** How a one-off command ended. */
export class RunResultResponse {
  @ApiProperty({ type: 'integer' })
  exit_code!: number;

  @ApiProperty({ type: 'string', description: 'What it printed, standard output and errors mixed; its first MiB.' })
  output!: string;
}

export const runResultResponse = ({ exitCode, output }: RunResult): RunResultResponse => ({ exit_code: exitCode, output });

/** A one-off run, now or then. */
export class RunResponse {
  @ApiProperty({ type: 'string', format: 'uuid' })
  id!: string;

  @ApiProperty({ type: 'string', description: 'Id of the app.' })
  app!: string;

  @ApiProperty({ type: 'string', description: 'Who ran it.' })
  owner!: string;

  @ApiProperty({ type: 'string' })
  command!: string;

  @ApiProperty({
    type: 'string',
    enum: ['pending', 'running', 'finished', 'timed_out', 'lost'] satisfies RunState[],
    description: '`timed_out`: it did not start or end in time. `lost`: its pod went before it ended; it is not run again.',
  })
  state!: RunState;

  @ApiProperty({ type: 'integer', nullable: true, description: '1 if it could not be started.' })
  exit_code!: number | null;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'What it printed, or why it could not be started. Of more than 4 KiB or so a list has nothing: look at the run.',
  })
  output!: string | null;

  @ApiProperty({
    type: 'boolean',
    description: 'Whether there is more than `output` has: it printed more than is kept, or too much for a list.',
  })
  truncated!: boolean;

  @ApiProperty({ type: 'string', format: 'date-time' })
  created!: string;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  started!: string | null;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  finished!: string | null;
}

/** @param run with its owner; @param app the app's id */
export function runResponse(run: Run, app: string): RunResponse {
  return {
    id: run.uuid,
    app,
    owner: run.owner.username,
    command: run.command,
    state: run.state,
    exit_code: run.exitCode,
    output: run.output,
    truncated: run.truncated,
    created: isoMillis(run.created),
    started: run.started && isoMillis(run.started),
    finished: run.finished && isoMillis(run.finished),
  };
}

export const runExample: RunResponse = {
  id: '3f8e7c1a-62d4-4b0e-9a55-0d4c2f6b7e11',
  app: 'peachy-waxworks',
  owner: 'ada',
  command: 'echo hi',
  state: 'finished',
  exit_code: 0,
  output: 'hi\n',
  truncated: false,
  created: '2026-01-15T09:30:00.000Z',
  started: '2026-01-15T09:30:01.000Z',
  finished: '2026-01-15T09:30:01.500Z',
};
