import { ApiProperty } from '@nestjs/swagger';
import { isoMillis } from '../http/times.ts';
import { type AuditOutcome, auditOutcomes, type AuditRow } from './audit-row.entity.ts';

/** A row of the audit log on the wire. */
export class AuditResponse {
  @ApiProperty({ type: 'integer', nullable: true, description: 'Its place in the chain; null until it is sealed, within a second or so.' })
  sequence!: number | null;

  @ApiProperty({ format: 'date-time' })
  time!: string;

  @ApiProperty({ type: 'string', nullable: true, description: 'Username; null for nobody.' })
  actor!: string | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'Where the request came from.' })
  address!: string | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'Rows of one request have the same.' })
  request_id!: string | null;

  @ApiProperty({ description: 'What was done, as `config.set`.' })
  action!: string;

  @ApiProperty({ type: 'string', nullable: true, description: 'What it was done to, as `<kind>:<name>`.' })
  object!: string | null;

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true, description: 'Secrets are masked.' })
  before!: object | null;

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true, description: 'Secrets are masked.' })
  after!: object | null;

  @ApiProperty({
    enum: auditOutcomes,
    description:
      '`committed`: what the row tells of is done, in the database. A second row with the same `request_id` tells what the request was ' +
      'answered: `succeeded` (2xx), `accepted` (202, or 503 with a `Location`: the work goes on, and its operation tells the end), `refused` ' +
      '(4xx), `failed` (other 5xx). What somebody was kept from has one row: `refused`.',
  })
  outcome!: AuditOutcome;

  @ApiProperty({ type: 'string', nullable: true, description: 'Seal of the row, bound to the row before; null until it is sealed.' })
  hash!: string | null;
}

export function auditResponse({ seal, time, requestId, ...row }: AuditRow): AuditResponse {
  const { actor, address, action, object, before, after, outcome } = row;
  return {
    sequence: seal?.sequence ?? null,
    time: isoMillis(time),
    actor,
    address,
    request_id: requestId,
    action,
    object,
    before,
    after,
    outcome,
    hash: seal?.hash ?? null,
  };
}
