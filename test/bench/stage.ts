import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/database/embedded-postgres.ts';
import { Encryption } from '../../src/database/encryption.ts';
import { keelsonCommand } from '../commands-of-keelson.ts';
import { WEB_IMAGE } from '../images.ts';
import { FIRST_ADMIN, freePort, NO_LIMITS } from '../keelson-process.ts';
import { startSandboxProcess, type SandboxProcess } from '../sandbox-process.ts';
import { READ_APP, seed, type DataSet } from './data-set.ts';
import { Program } from './program.ts';

/** Pods of the app that is read. */
const READ_PODS = 10;

/** A server that takes part, and who calls it. */
export interface Contestant {
  name: string;
  base: string;
  token: string;
}

/** A database with a data set, a sandbox, and the servers on them. */
export class Stage {
  private readonly endings: (() => Promise<unknown>)[] = [];
  private env: Record<string, string> = {};
  private started: Program | undefined;
  keelson: Contestant = { name: 'Keelson', base: '', token: '' };
  limit: Contestant = { name: 'limit', base: '', token: '' };
  database = '';
  /** The version of the server. */
  postgresql = '';
  /** The file that the server logs to; null for one that is not its own. */
  serverLog: string | null = null;
  sandbox!: SandboxProcess;

  private constructor(
    readonly set: DataSet,
    private readonly folder: string,
  ) {}

  static async build(set: DataSet): Promise<Stage> {
    const stage = new Stage(set, await mkdtemp(join(tmpdir(), 'keelson-bench-')));
    stage.endings.push(() => rm(stage.folder, { recursive: true, force: true }));
    try {
      await stage.fill();
    } catch (error) {
      await stage.end();
      throw error;
    }
    return stage;
  }

  private async fill(): Promise<void> {
    this.database = await this.newDatabase();
    this.sandbox = await startSandboxProcess();
    this.endings.push(() => this.sandbox.stop());
    const key = randomBytes(32);
    this.env = {
      ...NO_LIMITS,
      ...FIRST_ADMIN,
      // as the image has it
      NODE_OPTIONS: '--max-semi-space-size=4',
      MALLOC_ARENA_MAX: '2',
      HOST: '127.0.0.1',
      DATABASE_URL: this.database,
      KUBECONFIG: this.sandbox.kubeconfig,
      DATA_DIR: join(this.folder, 'data'),
      DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
      DRYCC_BUILDER_KEY: randomBytes(32).toString('hex'),
      ENCRYPTION_KEYS: `bench:${key.toString('base64')}`,
      // what is only rows isn't in the sandbox, and isn't to be brought there
      DRIFT: 'report',
      DRIFT_INTERVAL: '0',
    };
    const migrated = await keelsonCommand('migrate', this.env);
    if (migrated.code !== 0) throw new Error(migrated.out);
    await this.startKeelson();
    const client = new pg.Client({ connectionString: this.database });
    await client.connect();
    try {
      this.postgresql = (await client.query<{ server_version: string }>('SHOW server_version')).rows[0]?.server_version ?? '';
      await seed(client, this.set, new Encryption([{ id: 'bench', key }]));
    } finally {
      await client.end();
    }
    await this.post(201, `/v2/apps/${READ_APP}/builds`, { image: WEB_IMAGE });
    await this.post(204, `/v2/apps/${READ_APP}/scale`, { cmd: READ_PODS });
    const { results } = (await (await this.call('GET', `/v2/apps/${READ_APP}/pods`)).json()) as { results: unknown[] };
    const port = String(await freePort());
    const base = `http://127.0.0.1:${port}`;
    this.limit = { name: 'limit', base, token: this.keelson.token };
    const limit = await Program.start(
      join(import.meta.dirname, 'limit.js'),
      {
        PORT: port,
        DATABASE_URL: this.database,
        SECRET_KEY: this.env.DRYCC_SECRET_KEY ?? '',
        ENCRYPTION_KEY: key.toString('base64'),
        PLATFORM_DOMAIN: await this.platformDomain(),
        PODS: JSON.stringify(results),
      },
      join(this.folder, 'limit.log'),
      `${base}/v2/apps`,
      { Authorization: `token ${this.keelson.token}` },
    );
    this.endings.push(() => limit.stop());
  }

  /** Starts Keelson, anew if it runs. @returns milliseconds until it was ready */
  async startKeelson(more: Record<string, string> = {}): Promise<number> {
    await this.started?.stop();
    const port = String(await freePort());
    const base = `http://127.0.0.1:${port}`;
    const program = resolve('dist', 'keelson.js');
    this.started = await Program.start(
      program,
      { ...this.env, ...more, PORT: port },
      join(this.folder, 'keelson.log'),
      `${base}/readiness`,
    );
    this.keelson = { ...this.keelson, base };
    if (this.keelson.token === '') {
      const login = await this.call('POST', '/v2/auth/login', {
        username: FIRST_ADMIN.FIRST_ADMIN_USERNAME,
        password: FIRST_ADMIN.FIRST_ADMIN_PASSWORD,
      });
      this.keelson.token = ((await login.json()) as { token: string }).token;
    }
    return this.started.startedIn;
  }

  /** The process of Keelson. */
  get program(): Program {
    if (!this.started) throw new Error('Keelson was not started');
    return this.started;
  }

  async call(method: string, path: string, body?: unknown): Promise<Response> {
    const { base, token } = this.keelson;
    return fetch(base + path, {
      method,
      headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `token ${token}` }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async end(): Promise<void> {
    await this.started?.stop();
    for (const end of this.endings.reverse()) await end();
  }

  private async post(status: number, path: string, body: unknown): Promise<void> {
    const response = await this.call('POST', path, body);
    if (response.status !== status) throw new Error(`POST ${path} was answered ${response.status}: ${await response.text()}`);
  }

  private async platformDomain(): Promise<string> {
    const { url, id } = (await (await this.call('GET', `/v2/apps/${READ_APP}`)).json()) as { url: string; id: string };
    return url.slice(id.length + 1);
  }

  /** In the server of BENCH_DATABASE_URL, whose user may create databases, or else in one of its own, which waits for the disk as always. */
  private async newDatabase(): Promise<string> {
    const given = process.env.BENCH_DATABASE_URL;
    if (given === undefined) {
      const server = await startEmbeddedPostgres(join(this.folder, 'database'));
      this.endings.push(() => server.stop());
      this.serverLog = join(this.folder, 'database', 'postgres', 'postgres.log');
      return server.url;
    }
    const name = `bench_${randomBytes(4).toString('hex')}`;
    const run = async (statement: string): Promise<void> => {
      const client = new pg.Client({ connectionString: given });
      await client.connect();
      await client.query(statement);
      await client.end();
    };
    await run(`CREATE DATABASE ${name}`);
    this.endings.push(() => run(`DROP DATABASE ${name} WITH (FORCE)`));
    const url = new URL(given);
    url.pathname = `/${name}`;
    return url.href;
  }
}
