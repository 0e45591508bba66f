import { readdirSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { DataSource, type DataSourceOptions, type MigrationInterface, type QueryRunner } from 'typeorm';
import type { Extension } from '../extension.ts';
import type { Encryption } from './encryption.ts';
import { BoundedClient } from './bounded-client.ts';
import { sealedColumnsSubscriber } from './sealed-columns.subscriber.ts';
import { grantServerRole } from './server-role.ts';
import { isLockedOut } from './violated-constraint.ts';

type Class<T = object> = new (...args: never[]) => T;

/** Milliseconds that a migration waits for a table that others use: as long, requests for that table wait behind it. */
const TABLE_WAIT = 3_000;
/** Milliseconds in which they get through, before it tries again. */
const TABLE_PAUSE = 2_000;
/** How often it tries: for ten minutes, or who holds the table is likely to go on for long. */
const TABLE_TRIES = 120;

/** Any number, but every version of Keelson has the same: it keeps replicas from migrating at the same time. */
const MIGRATION_LOCK = 0x6b65656c;
const ENTITY_FILE = /\.entity\.[jt]s$/;
const MIGRATION_FILE = /(^|\/)migrations\/[^/]+(?<!\.spec)\.[jt]s$/;
/** `src`, or `dist` once compiled. */
const ROOT = dirname(import.meta.dirname);

/**
 * How Keelson reaches its database: at most 10 connections, no statement over 30 s, no transaction idle over 15 s: one that a process left
 * which is cut off holds rows that others wait for. Who waits for a row gives up after 10 s, who waits for a connection after 12 s: those
 * that wait for one row may have them all. A connection on which nothing is answered any more is given up.
 * Entities are what `**\/*.entity.ts` export, and those of extensions.
 *
 * @param url as pg reads it: hosts, socket folders (`?host=/run/postgresql`) and TLS parameters
 */
export async function dataSourceOptions(
  url: string,
  encryption: Encryption,
  extensions: readonly Extension[] = [],
): Promise<DataSourceOptions> {
  return {
    ...connectionOptions(url, {
      Client: BoundedClient,
      max: 10,
      connectionTimeoutMillis: 12_000,
      statement_timeout: 30_000,
      lock_timeout: 10_000,
      idle_in_transaction_session_timeout: 15_000,
    }),
    entities: await entitiesOf(extensions),
    subscribers: [sealedColumnsSubscriber(encryption)],
  };
}

/** For what reads or changes the whole database: it may take its time. */
export async function maintenanceOptions(
  url: string,
  encryption: Encryption,
  extensions: readonly Extension[] = [],
): Promise<DataSourceOptions> {
  return {
    ...connectionOptions(url, { max: 3 }),
    entities: await entitiesOf(extensions),
    subscribers: [sealedColumnsSubscriber(encryption)],
  };
}

/** For migrations alone: they may take their time, but don't keep others waiting for a table. A module brings its own, in a folder `migrations`. */
export async function migrationOptions(url: string, extensions: readonly Extension[] = []): Promise<DataSourceOptions> {
  const classes = await classesIn(MIGRATION_FILE);
  return {
    ...connectionOptions(url, { max: 2, lock_timeout: TABLE_WAIT }),
    migrations: [
      ...classes.filter((found): found is Class<MigrationInterface> => 'up' in found.prototype),
      ...extensions.flatMap(({ migrations }) => migrations),
    ],
    migrationsTransactionMode: 'each',
  };
}

/**
 * Runs the migrations that the database doesn't have yet, each in a transaction, and gives their names. Replicas that start together
 * wait for each other. Migrations of a newer version that are in the database already are left alone.
 *
 * @param ownerUrl the same database for the role that owns the tables, if that is another one: the server's gets its rights then
 */
export async function migrate(url: string, ownerUrl?: string, extensions: readonly Extension[] = []): Promise<string[]> {
  const dataSource = await new DataSource(await migrationOptions(ownerUrl ?? url, extensions)).initialize();
  const lock = dataSource.createQueryRunner();
  try {
    // it may be another replica's for long
    await lock.query('SET lock_timeout = 0');
    await lock.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await assertMayMigrate(lock, dataSource, ownerUrl !== undefined);
    const done = await pendingMigrations(lock, dataSource);
    await runMigrations(dataSource);
    if (ownerUrl !== undefined) await grantServerRole(lock, url, MIGRATION_LOCK);
    return done;
  } finally {
    await lock.release();
    // ends the connection that holds the lock
    await dataSource.destroy();
  }
}

/** Runs what is pending. Whoever uses a table that is to be altered, such as `pg_dump`, isn't disturbed, and doesn't hold up others. */
async function runMigrations(dataSource: DataSource): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await dataSource.runMigrations();
      return;
    } catch (error) {
      if (!isLockedOut(error)) throw error;
      if (attempt === TABLE_TRIES) {
        throw new Error(
          'A table that is to be migrated has been in use for ten minutes, as by pg_dump: nothing of that migration was done. ' +
            'See who holds it in pg_stat_activity, and run it again: keelson migrate.',
        );
      }
      await sleep(TABLE_PAUSE);
    }
  }
}

/** @throws {Error} in words where the database lacks migrations of this version */
export async function assertMigrated(url: string, extensions: readonly Extension[] = []): Promise<void> {
  const dataSource = await new DataSource(await migrationOptions(url, extensions)).initialize();
  const runner = dataSource.createQueryRunner();
  try {
    const pending = await pendingMigrations(runner, dataSource);
    if (pending.length === 0) return;
    throw new Error(
      `The database lacks ${String(pending.length)} of the migrations of this version, the first of them ${pending[0] ?? ''}. ` +
        'Run: keelson migrate. Or set MIGRATE_ON_START=true.',
    );
  } finally {
    await runner.release();
    await dataSource.destroy();
  }
}

/** Names of the migrations that the database doesn't have yet, in the order of their times, which they end with. */
async function pendingMigrations(runner: QueryRunner, dataSource: DataSource): Promise<string[]> {
  const [{ table }] = (await runner.query(`SELECT to_regclass('public.migrations') AS table`)) as [{ table: string | null }];
  const done = table === null ? [] : ((await runner.query('SELECT name FROM migrations')) as { name: string }[]).map(({ name }) => name);
  return dataSource.migrations
    .map(({ name, constructor }) => name ?? constructor.name)
    .filter((name) => !done.includes(name))
    .sort((a, b) => (a.slice(-13) < b.slice(-13) ? -1 : 1));
}

/**
 * @param handsOn whether the role is to hand on rights on the tables, for which it must own them even if nothing is to be migrated
 * @throws {Error} in words where the tables belong to another role, or the role may make none, and it has to do more than look at them
 */
async function assertMayMigrate(runner: QueryRunner, dataSource: DataSource, handsOn: boolean): Promise<void> {
  const [{ role, creates, owner }] = (await runner.query(
    `SELECT current_user AS role, has_schema_privilege('public', 'CREATE') AS creates,
            min(pg_get_userbyid(relowner)) FILTER (WHERE NOT pg_has_role(relowner, 'USAGE')) AS owner
       FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`,
  )) as [{ role: string; creates: boolean; owner: string | null }];
  if (handsOn && owner !== null) {
    throw new Error(
      `There are tables that belong to the role ${owner}, not to ${role} of MIGRATION_DATABASE_URL. If ${role} is to own them, stop Keelson and ` +
        `have a superuser run in this database: REASSIGN OWNED BY ${pg.escapeIdentifier(owner)} TO ${pg.escapeIdentifier(role)};`,
    );
  }
  if (creates && owner === null) return;
  if ((await pendingMigrations(runner, dataSource)).length === 0) return;
  throw new Error(
    `The database has to be migrated, and the role ${role} of DATABASE_URL may not do that${owner === null ? '' : `: its tables belong to ${owner}`}. ` +
      'Run: keelson migrate, with MIGRATION_DATABASE_URL for the role that owns the tables.',
  );
}

/** The URL is handed on whole: TypeORM's own reading of it doesn't know socket folders. */
function connectionOptions(url: string, pool: { max: number; [option: string]: unknown }): DataSourceOptions & { type: 'postgres' } {
  return {
    type: 'postgres',
    applicationName: 'keelson',
    synchronize: false,
    installExtensions: false,
    extra: { connectionString: url, connectionTimeoutMillis: 5000, ...pool },
  };
}

async function entitiesOf(extensions: readonly Extension[]): Promise<Class[]> {
  return [...(await classesIn(ENTITY_FILE)), ...extensions.flatMap(({ entities }) => entities)];
}

/** The classes that the files export whose path below `src` (or `dist`) matches. */
async function classesIn(files: RegExp): Promise<Class[]> {
  const paths = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).map((path) => path.split(sep).join('/'));
  // as relative paths they are the same for ES modules and for the CommonJS that the tests run
  const modules = await Promise.all(
    paths
      .filter((path) => files.test(path))
      .sort()
      .map((path) => import(`../${path}`) as Promise<Record<string, unknown>>),
  );
  return modules.flatMap((exported) => Object.values(exported)).filter((value): value is Class => typeof value === 'function');
}
