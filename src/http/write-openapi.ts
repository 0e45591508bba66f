import { writeFileSync } from 'node:fs';
import { createApp } from '../bootstrap.ts';
import { Settings } from '../settings/settings.ts';
import { openApiDocument } from './openapi.ts';

/** The document says nothing of secrets, and no data folder shall be made for it. */
const noSecrets = {
  DRYCC_SECRET_KEY: '-'.repeat(32),
  DRYCC_BUILDER_KEY: '-',
  ENCRYPTION_KEYS: `none:${Buffer.alloc(32).toString('base64')}`,
};

/** Writes `openapi.json` into the working folder. Nothing is started for it. */
async function main(): Promise<void> {
  const app = await createApp(
    Settings.parse({ LOG_LEVEL: 'error' }, () => noSecrets),
    { preview: true },
  );
  writeFileSync('openapi.json', `${JSON.stringify(openApiDocument(app), null, 2)}\n`);
}

void main();
