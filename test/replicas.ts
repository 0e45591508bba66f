import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase } from './database.ts';
import { eventually, FIRST_ADMIN, freePort, KeelsonProcess } from './keelson-process.ts';
import { startSandboxProcess, type SandboxProcess } from './sandbox-process.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { kubeconfigThrough, serverOf } from './kubeconfig.ts';
import { ownKubeconfig } from './test-cluster.ts';

/** One replica of Keelson, with its own ways to the database and to the cluster. */
export interface Replica {
  name: string;
  base: string;
  database: TcpProxy;
  cluster: TcpProxy;
  process(): KeelsonProcess;
  /** Starts a process where none runs, and waits until it is ready. */
  start(): Promise<void>;
}

/** Several replicas of Keelson on one PostgreSQL and one cluster. */
export interface Replicas {
  all: Replica[];
  databaseUrl: string;
  kubeconfig: string;
  /** The cluster, when it is a sandbox. */
  sandbox: SandboxProcess | undefined;
  stop(): Promise<void>;
}

/** @param environment settings beside those that replicas need */
export async function startReplicas(names: readonly string[], environment: Record<string, string> = {}): Promise<Replicas> {
  const folder = await mkdtemp(join(tmpdir(), 'keelson-replicas-'));
  const database = await createTestDatabase();
  const sandbox = ownKubeconfig ? undefined : await startSandboxProcess();
  const kubeconfig = ownKubeconfig ?? sandbox?.kubeconfig ?? '';
  const secrets = {
    DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
    DRYCC_BUILDER_KEY: randomBytes(32).toString('hex'),
    ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
    ...FIRST_ADMIN,
  };
  const all: Replica[] = [];
  for (const name of names) {
    const port = await freePort();
    const base = `http://127.0.0.1:${String(port)}`;
    const toDatabase = await startTcpProxy(addressOf(database.url));
    const toCluster = await startTcpProxy(serverOf(kubeconfig));
    const env = {
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: through(database.url, toDatabase.port),
      KUBECONFIG: await kubeconfigThrough(kubeconfig, toCluster.port, join(folder, `${name}.kubeconfig`)),
      DATA_DIR: join(folder, name),
      LOG_LEVEL: 'error',
      ...secrets,
      ...environment,
    };
    let current = KeelsonProcess.start('keelson.js', env);
    all.push({
      name,
      base,
      database: toDatabase,
      cluster: toCluster,
      process: () => current,
      start: async () => {
        await current.end('SIGKILL');
        current = KeelsonProcess.start('keelson.js', env);
        await current.answers(`${base}/healthz`);
      },
    });
    // one after the other: the first one has the newest migrations to itself
    await eventually(() => current.answers(`${base}/readiness`));
  }
  const stop = async (): Promise<void> => {
    for (const replica of all) {
      replica.process().signal('SIGCONT');
      await replica.process().end('SIGTERM');
      await replica.database.stop();
      await replica.cluster.stop();
    }
    await sandbox?.stop();
    await database.drop();
    await rm(folder, { recursive: true });
  };
  return { all, databaseUrl: database.url, kubeconfig, sandbox, stop };
}

/** Where a PostgreSQL of this URL listens: a Unix socket in the folder of `host`, or an address. */
/** Where the database of a URL is. */
export function addressOf(url: string): { path: string } | { host: string; port: number } {
  const { hostname, port, searchParams } = new URL(url);
  const folder = searchParams.get('host');
  const number = Number(port || '5432');
  return folder ? { path: join(folder, `.s.PGSQL.${String(number)}`) } : { host: hostname, port: number };
}

/** The URL of a database that is reached by a port of this machine. */
export function through(url: string, port: number): string {
  const changed = new URL(url);
  changed.searchParams.delete('host');
  changed.hostname = '127.0.0.1';
  changed.port = String(port);
  return changed.href;
}
