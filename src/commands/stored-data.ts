import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { DatabaseServer } from '../database/database-server.ts';
import { maintenanceOptions } from '../database/data-source.ts';
import { Encryption, type EncryptionKey } from '../database/encryption.ts';
import type { Extension } from '../extension.ts';
import { keptSecrets, type KeptSecrets } from '../settings/data-dir.ts';
import { Settings } from '../settings/settings.ts';

/** The database of a Keelson as commands work on it, without limits of time. */
export interface StoredData {
  /** Of the role that owns the tables, where that is asked for and given. */
  dataSource: DataSource;
  encryption: Encryption;
  /** Newest first. */
  keys: readonly EncryptionKey[];
  url: string;
}

/**
 * Does some work on the database that the settings name. Of an embedded Keelson it is started for that; none is made.
 * @param extensions whose tables belong to it, too
 * @param asOwner whether the work needs more than the rights of the server
 * @throws {Error} in words
 */
export async function withStoredData<T>(
  env: NodeJS.ProcessEnv,
  extensions: readonly Extension[],
  work: (data: StoredData) => Promise<T>,
  { asOwner = false }: { asOwner?: boolean } = {},
): Promise<T> {
  const settings = Settings.only(env, ['databaseUrl', 'migrationDatabaseUrl', 'dataDir', 'encryptionKeys'], secretsThereIn);
  if (settings.databaseUrl === undefined) assertDatabaseIn(settings.dataDir);
  const server = await DatabaseServer.open(settings);
  try {
    const keys = settings.encryptionKeys;
    const encryption = new Encryption(keys);
    const url = (asOwner ? server.ownerUrl : undefined) ?? server.url;
    const dataSource = await new DataSource(await maintenanceOptions(url, encryption, extensions)).initialize();
    try {
      return await work({ dataSource, encryption, keys, url });
    } finally {
      await dataSource.destroy();
    }
  } finally {
    await server.close();
  }
}

/** Those of an embedded Keelson; of a folder without any none are made. */
function secretsThereIn(dataDir: string): KeptSecrets {
  assertDatabaseIn(dataDir);
  return keptSecrets(dataDir);
}

function assertDatabaseIn(dataDir: string): void {
  if (existsSync(join(dataDir, 'postgres', 'data'))) return;
  throw new Error(`There is no database in ${dataDir}: name that of the Keelson by DATA_DIR, or DATABASE_URL.`);
}
