import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ClsServiceManager } from 'nestjs-cls';
import { randomBytes } from 'node:crypto';
import type { DestinationStream } from 'pino';
import { DataSource } from 'typeorm';
import { createApp } from '../src/bootstrap.ts';
import type { Extension } from '../src/extension.ts';
import { openApiDocument } from '../src/http/openapi.ts';
import { Settings } from '../src/settings/settings.ts';
import { createTestDatabase } from './database.ts';
import { NO_LIMITS } from './keelson-process.ts';
import { Documentation } from './openapi.ts';
import { clusterSettings } from './test-cluster.ts';

/** An answer as it came. `json` is undefined for what is no JSON. */
export interface Answer<T = Record<string, unknown>> {
  status: number;
  headers: Headers;
  text: string;
  json: T;
}

interface Call {
  headers?: Record<string, string>;
  /** Sent as it is, without a Content-Type unless `headers` has one, in place of a JSON body. */
  raw?: string | Buffer;
  signal?: AbortSignal;
}

/** Calls Keelson over HTTP, as somebody or as nobody. Every answer must be as the OpenAPI document says. */
export class Api {
  /** @param base `http://127.0.0.1:port`; @param token of the user who calls */
  constructor(
    readonly base: string,
    private readonly documentation: Documentation,
    readonly token?: string,
  ) {}

  get<T = Record<string, unknown>>(path: string, call?: Call): Promise<Answer<T>> {
    return this.request('GET', path, undefined, call);
  }

  post<T = Record<string, unknown>>(path: string, body?: unknown, call?: Call): Promise<Answer<T>> {
    return this.request('POST', path, body, call);
  }

  put<T = Record<string, unknown>>(path: string, body?: unknown, call?: Call): Promise<Answer<T>> {
    return this.request('PUT', path, body, call);
  }

  patch<T = Record<string, unknown>>(path: string, body?: unknown, call?: Call): Promise<Answer<T>> {
    return this.request('PATCH', path, body, call);
  }

  delete<T = Record<string, unknown>>(path: string, body?: unknown, call?: Call): Promise<Answer<T>> {
    return this.request('DELETE', path, body, call);
  }

  as(token: string): Api {
    return new Api(this.base, this.documentation, token);
  }

  async request<T = Record<string, unknown>>(method: string, path: string, body?: unknown, call: Call = {}): Promise<Answer<T>> {
    const { headers = {}, raw, signal } = call;
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(this.base + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(this.token === undefined ? {} : { Authorization: `token ${this.token}` }),
        ...(raw === undefined && body !== undefined ? { 'Content-Type': 'application/json' } : {}),
        ...headers,
      },
      // bytes, because fetch gives a string a Content-Type of its own
      ...(content === undefined ? {} : { body: Buffer.from(content) }),
      ...(signal ? { signal } : {}),
    });
    const text = await (isEndless(path) && response.ok ? beginning(response) : response.text());
    const { status } = response;
    this.documentation.assertDocumented({ method, url: path, status, headers: response.headers, text });
    return { status, headers: response.headers, text, json: parsed(text) as T };
  }
}

/** Answers that end when the caller hangs up: of them he gets how they begin. */
const isEndless = (path: string): boolean => /^\/v2\/apps\/[^/]+\/(events\/?(\?|$)|logs\/?\?(.*&)?follow=)/.test(path);

async function beginning({ body }: Response): Promise<string> {
  const reader = body?.getReader();
  // one that has nothing to tell yet begins with nothing
  const first = await Promise.race([reader?.read(), new Promise<undefined>((resolve) => setTimeout(resolve, 2_000))]);
  await reader?.cancel();
  return Buffer.from(first?.value ?? []).toString();
}

/** A whole Keelson with a database of its own. */
export interface Keelson {
  /** Calls as nobody. */
  readonly api: Api;
  readonly app: NestFastifyApplication;
  readonly documentation: Documentation;
  readonly settings: Settings;
  /** The SQL statements that requests ran since the start, in order; not what goes on in the background. */
  readonly statements: string[];
  /** Registers a user and logs him in. The first one is the administrator. */
  register(username: string, password?: string): Promise<Api>;
  login(username: string, password?: string): Promise<Api>;
  stop(): Promise<void>;
}

const defaultPassword = 'opensesame';

/** Shown by whoever registers first. */
export const SETUP_TOKEN = randomBytes(16).toString('hex');
export const withSetupToken = { headers: { 'X-Setup-Token': SETUP_TOKEN } };

/**
 * Starts Keelson in this process, on a free port, with an empty database. Its cluster is the sandbox, or the one of the kubeconfig
 * of test/test-cluster.ts.
 * @param overrides environment variables of settings
 * @param log where its log goes, in place of standard output
 * @param extensions what others add
 */
export async function startKeelson(
  overrides: Record<string, string> = {},
  log?: DestinationStream,
  extensions: readonly Extension[] = [],
): Promise<Keelson> {
  const database = await createTestDatabase();
  const settings = Settings.parse({
    HOST: '127.0.0.1',
    PORT: '0',
    DATABASE_URL: database.url,
    DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
    DRYCC_BUILDER_KEY: randomBytes(32).toString('hex'),
    ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
    SETUP_TOKEN,
    SANDBOX_WITH_DATABASE_URL: 'true',
    SANDBOX_PORT: '0',
    LOG_LEVEL: 'error',
    ...clusterSettings,
    ...NO_LIMITS,
    // suites share a cluster
    KNOWN_INSTALLATIONS: '*',
    ...overrides,
  });
  const app = await createApp(settings, { log, extensions });
  await app.listen(settings.port, settings.host);
  const statements = recordStatements(app.get(DataSource));
  const documentation = new Documentation(openApiDocument(app));
  const api = new Api(await app.getUrl(), documentation);
  const login = async (username: string, password = defaultPassword): Promise<Api> => {
    const { status, json, text } = await api.post<{ token: string }>('/v2/auth/login', { username, password });
    if (status !== 200) throw new Error(`${username} cannot log in: ${text}`);
    return api.as(json.token);
  };
  return {
    api,
    app,
    documentation,
    settings,
    statements,
    login,
    register: async (username, password = defaultPassword) => {
      const { status, text } = await api.post('/v2/auth/register', { username, password }, withSetupToken);
      if (status !== 201) throw new Error(`${username} cannot register: ${text}`);
      return login(username, password);
    },
    stop: async () => {
      await app.close();
      await database.drop();
    },
  };
}

function recordStatements(database: DataSource): string[] {
  const statements: string[] = [];
  const cls = ClsServiceManager.getClsService();
  database.logger.logQuery = (query) => {
    if (cls.isActive()) statements.push(query);
  };
  return statements;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
