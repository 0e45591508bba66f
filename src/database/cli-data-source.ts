import { DataSource } from 'typeorm';
import { migrationOptions } from './data-source.ts';

/** Of the database that DATABASE_URL names, for TypeORM's own command line. Keelson itself migrates by `keelson migrate`. */
async function cliDataSource(): Promise<DataSource> {
  const url = process.env.DATABASE_URL;
  if (!url) throw new Error('Set DATABASE_URL to the database that the command is for.');
  return new DataSource(await migrationOptions(url));
}

export default cliDataSource();
