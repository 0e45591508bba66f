import { createHmac } from 'node:crypto';

/** Where a chain stands: what is logged, and what the chain is held against later. */
export interface Checkpoint {
  sequence: number;
  hash: string;
}

/** Message of the log line that carries a checkpoint. */
export const CHECKPOINT = 'audit checkpoint';

/** Hash before the first row. */
export const START = '';

const json = (column: string): string => `encode(sha256(convert_to(r.${column}::text, 'UTF8')), 'hex')`;

/**
 * Everything there is of a row in `audit_rows`, as texts that are the same in every session: the time in seconds to the microsecond, JSON
 * by the SHA-256 of how PostgreSQL writes it. Never change what an existing column gives: it would break every chain there is.
 */
const columns = {
  id: 'r.id::text',
  time: 'extract(epoch FROM r.time)::text',
  actor: 'r.actor',
  address: 'r.address',
  request_id: 'r.request_id',
  action: 'r.action',
  object: 'r.object',
  app_uuid: 'r.app_uuid::text',
  app: 'r.app',
  before: json('before'),
  after: json('after'),
  outcome: 'r.outcome',
} as const;

type Column = keyof typeof columns;
export type RowTexts = Record<Column, string | null> & { id: string };

export const sealedColumns = Object.keys(columns) as Column[];

/** What to SELECT from `audit_rows r` to get `RowTexts`. */
export const ROW_TEXTS = sealedColumns.map((column) => `${columns[column]} AS ${column}`).join(', ');

/** The seal of a row at its place: HMAC-SHA256, in hex, over the place, the hash before it and every column. */
export function hashOf(key: Buffer, row: RowTexts, sequence: number, previous: string): string {
  const content = JSON.stringify([sequence, previous, ...sealedColumns.map((column) => row[column])]);
  return createHmac('sha256', key).update(content).digest('hex');
}
