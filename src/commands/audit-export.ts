import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { type AuditFilter, readFilter } from '../audit/audit-filter.ts';
import { auditResponse } from '../audit/audit.response.ts';
import { AuditService } from '../audit/audit.service.ts';
import { InvalidFields } from '../http/errors.ts';
import { withStoredData } from './stored-data.ts';

const EXIT = { complete: 0, misused: 2 } as const;
const FILTERS = ['since', 'until', 'app'] as const;
const USAGE = 'Usage: keelson audit export [--since <time>] [--until <time>] [--app <id>]';

/**
 * `keelson audit export`: writes the audit log to standard output, a line of JSON for each row, oldest first, in the form of
 * `GET /v2/admin/audit`. Ends with 0 if that is all of them, with 2 where it isn't understood what is asked for. It changes nothing.
 * @throws {Error} in words where it breaks off
 */
export async function auditExport(args: string[]): Promise<number> {
  const option = { type: 'string', multiple: true } as const;
  const { values } = parseArgs({ args, options: { since: option, until: option, app: option } });
  const filter = filterOf(values);
  if (typeof filter === 'string') {
    process.stderr.write(`${filter}\n${USAGE}\n`);
    return EXIT.misused;
  }
  return withStoredData(process.env, [], async ({ dataSource }) => {
    await pipeline(lines(new AuditService(dataSource), filter), process.stdout, { end: false });
    return EXIT.complete;
  });
}

/** What is asked for, or all that is wrong with it, in words. */
function filterOf(given: { [name in (typeof FILTERS)[number]]?: string[] }): AuditFilter | string {
  const empty = FILTERS.filter((name) => given[name]?.includes(''));
  if (empty.length > 0) return empty.map((name) => `--${name} needs a value.`).join('\n');
  try {
    // an option that is given twice is a fault there, as a parameter is
    return readFilter(Object.fromEntries(FILTERS.map((name) => [name, given[name]?.length === 1 ? given[name][0] : given[name]])), FILTERS);
  } catch (error) {
    if (!(error instanceof InvalidFields)) throw error;
    return Object.entries(error.fields)
      .map(([name, messages]) => `--${name}: ${messages.join(' ')}`)
      .join('\n');
  }
}

async function* lines(audit: AuditService, filter: AuditFilter): AsyncGenerator<string> {
  for await (const rows of audit.all(filter)) yield rows.map((row) => `${JSON.stringify(auditResponse(row))}\n`).join('');
}
