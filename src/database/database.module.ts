import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import pg from 'pg';
import { DataSource, type DataSourceOptions, type EntityManager, QueryFailedError, type QueryRunner } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import type { Extension } from '../extension.ts';
import { Settings } from '../settings/settings.ts';
import { DatabaseServer } from './database-server.ts';
import { assertMigrated, dataSourceOptions, migrate } from './data-source.ts';
import { Encryption } from './encryption.ts';
import { LeaseConnection } from './lease-connection.ts';
import { enterKeys } from './known-keys.ts';
import { Sweeper } from './sweeper.ts';
import { isOvertaken } from './violated-constraint.ts';

/** How often a transaction is tried. */
const TRIES = 3;

type Isolation = 'READ UNCOMMITTED' | 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';
type Work<T> = (manager: EntityManager) => Promise<T>;

/** The last to close a database closes its server: TypeORM's module ends the data source after everything that uses it. */
class ServedDataSource extends DataSource {
  constructor(
    options: DataSourceOptions,
    private readonly server: DatabaseServer,
    private readonly settings: Settings,
  ) {
    super(options);
  }

  /** @throws {WrongKeys} */
  override async initialize(): Promise<this> {
    await super.initialize();
    try {
      await enterKeys(this, this.server.url, this.settings.encryptionKeys);
    } catch (error) {
      await super.destroy();
      throw error;
    }
    return this;
  }

  /** Tried again when others were in its way: what is done in a transaction must be in the database alone. */
  override transaction<T>(work: Work<T>): Promise<T>;
  override transaction<T>(isolation: Isolation, work: Work<T>): Promise<T>;
  override async transaction<T>(first: Isolation | Work<T>, second?: Work<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await (typeof first === 'function' ? super.transaction(first) : super.transaction(first, second as Work<T>));
      } catch (error) {
        if (!isOvertaken(error) || attempt === TRIES) throw error;
      }
    }
  }

  /**
   * A statement on its own goes to the pool as it is: the runner that TypeORM makes for each takes longer than many a statement does.
   * Returns the rows; of an UPDATE or DELETE the rows and how many there were.
   */
  override async query<T>(statement: string, parameters?: unknown[], runner?: QueryRunner): Promise<T> {
    if (runner) return super.query<T>(statement, parameters, runner);
    this.logger.logQuery(statement, parameters);
    const pool = (this.driver as PostgresDriver).master as pg.Pool;
    try {
      const { command, rows, rowCount } = await pool.query(statement, parameters);
      return (command === 'UPDATE' || command === 'DELETE' ? [rows, rowCount] : rows) as T;
    } catch (error) {
      throw error instanceof pg.DatabaseError ? new QueryFailedError(statement, parameters, error) : error;
    }
  }

  override async destroy(): Promise<void> {
    try {
      await this.server.finish();
      await super.destroy();
    } finally {
      await this.server.close();
    }
  }
}

/**
 * The database, migrated and connected: a `DataSource`, its repositories by `TypeOrmModule.forFeature`, the {@link DatabaseServer}, the
 * {@link LeaseConnection} and the {@link Encryption}. What holds connections of its own closes them in `beforeApplicationShutdown`, or by
 * {@link DatabaseServer.atLast}.
 */
@Module({})
export class DatabaseModule {
  /** @param extensions whose tables belong to it, too */
  static with(extensions: readonly Extension[]): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        TypeOrmModule.forRootAsync({
          inject: [DatabaseServer, Encryption, Settings],
          useFactory: async (server: DatabaseServer, encryption: Encryption, settings: Settings) => {
            if (settings.migrateOnStart) await migrate(server.url, server.ownerUrl, extensions);
            else await assertMigrated(server.url, extensions);
            return { ...(await dataSourceOptions(server.url, encryption, extensions)), server, settings, retryAttempts: 1 };
          },
          dataSourceFactory: (options) => {
            const { server, settings, ...rest } = options as DataSourceOptions & { server: DatabaseServer; settings: Settings };
            return Promise.resolve(new ServedDataSource(rest, server, settings));
          },
        }),
      ],
      providers: [
        { provide: DatabaseServer, inject: [Settings], useFactory: (settings: Settings) => DatabaseServer.open(settings) },
        { provide: Encryption, inject: [Settings], useFactory: (settings: Settings) => new Encryption(settings.encryptionKeys) },
        LeaseConnection,
        Sweeper,
      ],
      exports: [DatabaseServer, Encryption, LeaseConnection, Sweeper],
    };
  }
}
