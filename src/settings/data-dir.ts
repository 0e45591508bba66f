import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, linkSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const SECRETS = 'secrets.json';
/** What a data folder holds. */
const OWN = /^(\.?secrets\.json|\.?lock|postgres)(\.|$)/;

/** The secrets that an embedded Keelson makes for itself, under the names of the settings that they stand in for. */
export type KeptSecrets = Record<'DRYCC_SECRET_KEY' | 'DRYCC_BUILDER_KEY' | 'ENCRYPTION_KEYS', string>;

/**
 * The secrets of the Keelson that keeps its data here; made at the first call. Two processes that start at once get the same.
 * @throws {Error} in words when the folder cannot be used
 */
export function keptSecrets(dataDir: string): KeptSecrets {
  prepareDataDir(dataDir);
  const file = join(dataDir, SECRETS);
  const kept = readSecrets(file);
  if (kept) return kept;
  const draft = join(dataDir, `.${SECRETS}.${randomBytes(6).toString('hex')}`);
  try {
    writeDurably(draft, `${JSON.stringify(generateSecrets(), null, 2)}\n`);
    // a link fails where the name is taken, and what it names is whole: no half-written secrets, whenever the process is killed
    linkSync(draft, file);
    syncFolder(dataDir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  const made = readSecrets(file);
  if (!made) throw new Error(`${file} is gone again as soon as it is written.`);
  return made;
}

/** Makes the folder, for its owner only. Refuses one that has other things in it: its mode is about to change. */
export function prepareDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const content = readdirSync(dataDir);
    if (content.length > 0 && !content.some((name) => OWN.test(name))) {
      throw new Error(`DATA_DIR ${dataDir} is not empty and not the data folder of a Keelson. Name an empty or a new folder.`);
    }
    chmodSync(dataDir, 0o700);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new Error(`DATA_DIR ${dataDir} cannot be used as a data folder: ${message}`);
  }
}

function readSecrets(file: string): KeptSecrets | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new Error(`Cannot read the secrets of this Keelson: ${message}`);
  }
  try {
    return JSON.parse(text) as KeptSecrets;
  } catch {
    throw new Error(`${file} is not JSON any more. Restore it from a backup: without it what is stored cannot be decrypted.`);
  }
}

/** New ones, at random. */
export function generateSecrets(): KeptSecrets {
  return {
    DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
    DRYCC_BUILDER_KEY: randomBytes(32).toString('hex'),
    ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  };
}

/** Makes a new name in the folder last through a power cut: what the secrets seal must not outlive them. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function writeDurably(file: string, text: string): void {
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
