import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../src/database/data-source.ts';
import { startEmbeddedPostgres } from '../src/database/embedded-postgres.ts';

/** Handed from the global set-up to the processes that run the suites. */
const SERVER = 'KEELSON_TEST_SERVER';
const TEMPLATE = 'KEELSON_TEST_TEMPLATE';
/** Nothing here has to survive a power cut. */
const FAST = ['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'];

let stopServer: (() => Promise<void>) | undefined;

/** An empty database with all migrations, for one test file. `url` is good as DATABASE_URL. */
export async function createTestDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const template = process.env[TEMPLATE];
  if (!template) throw new Error('No test database: run the tests by jest, with the global set-up of test/.');
  const name = `t_${randomBytes(8).toString('hex')}`;
  await asAdmin(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  return { url: databaseUrl(name), drop: () => asAdmin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

/** Once for all test files: TEST_DATABASE_URL, whose user may create databases, or else a server of its own; then the template. */
export async function startTestDatabase(): Promise<void> {
  process.env[SERVER] = process.env.TEST_DATABASE_URL ?? (await startServer());
  const template = `template_${randomBytes(8).toString('hex')}`;
  process.env[TEMPLATE] = template;
  await asAdmin(`CREATE DATABASE ${template}`);
  await migrate(databaseUrl(template));
}

export async function stopTestDatabase(): Promise<void> {
  const template = process.env[TEMPLATE];
  if (template) await asAdmin(`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`);
  await stopServer?.();
}

async function startServer(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'keelson-test-'));
  const server = await startEmbeddedPostgres(folder, FAST).catch(async (error: unknown) => {
    await rm(folder, { recursive: true });
    throw error;
  });
  const guard = endWithThisProcess(server.pid, folder);
  stopServer = async () => {
    guard.kill();
    await server.stop();
    await rm(folder, { recursive: true });
  };
  return server.url;
}

/** Ctrl-C and kill -9 leave the tests no time to stop their server. This shell reads until it is left alone, then does it. */
function endWithThisProcess(pid: number, folder: string): ChildProcess {
  const script = 'cat; kill -INT "$0"; while kill -0 "$0"; do sleep 1; done; rm -rf "$1"';
  const guard = spawn('sh', ['-c', script, String(pid), folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  guard.unref();
  (guard.stdin as Socket | null)?.unref();
  return guard;
}

function databaseUrl(name: string): string {
  const url = new URL(process.env[SERVER] ?? '');
  url.pathname = `/${name}`;
  return url.href;
}

async function asAdmin(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: process.env[SERVER] });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
