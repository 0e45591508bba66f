import { type DynamicModule, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { Settings } from '../settings/settings.ts';
import { SettingsModule } from '../settings/settings.module.ts';
import { DatabaseModule } from './database.module.ts';
import { DatabaseServer } from './database-server.ts';
import { Encryption } from './encryption.ts';

let farewell: unknown;

@Injectable()
class SaysFarewell implements OnApplicationShutdown {
  constructor(private readonly source: DataSource) {}

  async onApplicationShutdown(): Promise<void> {
    farewell = await this.source.query("SELECT 'bye' AS word");
  }
}

@Module({ providers: [SaysFarewell], imports: [DatabaseModule.with([])] })
class FeatureModule {}

function withSettings(settings: Settings): DynamicModule {
  return { module: FeatureModule, imports: [SettingsModule.with(settings)] };
}

it('starts the embedded server, migrated, and ends it after everything that uses it', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'keelson-module-'));
  const settings = Settings.parse({ DATA_DIR: dataDir });
  const app = await NestFactory.createApplicationContext(withSettings(settings), { logger: ['error'], abortOnError: false });
  try {
    expect(app.get(DatabaseServer).url).toContain(encodeURIComponent(dataDir));
    expect(app.get(Encryption).open(new Encryption(settings.encryptionKeys).seal('value', 'name'), 'name')).toBe('value');
    expect(await app.get(DataSource).query('SELECT count(*)::int AS apps FROM apps')).toEqual([{ apps: 0 }]);
  } finally {
    await app.close();
  }
  expect(farewell).toEqual([{ word: 'bye' }]);
  expect(existsSync(join(dataDir, 'postgres', 'data', 'postmaster.pid'))).toBe(false);
  expect(existsSync(join(dataDir, 'lock'))).toBe(false);
  rmSync(dataDir, { recursive: true });
}, 120_000);
