import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The tool that the real cluster comes with: it makes images from folders. */
export const CLUSTER_TOOL = process.env.CLUSTER_TOOL ?? join('..', 'shared', 'cluster', 'cluster');

/** What the official image of PostgreSQL does at a start, as far as the chart relies on it. */
const START_POSTGRESQL = `#!/bin/sh
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  printf %s "$POSTGRES_PASSWORD" >/tmp/password
  "$PGBIN/initdb" -D "$PGDATA" -U "$POSTGRES_USER" --pwfile=/tmp/password -A scram-sha-256 -E UTF8 --no-locale
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  echo "CREATE DATABASE \\"$POSTGRES_DB\\"" | "$PGBIN/postgres" --single -D "$PGDATA" postgres
fi
exec "$PGBIN/postgres" -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql
`;

async function image(name: string, fill: (folder: string) => Promise<string[]>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'keelson-image-'));
  try {
    await run(CLUSTER_TOOL, ['rootfs-node', folder]);
    const command = await fill(folder);
    await run(CLUSTER_TOOL, ['image', name, folder, ...command], { maxBuffer: 1 << 26 });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What programs and libraries are linked with. */
async function addLibraries(folder: string, programs: readonly string[]): Promise<void> {
  const { stdout } = await run('ldd', [...programs]);
  const found = stdout.matchAll(/(?:=> |^\s)(\/\S+\.so\S*) \(/gm);
  await run('cp', ['-L', '--parents', '-t', folder, ...new Set([...found].map(([, path = '']) => path))]);
}

/** Keelson, as the last stage of the Dockerfile has it, but with this machine's Node. */
export async function makeKeelsonImage(name: string): Promise<void> {
  await image(name, async (folder) => {
    const app = join(folder, 'app');
    await run(process.execPath, ['image/tree.mjs', app]);
    const files = await readdir(app, { recursive: true });
    // the base image of the Dockerfile has all of the C library
    await addLibraries(
      folder,
      files.filter((path) => path.endsWith('.node') && path.includes('linux')).map((path) => join(app, path)),
    );
    return ['node', '/app/dist/keelson.js', 'serve'];
  });
}

/** PostgreSQL of Debian's packages, with the environment variables of the official image. @param userId who it runs as */
export async function makePostgresqlImage(name: string, userId: number): Promise<void> {
  const root = '/usr/lib/postgresql';
  const [version] = (await readdir(root).catch(() => [])).sort((a, b) => Number(b) - Number(a));
  if (version === undefined) throw new Error("The image of the bundled database is made from Debian's package postgresql: install it.");
  await image(name, async (folder) => {
    const bin = join(root, version, 'bin');
    for (const path of [join(root, version), `/usr/share/postgresql/${version}`, '/usr/share/zoneinfo', '/usr/share/postgresql-common']) {
      await mkdir(join(folder, path, '..'), { recursive: true });
      await cp(path, join(folder, path), { recursive: true, dereference: true }).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      });
    }
    await addLibraries(folder, [join(bin, 'postgres'), join(bin, 'initdb')]);
    await mkdir(join(folder, 'var/run/postgresql'), { recursive: true });
    await mkdir(join(folder, 'var/lib/postgresql/data'), { recursive: true });
    await writeFile(join(folder, 'etc/passwd'), `postgres:x:${String(userId)}:${String(userId)}:postgres:/tmp:/bin/sh\n`);
    await writeFile(join(folder, 'start'), START_POSTGRESQL.replaceAll('$PGBIN', bin), { mode: 0o755 });
    return ['/bin/sh', '/start'];
  });
}
