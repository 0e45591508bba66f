import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { v1 } from 'uuid';
import type { Encryption } from '../../src/database/encryption.ts';

/** How much there is of what. */
export interface DataSet {
  name: 'small' | 'large';
  apps: number;
  /** Of each app. */
  releases: number;
  users: number;
  /** Of each app, beside the one that lists are read of. */
  domains: number;
  /** Of all apps. */
  pods: number;
  /** In the audit log. */
  auditRows: number;
}

export const SMALL: DataSet = { name: 'small', apps: 100, releases: 10, users: 50, domains: 2, pods: 0, auditRows: 1_000 };
export const LARGE: DataSet = { name: 'large', apps: 10_000, releases: 10, users: 5_000, domains: 2, pods: 30_000, auditRows: 100_000 };

/** The app that one app's pages are read of, the same in every data set: so many releases and domains it has. */
export const READ_APP = 'app-00000';
export const READ_RELEASES = 100;
export const READ_DOMAINS = 20;

export const appId = (index: number): string => `app-${String(index).padStart(5, '0')}`;

const ROWS_AT_A_TIME = 2_000;

type Row = Record<string, unknown>;

/**
 * Fills a database that is migrated and has its administrator, whose id is 1. Nothing of it is in the cluster.
 * @param encryption with the key that Keelson has
 */
export async function seed(client: pg.Client, set: DataSet, encryption: Encryption): Promise<void> {
  const at = '2026-01-15T09:30:00Z';
  const users = Array.from({ length: set.users }, (_, index) => ({
    id: index + 2,
    uuid: v1(),
    username: `user-${String(index).padStart(5, '0')}`,
    password_hash: '!',
    email: `user-${index}@example.com`,
    last_login: at,
    date_joined: at,
  }));
  await insert(client, 'users', users);
  await client.query(`SELECT setval(pg_get_serial_sequence('users', 'id'), $1)`, [set.users + 2]);
  await client.query(
    `INSERT INTO user_roles (user_id, role_uuid) SELECT u.id, r.uuid FROM users u JOIN roles r ON r.built_in AND r.tag = 1 ON CONFLICT DO NOTHING`,
  );
  const apps = Array.from({ length: set.apps }, (_, index) => ({
    uuid: randomUUID(),
    id: appId(index),
    owner_id: 2 + (index % set.users),
    generation: 1,
    shown_generation: 1,
    provisioned: true,
    created: at,
    updated: at,
  }));
  await insert(client, 'apps', apps);
  const rows = {
    configs: [] as Row[],
    releases: [] as Row[],
    app_settings: [] as Row[],
    tls: [] as Row[],
    domains: [] as Row[],
    process_types: [] as Row[],
  };
  const flush = async (): Promise<void> => {
    for (const [table, some] of Object.entries(rows)) await insert(client, table, some.splice(0));
  };
  for (const [index, { uuid: app_uuid, id, owner_id }] of apps.entries()) {
    const own = (): Row => ({ uuid: randomUUID(), app_uuid, owner_id, created: at, updated: at });
    const isRead = id === READ_APP;
    for (let version = 1; version <= (isRead ? READ_RELEASES : set.releases); version++) {
      const config = own();
      const values = {
        GREETING: 'hello',
        VERSION: String(version),
        DATABASE_URL: 'postgresql://somebody:something@database.example.com/app',
      };
      const empty = Object.fromEntries(
        ['memory', 'cpu', 'tags', 'healthcheck', 'termination_grace_period', 'lifecycle_post_start', 'lifecycle_pre_stop'].map((name) => [
          name,
          {},
        ]),
      );
      rows.configs.push({
        ...config,
        ...empty,
        values: encryption.seal(JSON.stringify(values), `config.values:${String(config.uuid)}`),
        registry: encryption.seal('{}', `config.registry:${String(config.uuid)}`),
      });
      const release = own();
      const change = version === 1 ? { kind: 'create' } : { kind: 'config', patch: { values: { VERSION: String(version) } } };
      rows.releases.push({
        ...release,
        version,
        state: 'succeeded',
        summary: version === 1 ? 'initial release' : 'added VERSION',
        config_uuid: config.uuid,
        change: encryption.seal(JSON.stringify(change), `release.change:${String(release.uuid)}`),
      });
    }
    const settled = { generation: 1, settled: true };
    rows.app_settings.push({ ...own(), ...settled });
    rows.tls.push({ ...own(), ...settled });
    for (let n = 0; n < (isRead ? READ_DOMAINS : set.domains); n++)
      rows.domains.push({ ...own(), ...settled, domain: `www-${n}.${id}.example.com` });
    for (const type of ['web', 'worker']) rows.process_types.push({ app_uuid, type, count: 0, settled_count: 0, generation: 1 });
    if (index % 100 === 99) await flush();
  }
  await flush();
  const audit = Array.from({ length: set.auditRows }, (_, index) => {
    const app = apps[index % apps.length];
    return {
      actor: 'ada',
      address: '192.0.2.1',
      action: 'config.set',
      object: `app:${app?.id ?? ''}`,
      app_uuid: app?.uuid,
      app: app?.id,
      outcome: 'committed',
    };
  });
  await insert(client, 'audit_rows', audit);
  // a process of its own would seal them meanwhile
  await client.query('DELETE FROM audit_unsealed');
  await client.query('VACUUM ANALYZE');
}

async function insert(client: pg.Client, table: string, rows: readonly Row[]): Promise<void> {
  const [first] = rows;
  if (!first) return;
  const columns = Object.keys(first)
    .map((name) => pg.escapeIdentifier(name))
    .join(', ');
  for (let start = 0; start < rows.length; start += ROWS_AT_A_TIME) {
    await client.query(`INSERT INTO ${table} (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::${table}, $1)`, [
      JSON.stringify(rows.slice(start, start + ROWS_AT_A_TIME)),
    ]);
  }
}
