import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Settings } from '../settings/settings.ts';
import { DatabaseServer } from './database-server.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres.ts';
import { isRunning, processIdentity } from './process-identity.ts';

jest.setTimeout(120_000);

let folder: string;
const started: EmbeddedPostgres[] = [];

async function start(dataDir = folder): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres(dataDir, ['-c', 'fsync=off']);
  started.push(server);
  return server;
}

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

async function killed(pid: number): Promise<void> {
  const identity = processIdentity(pid);
  process.kill(pid, 'SIGKILL');
  while (isRunning(identity)) await sleep(10);
}

/** Holds data that was made once: most tests start from a copy. */
let made: string;

function copyOfMade(dataDir = folder): void {
  mkdirSync(dataDir, { recursive: true });
  execFileSync('cp', ['-a', join(made, 'postgres'), dataDir]);
}

beforeAll(async () => {
  made = mkdtempSync(join(tmpdir(), 'keelson-pg-'));
  await (await startEmbeddedPostgres(made, ['-c', 'fsync=off'])).stop();
});
afterAll(() => rmSync(made, { recursive: true }));
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'keelson-pg-'))));
afterEach(async () => {
  for (const server of started.splice(0)) await server.stop();
  rmSync(folder, { recursive: true });
});

describe('the embedded PostgreSQL', () => {
  it('keeps its data from start to start, and is gone when stopped', async () => {
    const first = await start();
    const identity = processIdentity(first.pid);
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS value');
    await first.stop();
    expect(isRunning(identity)).toBe(false);
    expect(existsSync(join(folder, 'postgres', 'data', 'postmaster.pid'))).toBe(false);
    const second = await start();
    expect(await query(second.url, 'SELECT value FROM kept')).toEqual([{ value: 42 }]);
  });

  it('listens on its socket only, and does not get the Ctrl-C that is meant for Keelson', async () => {
    copyOfMade();
    const { url, pid } = await start();
    expect(await query(url, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '' }]);
    expect(new URL(url).searchParams.get('host')).toBe(join(folder, 'postgres', 'run'));
    // a process group of this number exists only if the server leads one of its own
    expect(() => process.kill(-pid, 0)).not.toThrow();
  });

  it('is taken over from a Keelson that was killed, and stopped by who took it over', async () => {
    copyOfMade();
    const first = await start();
    const identity = processIdentity(first.pid);
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS value');
    const second = await start();
    expect(second).toMatchObject({ pid: first.pid, url: first.url });
    expect(await query(second.url, 'SELECT value FROM kept')).toEqual([{ value: 42 }]);
    await second.stop();
    expect(isRunning(identity)).toBe(false);
  });

  it('starts again at once after it was killed itself, with everything that was committed', async () => {
    copyOfMade();
    const first = await start();
    const client = new pg.Client({ connectionString: first.url });
    client.on('error', () => undefined);
    await client.connect();
    await client.query('CREATE TABLE kept AS SELECT 42 AS value');
    await killed(first.pid);
    const second = await start();
    expect(await query(second.url, 'SELECT value FROM kept')).toEqual([{ value: 42 }]);
    await client.end().catch(() => undefined);
  });

  it('starts although another process of the same user has the number of its predecessor', async () => {
    for (const name of ['one', 'other']) copyOfMade(join(folder, name));
    const one = await start(join(folder, 'one'));
    const pidFile = join(folder, 'one', 'postgres', 'data', 'postmaster.pid');
    const left = readFileSync(pidFile, 'utf8').split('\n');
    await one.stop();
    const other = await start(join(folder, 'other'));
    writeFileSync(pidFile, [other.pid, ...left.slice(1)].join('\n'));
    const again = await start(join(folder, 'one'));
    expect(again.pid).not.toBe(other.pid);
    expect(await query(again.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('starts after a start that was killed while it made the data folder', async () => {
    mkdirSync(join(folder, 'postgres', 'data.new-1a2b3c'), { recursive: true });
    writeFileSync(join(folder, 'postgres', 'data.new-1a2b3c', 'PG_VERSION'), '18\n');
    expect(await query((await start()).url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(existsSync(join(folder, 'postgres', 'data.new-1a2b3c'))).toBe(false);
  });

  it('works where the path is longer than a socket may have and odd besides, and leaves nothing elsewhere', async () => {
    const deep = join(folder, `it's, a "deep" folder 100%`, 'x'.repeat(60), 'y'.repeat(60));
    copyOfMade(deep);
    const server = await start(deep);
    const socketFolder = new URL(server.url).searchParams.get('host') ?? '';
    expect(socketFolder).not.toContain(folder);
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await server.stop();
    expect(existsSync(socketFolder)).toBe(false);
    await killed((await start(deep)).pid);
    const last = await start(deep);
    expect(await query(last.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('runs beside another one', async () => {
    for (const name of ['a', 'b']) copyOfMade(join(folder, name));
    const servers = await Promise.all([start(join(folder, 'a')), start(join(folder, 'b'))]);
    await query(servers[0].url, 'CREATE TABLE only_a (x int)');
    await expect(query(servers[1].url, 'SELECT * FROM only_a')).rejects.toThrow('does not exist');
  });

  it('says what to do where its package is not installed', async () => {
    const platform = Object.getOwnPropertyDescriptor(process, 'platform');
    Object.defineProperty(process, 'platform', { value: 'plan9' });
    try {
      await expect(startEmbeddedPostgres(folder)).rejects.toThrow(
        /^There is no embedded PostgreSQL for this machine: the package @embedded-postgres\/plan9-\w+ is not installed. Set DATABASE_URL/,
      );
    } finally {
      if (platform) Object.defineProperty(process, 'platform', platform);
    }
  });

  it('says why it does not start', async () => {
    copyOfMade();
    await (await start()).stop();
    writeFileSync(join(folder, 'postgres', 'data', 'PG_VERSION'), '9\n');
    await expect(startEmbeddedPostgres(folder)).rejects.toThrow(/does not start on .*incompatible.*Or set DATABASE_URL/s);
  });
});

describe('the database server of the settings', () => {
  it('is the embedded one without DATABASE_URL, for one Keelson at a time', async () => {
    const settings = Settings.parse({ DATA_DIR: join(folder, 'data') });
    const server = await DatabaseServer.open(settings);
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await expect(DatabaseServer.open(settings)).rejects.toThrow(`Another Keelson, process ${process.pid}, is using`);
    await server.close();
    const again = await DatabaseServer.open(settings);
    await again.close();
  });

  it('is the one that DATABASE_URL names otherwise, and is left running', async () => {
    copyOfMade();
    const { url } = await start();
    const server = await DatabaseServer.open({ databaseUrl: url, dataDir: join(folder, 'never made') });
    expect(server.url).toBe(url);
    await server.close();
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(existsSync(join(folder, 'never made'))).toBe(false);
  });
});
