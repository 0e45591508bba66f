import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Names a process for good: `<number> <when it started>`. Numbers are given out again, after a restart of the machine all of them. */
export function processIdentity(pid: number): string {
  return `${pid} ${startOf(pid) ?? 'gone'}`;
}

/** Whether the very process that an identity names is still there. */
export function isRunning(identity: string): boolean {
  const [pid = '', ...start] = identity.split(' ');
  return /^\d+$/.test(pid) && startOf(Number(pid)) === start.join(' ');
}

/** The command line of a process, its arguments separated by blanks; undefined if there is none of that number. */
export function commandOf(pid: number): string | undefined {
  if (!hasProc()) return ps(pid, 'command=');
  const command = readProc(`/proc/${pid}/cmdline`)?.split('\0').join(' ').trim();
  return command === '' ? undefined : command;
}

function startOf(pid: number): string | undefined {
  if (!hasProc()) return ps(pid, 'lstart=');
  // the second field, the program's name, is in parentheses and may hold blanks; the start, in ticks since boot, is the 22nd
  const stat = readProc(`/proc/${pid}/stat`);
  const [state, ...fields] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  if (state === undefined || state === 'Z' || state === 'X') return undefined;
  return `${readProc('/proc/sys/kernel/random/boot_id')?.trim()} ${fields[18]}`;
}

function hasProc(): boolean {
  return existsSync('/proc/self/stat');
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** For systems without /proc. */
function ps(pid: number, column: string): string | undefined {
  try {
    return (
      execFileSync('ps', ['-o', column, '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() || undefined
    );
  } catch {
    return undefined;
  }
}
