import type { OpenAPIObject } from '@nestjs/swagger';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { DataSource } from 'typeorm';
import { openApiDocument } from '../src/http/openapi.ts';
import { RouteTable } from '../src/http/route-table.ts';
import { createTestDatabase } from './database.ts';
import { type Api, type Keelson, startKeelson } from './keelson.ts';

let keelson: Keelson;
let root: Api;

beforeAll(async () => {
  keelson = await startKeelson();
  root = await keelson.register('root');
});

afterAll(() => keelson.stop());

/** What the server answers to bytes as they are, head and body. */
async function raw(...chunks: (string | Buffer)[]): Promise<{ status: number; headers: string; body: string }> {
  const { hostname, port } = new URL(keelson.api.base);
  const socket = connect(Number(port), hostname);
  const received: Buffer[] = [];
  socket.on('data', (data: Buffer) => received.push(data));
  for (const chunk of chunks) socket.write(chunk);
  await once(socket, 'close');
  const [headers = '', body = ''] = Buffer.concat(received).toString().split('\r\n\r\n');
  return { status: Number(headers.split(' ')[1]), headers, body };
}

describe('the order of refusals', () => {
  it('who may not call learns that before anything about his body', async () => {
    for (const broken of ['{', '[]', 'x'.repeat(3 * 1024 * 1024)]) {
      expect((await keelson.api.post('/v2/auth/tokens', undefined, { raw: broken })).status).toBe(401);
      expect((await root.post('/v2/apps/nowhere/config', undefined, { raw: broken })).json).toEqual({
        detail: 'No App matches the given query.',
      });
    }
    const typed = { raw: 'x', headers: { 'Content-Type': 'text/plain' } };
    expect((await keelson.api.post('/v2/auth/tokens', undefined, typed)).status).toBe(401);
    expect((await root.post('/v2/auth/tokens', undefined, typed)).status).toBe(415);
  });

  it('an app of somebody else is forbidden, not unknown', async () => {
    const stranger = await keelson.register('stranger');
    const { id } = (await root.get<{ id: number }>('/v2/auth/whoami')).json;
    await keelson.app
      .get(DataSource)
      .query(`INSERT INTO apps (uuid, id, owner_id) VALUES ('7b9a2a76-7d54-4e1f-8a32-0c7b0e0f6a11', 'rooted', $1)`, [id]);
    const { status, json } = await stranger.post('/v2/apps/rooted/config', undefined, { raw: '{' });
    expect([status, json]).toEqual([403, { detail: 'You do not have permission to perform this action.' }]);
    expect((await root.post('/v2/apps/rooted/config', undefined, { raw: '{' })).status).toBe(400);
  });

  it('collaborators may do everything but delete', async () => {
    const helper = await keelson.register('helper');
    const { id } = (await helper.get<{ id: number }>('/v2/auth/whoami')).json;
    await keelson.app
      .get(DataSource)
      .query(`INSERT INTO collaborations (app_uuid, user_id) VALUES ('7b9a2a76-7d54-4e1f-8a32-0c7b0e0f6a11', $1)`, [id]);
    expect((await helper.get('/v2/apps/rooted')).status).toBe(200);
    expect((await helper.delete('/v2/apps/rooted')).status).toBe(403);
  });
});

describe('on the wire', () => {
  it.each([2 * 1024 * 1024 + 1, 20 * 1024 * 1024])('a body of %d bytes is refused, and its sender gets to know', async (length) => {
    const { status, json } = await keelson.api.post('/v2/auth/login', undefined, { raw: Buffer.alloc(length, 'x') });
    expect([status, json]).toEqual([413, { detail: 'The body may have at most 2097152 bytes.' }]);
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['a length that is none', 'POST /v2/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n', 400],
    ['two lengths', 'POST /v2/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}', 400],
    ['headers without end', `GET /v2 HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
    ['an unknown method', 'BREW /v2 HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ])('%s is refused in JSON', async (_, bytes, status) => {
    const answer = await raw(bytes);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([status, { detail: expect.any(String) as string }]);
    expect(answer.headers).toMatch(/DRYCC_API_VERSION: 2\.0/i);
    expect(answer.headers).toMatch(/content-type: application\/json/i);
  });

  it('100 header fields are taken, one more is refused and not left out', async () => {
    const request = (path: string, fields: number): string =>
      [
        `GET ${path} HTTP/1.1`,
        'Host: x',
        'Connection: close',
        ...Array.from({ length: fields - 2 }, (_, n) => `X-${String(n)}: 1`),
        '',
        '',
      ].join('\r\n');
    expect((await raw(request('/v2/auth/whoami', 100))).status).toBe(401);
    const message = 'A request may have at most 100 header fields.';
    for (const fields of [101, 500]) {
      const { status, body } = await raw(request('/v2/auth/whoami', fields));
      expect([status, JSON.parse(body)]).toEqual([431, { detail: message }]);
    }
    expect(JSON.parse((await raw(request('/saltshaker/api/v1.0/user', 101))).body)).toEqual({ status: false, message });
  });

  it('who takes his time with a request is cut off, with 408 if that can be said; who waits for an answer is not', async () => {
    const server = keelson.app.getHttpServer();
    const limits = { headersTimeout: server.headersTimeout, requestTimeout: server.requestTimeout };
    expect(limits).toEqual({ headersTimeout: 30_000, requestTimeout: 120_000 });
    await root.post('/v2/apps', { id: 'slow-callers' });
    const listening = new AbortController();
    const { hostname, port } = new URL(keelson.api.base);
    const stream = await fetch(`${keelson.api.base}/v2/apps/slow-callers/events`, {
      headers: { Authorization: `token ${root.token ?? ''}` },
      signal: listening.signal,
    });
    const reader = stream.body?.getReader();
    Object.assign(server, { headersTimeout: 300, requestTimeout: 600 });
    try {
      const head = 'POST /v2/auth/login HTTP/1.1\r\nHost: x\r\n';
      for (const begun of ['', 'POST', head, `${head}Content-Length: 100\r\n\r\n{`]) {
        const socket = connect(Number(port), hostname);
        let answer = '';
        socket.on('data', (data: Buffer) => (answer += data.toString())).on('error', () => undefined);
        socket.write(begun);
        await once(socket, 'close');
        expect([begun, answer.slice(0, 13)]).toEqual([begun, 'HTTP/1.1 408 ']);
      }
      // the stream has outlived these limits by then
      let told = '';
      await root.post('/v2/apps/slow-callers/config', { values: { A: '1' } });
      while (!told.includes('event: config')) told += Buffer.from((await reader?.read())?.value ?? []).toString();
    } finally {
      Object.assign(server, limits);
      listening.abort();
    }
  });

  it('bodies may come in pieces', async () => {
    const { status, body } = await raw(
      'POST /v2/auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n',
      '5\r\n{"use\r\n',
      '17\r\nrname": "", "password":\r\n',
      '4\r\n ""}\r\n0\r\n\r\n',
    );
    expect(status).toBe(400);
    expect(body).toContain('This field may not be blank.');
  });

  it('a caller who goes away half way leaves nothing behind', async () => {
    const { hostname, port } = new URL(keelson.api.base);
    const socket = connect(Number(port), hostname);
    socket.write('POST /v2/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{');
    socket.resume().end();
    await once(socket, 'close');
    expect((await keelson.api.get('/healthz')).status).toBe(200);
  });
});

describe('health', () => {
  it.each(['/healthz', '/readiness', '/healthz/', '/readiness/'])('%s says OK to anybody', async (path) => {
    const { status, text, headers } = await keelson.api.get(path);
    expect([status, text, headers.get('content-type')]).toEqual([200, 'OK', 'text/plain; charset=utf-8']);
    expect((await keelson.api.request('HEAD', path)).status).toBe(200);
    const post = await keelson.api.post(path);
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('while the database is out of reach', () => {
  /** A way to a PostgreSQL server that can be closed and opened. */
  async function passage(url: string): Promise<{ url: string; close(): Promise<void>; open(): Promise<void> }> {
    const to = new URL(url);
    const folder = to.searchParams.get('host');
    const sockets = new Set<Socket>();
    let server: Server | undefined;
    let port = 0;
    const open = async (): Promise<void> => {
      server = createServer((from) => {
        const target = folder === null ? connect(Number(to.port || 5432), to.hostname) : connect(`${folder}/.s.PGSQL.${to.port || '5432'}`);
        for (const socket of [from, target]) {
          sockets.add(socket);
          socket.on('error', () => socket.destroy());
          socket.on('close', () => {
            sockets.delete(socket);
            from.destroy();
            target.destroy();
          });
        }
        from.pipe(target).pipe(from);
      }).listen(port, '127.0.0.1');
      await once(server, 'listening');
      port = (server.address() as { port: number }).port;
    };
    const close = async (): Promise<void> => {
      server?.close();
      for (const socket of sockets) socket.destroy();
      if (server) await once(server, 'close');
    };
    await open();
    const through = new URL(url);
    through.searchParams.delete('host');
    through.host = `127.0.0.1:${String(port)}`;
    return { url: through.href, close, open };
  }

  it('requests are refused with 503, and served again afterwards', async () => {
    const database = await createTestDatabase();
    const way = await passage(database.url);
    const cut = await startKeelson({ DATABASE_URL: way.url, LOG_LEVEL: 'silent' });
    try {
      const user = await cut.register('ada');
      await way.close();
      const { status, json, headers } = await user.get('/v2/auth/whoami');
      expect([status, json]).toEqual([503, { detail: 'The database is out of reach for the moment.' }]);
      expect(headers.get('retry-after')).toBe('5');
      expect((await cut.api.post('/v2/auth/login', { username: 'ada', password: 'x' })).status).toBe(503);
      expect((await cut.api.get('/readiness')).status).toBe(503);
      expect((await cut.api.get('/healthz')).status).toBe(200);
      await way.open();
      expect((await user.get('/v2/auth/whoami')).status).toBe(200);
      expect((await cut.api.get('/readiness')).status).toBe(200);
    } finally {
      await cut.stop();
      await way.close();
      await database.drop();
    }
  });
});

describe('the reference', () => {
  type Operation = NonNullable<OpenAPIObject['paths'][string]['get']> & { 'x-rule'?: string };
  let document: OpenAPIObject;
  const operations: [name: string, operation: Operation][] = [];

  beforeAll(() => {
    document = openApiDocument(keelson.app);
    for (const [path, item] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(item)) operations.push([`${method.toUpperCase()} ${path}`, operation as Operation]);
    }
  });

  /** What a media type, parameter or response shows as examples. */
  const examples = (part: object): unknown[] => {
    const { example, examples = {} } = part as { example?: unknown; examples?: Record<string, { value: unknown }> };
    return [...(example === undefined ? [] : [example]), ...Object.values(examples).map(({ value }) => value)];
  };

  it('has every route that the server answers, and who may call it', () => {
    const pages = /^\/(docs|openapi\.json)/;
    const served = [...keelson.app.get(RouteTable).routes].flatMap(([path, methods]) =>
      pages.test(path)
        ? []
        : [...methods]
            .filter((method) => method !== 'HEAD')
            .map((method) => `${method} ${path.replace(/:(\w+)/g, '{$1}').replace(/(.)\/$/, '$1')}`),
    );
    expect(new Set(served)).toEqual(new Set(operations.map(([name]) => name)));
    for (const [name, operation] of operations) expect([name, operation['x-rule']]).toEqual([name, expect.any(String)]);
  });

  it('has a summary, the refusals and an example of every route', () => {
    for (const [name, { summary, responses, parameters = [], requestBody }] of operations) {
      expect([name, summary]).toEqual([name, expect.stringMatching(/^[A-Z].{5,79}$/)]);
      expect([name, Object.keys(responses)]).toEqual([name, expect.arrayContaining(['500', '503'])]);
      const answers = Object.entries(responses).flatMap(([status, response]) => (status < '300' ? [response as { content?: object }] : []));
      const content = answers.flatMap((answer) => Object.values(answer.content ?? {}) as object[]);
      const body = Object.values((requestBody as { content: Record<string, object> } | undefined)?.content ?? {});
      const shown = [...content, ...body, ...parameters].flatMap(examples);
      expect([name, shown.length]).not.toEqual([name, 0]);
    }
  });

  it('has examples that are as it says', () => {
    const faults = operations.flatMap(([name, { responses }]) =>
      Object.entries(responses).flatMap(([status, response]) =>
        Object.entries((response as { content?: Record<string, { schema?: Record<string, unknown> }> }).content ?? {}).flatMap(
          ([type, media]) =>
            type === 'application/json'
              ? examples(media).flatMap((example) =>
                  keelson.documentation
                    .faults(`${name} ${status}`, media.schema ?? {}, example)
                    .map((fault) => `${name} ${status}: ${fault}`),
                )
              : [],
        ),
      ),
    );
    expect(faults).toEqual([]);
  });

  it('is the file openapi.json; `npm run openapi` writes it', () => {
    expect(JSON.parse(JSON.stringify(document))).toEqual(JSON.parse(readFileSync('openapi.json', 'utf8')));
  });

  it('can be read and tried out without a network', async () => {
    const page = await fetch(`${keelson.api.base}/docs`);
    const html = await page.text();
    const policy = Object.fromEntries<string>(
      (page.headers.get('content-security-policy') ?? '').split('; ').map((directive) => [directive.split(' ')[0] ?? '', directive]),
    );
    expect(policy['default-src']).toBe("default-src 'none'");
    // what the page is made of: files of its own, and styles in itself; no script in itself
    expect(policy['script-src']).toBe("script-src 'self'");
    expect(policy['style-src']).toBe("style-src 'self' 'unsafe-inline'");
    expect(policy['connect-src']).toBe("connect-src 'self'");
    expect(html).not.toMatch(/<script(?![^>]* src=)[^>]*>|\son\w+="/);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => new URL(link, `${keelson.api.base}/docs`));
    expect(links.length).toBeGreaterThan(3);
    for (const link of links) {
      expect(link.origin).toBe(keelson.api.base);
      const file = await fetch(link);
      const { status, headers } = file;
      await file.arrayBuffer();
      expect([link.pathname, status, headers.get('x-content-type-options')]).toEqual([link.pathname, 200, 'nosniff']);
    }
    const start = await (await fetch(`${keelson.api.base}/docs/swagger-ui-init.js`)).text();
    expect(start).toMatch(/"validatorUrl": null/);
    const served = (await (await fetch(`${keelson.api.base}/openapi.json`)).json()) as OpenAPIObject;
    expect(served).toEqual(JSON.parse(JSON.stringify(document)));
    expect(served.components?.securitySchemes).toEqual({
      token: expect.objectContaining({ in: 'header', name: 'Authorization' }) as object,
      builder: expect.objectContaining({ in: 'header', name: 'X-Drycc-Builder-Auth' }) as object,
    });
  });
});
