import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

interface Package {
  dependencies: Record<string, string>;
  keelson: { previousRelease: { commit: string; lastMigration: string } };
}

const packageIn = (folder: string): Package => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Package;

/** The release before this one, as package.json has it: a commit, and the newest migration that it has. */
export const previousRelease = packageIn('.').keelson.previousRelease;

/** The previous release, built. */
export interface PreviousRelease {
  /** The path of a program of its own `dist/`. */
  program(path: string): string;
  /** Names of its migrations, oldest first. */
  migrations: string[];
  remove(): Promise<void>;
}

/**
 * Takes the previous release's code out of the history into a folder of its own and compiles it, with the dependencies that are installed.
 * @throws {Error} in words where one of its dependencies isn't installed any more, or the history doesn't reach so far
 */
export async function buildPreviousRelease(): Promise<PreviousRelease> {
  const folder = await mkdtemp(join(tmpdir(), 'keelson-previous-'));
  const archive = join(folder, 'code.tar');
  await execute('git', ['archive', '--output', archive, previousRelease.commit]);
  await execute('tar', ['-xf', archive, '-C', folder]);
  await rm(archive);
  await symlink(resolve('node_modules'), join(folder, 'node_modules'));
  const missing = Object.keys(packageIn(folder).dependencies).filter((name) => !existsSync(join(folder, 'node_modules', name)));
  if (missing.length > 0) throw new Error(`The previous release needs what this one has no more: ${missing.join(', ')}.`);
  await execute(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], { cwd: folder });
  return {
    program: (path) => join(folder, 'dist', path),
    migrations: migrationsIn(join(folder, 'dist')),
    remove: () => rm(folder, { recursive: true }),
  };
}

/** Names of the migrations in a compiled release, oldest first. */
export function migrationsIn(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /(^|\/)migrations\/\d{13}-[^/]+\.js$/.test(path),
  );
  const names = files.map((path) => /name = '(\w+\d{13})'/.exec(readFileSync(join(folder, path), 'utf8'))?.[1] ?? path);
  return names.sort((a, b) => (a.slice(-13) < b.slice(-13) ? -1 : 1));
}
