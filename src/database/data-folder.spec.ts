import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockDataFolder } from './data-folder.ts';
import { processIdentity } from './process-identity.ts';

let folder: string;
let lock: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keelson-lock-'));
  lock = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

function otherProcess(): ChildProcess & { pid: number } {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
  if (child.pid === undefined) throw new Error('no process');
  return Object.assign(child, { pid: child.pid });
}

describe('the lock of a data folder', () => {
  it('is held by one at a time', () => {
    const unlock = lockDataFolder(folder);
    expect(() => lockDataFolder(folder)).toThrow(
      `Another Keelson, process ${process.pid}, is using ${folder}. Stop it, or name another folder`,
    );
    unlock();
    expect(readdirSync(folder)).toEqual([]);
    lockDataFolder(folder)();
  });

  it('is respected while its owner lives, and taken over once it was killed', async () => {
    const owner = otherProcess();
    writeFileSync(lock, processIdentity(owner.pid));
    expect(() => lockDataFolder(folder)).toThrow(`process ${owner.pid}, is using`);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    const unlock = lockDataFolder(folder);
    expect(readFileSync(lock, 'utf8')).toBe(processIdentity(process.pid));
    expect(readdirSync(folder)).toEqual(['lock']);
    unlock();
  });

  it('is taken over from a process whose number another one has now', () => {
    writeFileSync(lock, `${process.pid} long ago`);
    lockDataFolder(folder)();
  });

  it('is not removed for somebody who has taken over', () => {
    const unlock = lockDataFolder(folder);
    writeFileSync(lock, 'theirs');
    unlock();
    expect(readFileSync(lock, 'utf8')).toBe('theirs');
  });

  it('is in a folder for its owner alone, which is made', () => {
    const made = join(folder, 'a', 'b');
    const unlock = lockDataFolder(made);
    expect(statSync(made).mode & 0o777).toBe(0o700);
    expect(existsSync(join(made, 'lock'))).toBe(true);
    unlock();
  });
});
