import pg from 'pg';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { READ_APP } from './data-set.ts';
import type { Stage } from './stage.ts';

/** From the sixth use on the server may have a plan for all values; what is listed is that of one of the last. */
const REQUESTS = 12;

/** How the database carries out the statements of the five hottest paths, as it tells by auto_explain: as text. */
export async function explainPaths(stage: Stage): Promise<string> {
  const { serverLog } = stage;
  if (serverLog === null) return 'Plans are read from the log of the embedded server: unset BENCH_DATABASE_URL.\n';
  const client = new pg.Client({ connectionString: stage.database });
  await client.connect();
  const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
  const settings = {
    session_preload_libraries: 'auto_explain',
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_analyze': 'on',
    'auto_explain.log_timing': 'off',
    'auto_explain.log_buffers': 'on',
  };
  for (const [name, value] of Object.entries(settings)) {
    await client.query(`ALTER DATABASE ${pg.escapeIdentifier(rows[0]?.name ?? '')} SET ${name} = ${pg.escapeLiteral(value)}`);
  }
  await client.end();
  await stage.startKeelson();
  // after a start it looks at every app
  await stage.program.rest();
  const app = `/v2/apps/${READ_APP}`;
  const texts: string[] = [];
  for (const path of ['/v2/apps', app, `${app}/releases`, `${app}/config`, `${app}/domains`]) {
    for (let n = 1; n < REQUESTS; n++) await (await stage.call('GET', path)).text();
    const before = (await readFile(serverLog)).length;
    await (await stage.call('GET', path)).text();
    // the server writes it when the statement is over
    await sleep(300);
    const log = (await readFile(serverLog)).subarray(before).toString();
    const plans = log
      .split(/^(?=\S.*duration: )/m)
      .filter((entry) => /plan:/.test(entry) && !/\boperations\b/.test(entry))
      .map((entry) => entry.replace(/^.*duration: (\S+ ms) .*$/m, 'in $1').trimEnd());
    texts.push(`## ${path}\n\n${plans.join('\n\n')}\n`);
  }
  return texts.join('\n');
}
