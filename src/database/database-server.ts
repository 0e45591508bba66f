import type { Settings } from '../settings/settings.ts';
import { lockDataFolder } from './data-folder.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';

/** The PostgreSQL that is in use: that of DATABASE_URL, or an embedded one that was started for this process. */
export class DatabaseServer {
  private readonly last: (() => Promise<void>)[] = [];

  /**
   * @param url for a connection of one's own beside the pool, such as one for LISTEN
   * @param ownerUrl for the role that owns the tables, where that is another one than the server's
   * @param close ends an embedded server; its connections must be closed before
   */
  constructor(
    readonly url: string,
    readonly ownerUrl?: string,
    readonly close: () => Promise<void> = () => Promise.resolve(),
  ) {}

  /** Has something done at the very end: requests are answered, nothing else writes any more, and the data source still works. */
  atLast(work: () => Promise<void>): void {
    this.last.push(work);
  }

  /** Does what was left for the end. */
  async finish(): Promise<void> {
    await Promise.all(this.last.map((work) => work()));
  }

  /** @throws {Error} in words when the embedded one cannot run, or another Keelson has the data folder */
  static async open(
    settings: Pick<Settings, 'databaseUrl' | 'dataDir'> & Partial<Pick<Settings, 'migrationDatabaseUrl'>>,
  ): Promise<DatabaseServer> {
    const { databaseUrl: url, migrationDatabaseUrl: ownerUrl } = settings;
    if (url !== undefined) return new DatabaseServer(url, ownerUrl);
    const unlock = lockDataFolder(settings.dataDir);
    try {
      const server = await startEmbeddedPostgres(settings.dataDir);
      return new DatabaseServer(server.url, undefined, () => server.stop().finally(unlock));
    } catch (error) {
      unlock();
      throw error;
    }
  }
}
