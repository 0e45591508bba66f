import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lchownSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Starts PostgreSQL's programs as the user that they run as. */
export interface Launcher {
  spawn(program: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Hands a file or folder to that user. */
  own(path: string): void;
}

interface Account {
  uid: number;
  gid: number;
}

/** PostgreSQL refuses to run as root. */
const INSTEAD_OF_ROOT = 'nobody';

/**
 * @param dataDir the folders from here to `folder` are Keelson's own
 * @param folder of the server
 * @param data of the server; if root finds it there, the server runs as its owner
 * @param programs what will be started; each answers to --version
 * @param variables of the programs' environment, beside PATH
 * @throws {Error} in words where the programs cannot be started
 */
export async function launcherFor(
  { dataDir, folder, data, programs }: { dataDir: string; folder: string; data: string; programs: readonly string[] },
  variables: Record<string, string>,
): Promise<Launcher> {
  const account = process.getuid?.() === 0 ? accountFor(data) : undefined;
  const { PATH } = process.env;
  const plainly = { env: { PATH, ...variables }, cwd: folder };
  if (!account) return { spawn: (program, args, options) => spawn(program, args, { ...plainly, ...options }), own: () => undefined };

  const own = (path: string): void => lchownSync(path, account.uid, account.gid);
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const privileged: Launcher = {
    // env(1) sets the variables once the other user has taken over: root loads no libraries from where they point
    spawn: (program, args, options) =>
      spawn('setpriv', [...readingEverywhere(account), 'env', ...assignments, program, ...args], {
        env: { PATH },
        cwd: folder,
        ...options,
      }),
    own,
  };
  // installed with a strict umask they are root's alone
  for (const program of programs) if ((statSync(program).mode & 0o001) === 0) chmodSync(program, 0o755);
  if (await starts(privileged, programs)) return privileged;

  // Without the privilege every folder above must let that user through: its own are opened to its group, the others are the operator's.
  for (const path of [dataDir, folder].filter((path) => statSync(path).uid === 0)) {
    chownSync(path, 0, account.gid);
    chmodSync(path, 0o710);
  }
  const closed = [folder, ...programs].map((path) => closedTo(account, path)).find((path) => path !== undefined);
  if (closed !== undefined) {
    throw new Error(
      `The embedded PostgreSQL does not run as root, and user ${account.uid}, which it runs as, cannot enter ${closed}. ` +
        `Allow it with: chmod o+x ${closed}. Or move Keelson or its DATA_DIR elsewhere, or set DATABASE_URL to a PostgreSQL of your own.`,
    );
  }
  return { spawn: (program, args, options) => spawn(program, args, { ...plainly, ...account, ...options }), own };
}

/**
 * For setpriv: another user, who may read files and enter folders everywhere, but write only to his own. With root's checkout or data
 * below a folder like /root, which is closed to others, he could not get at the programs or the data otherwise. The secure bit makes the
 * privilege count for access(2) too, by which PostgreSQL looks at its own programs.
 */
function readingEverywhere({ uid, gid }: Account): string[] {
  const capability = '+dac_read_search';
  return [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    `--inh-caps=${capability}`,
    `--ambient-caps=${capability}`,
    '--securebits=+no_setuid_fixup',
    '--',
  ];
}

function accountFor(data: string): Account {
  if (existsSync(data)) {
    const { uid, gid } = statSync(data);
    if (uid !== 0) return { uid, gid };
  }
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === INSTEAD_OF_ROOT);
  if (!entry) {
    throw new Error(
      `The embedded PostgreSQL does not run as root, and there is no user ${INSTEAD_OF_ROOT} to run it as. ` +
        'Run Keelson as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own.',
    );
  }
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

async function starts(launcher: Launcher, programs: readonly string[]): Promise<boolean> {
  const codes = programs.map((program) => {
    const child = launcher.spawn(program, ['--version'], { stdio: 'ignore' });
    return new Promise<number | null>((resolve) => {
      child.once('error', () => resolve(null));
      child.once('exit', resolve);
    });
  });
  return (await Promise.all(codes)).every((code) => code === 0);
}

/** The topmost folder on the way to a path that the account cannot enter. */
function closedTo({ uid, gid }: Account, path: string): string | undefined {
  const above = dirname(path);
  const higher = above === path ? undefined : closedTo({ uid, gid }, above);
  if (higher !== undefined) return higher;
  const status = statSync(path);
  const bit = status.uid === uid ? 0o100 : status.gid === gid ? 0o010 : 0o001;
  return (status.mode & bit) === 0 ? path : undefined;
}
