import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareDataDir } from '../settings/data-dir.ts';
import { isRunning, processIdentity } from './process-identity.ts';

/**
 * Makes this process the only one on the data folder, until the returned function is called or the process ends.
 * A lock whose process is gone, or whose number another process has by now, is taken over.
 * @throws {Error} in words while another Keelson has the folder
 */
export function lockDataFolder(folder: string): () => void {
  prepareDataDir(folder);
  const lock = join(folder, 'lock');
  const mine = processIdentity(process.pid);
  const draft = join(folder, `.lock.${randomBytes(6).toString('hex')}`);
  writeFileSync(draft, mine, { mode: 0o600, flag: 'wx' });
  try {
    for (;;) {
      try {
        // a link fails where the name is taken, and what it names is whole
        linkSync(draft, lock);
        return () => unlock(lock, mine);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = readIfThere(lock);
      if (holder === undefined) continue;
      if (isRunning(holder)) throw new Error(inUse(folder, holder));
      setAside(folder, lock, holder);
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Removes a dead process's lock, unless another process has replaced it meanwhile: then that one's is put back. */
function setAside(folder: string, lock: string, dead: string): void {
  const aside = join(folder, `.lock.${randomBytes(6).toString('hex')}`);
  try {
    renameSync(lock, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    if (readFileSync(aside, 'utf8') !== dead) linkSync(aside, lock);
  } finally {
    rmSync(aside, { force: true });
  }
}

function unlock(lock: string, mine: string): void {
  if (readIfThere(lock) === mine) rmSync(lock, { force: true });
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function inUse(folder: string, holder: string): string {
  return `Another Keelson, process ${holder.split(' ')[0]}, is using ${folder}. Stop it, or name another folder by DATA_DIR (and another PORT).`;
}
