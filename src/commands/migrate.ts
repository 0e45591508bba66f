import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { DataSource } from 'typeorm';
import { DatabaseServer } from '../database/database-server.ts';
import { maintenanceOptions, migrate } from '../database/data-source.ts';
import { Encryption } from '../database/encryption.ts';
import { knownKeys } from '../database/known-keys.ts';
import { keysInUse } from '../database/sealed-columns.ts';
import type { Extension } from '../extension.ts';
import { ensureKeysSecret } from '../secrets/key-material.ts';
import { Settings } from '../settings/settings.ts';
import { clusterFor } from './cluster-for.ts';

/**
 * `keelson migrate`: brings the database to this version; then makes the Secret that KEELSON_KEYS_SECRET names where there is none. It
 * needs no keys, and says what it did.
 */
export async function migrateCommand(args: string[], extensions: readonly Extension[]): Promise<number> {
  parseArgs({ args, options: {} });
  const settings = Settings.only(process.env, ['databaseUrl', 'migrationDatabaseUrl', 'dataDir', 'keysSecret', 'ownNamespace']);
  const server = await DatabaseServer.open(settings);
  try {
    const names = await migrate(server.url, server.ownerUrl, extensions);
    process.stdout.write(names.length > 0 ? `Migrated: ${names.join(', ')}.\n` : 'The database is up to date.\n');
    const { keysSecret: name, ownNamespace: namespace } = settings;
    if (name === undefined || namespace === undefined) return 0;
    const made = await ensureKeysSecret(clusterFor('KEELSON_KEYS_SECRET'), { namespace, name }, () =>
      storedKeys(server.ownerUrl ?? server.url, extensions),
    );
    process.stdout.write(made ? `Made the Secret ${namespace}/${name}.\n` : `The Secret ${namespace}/${name} is there.\n`);
    return 0;
  } finally {
    await server.close();
  }
}

/** The ids of the keys that the database was used with: those that a start entered, and those of values from before there was that. */
async function storedKeys(url: string, extensions: readonly Extension[]): Promise<string[]> {
  // nothing is opened or sealed here
  const none = new Encryption([{ id: 'none', key: randomBytes(32) }]);
  const dataSource = await new DataSource(await maintenanceOptions(url, none, extensions)).initialize();
  try {
    const known = (await knownKeys(dataSource.manager)).map(({ id }) => id);
    return known.length > 0 ? known : [...(await keysInUse(dataSource)).keys()].map((id) => id ?? 'unknown');
  } finally {
    await dataSource.destroy();
  }
}
