import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { QueryFailedError } from 'typeorm';
import { Metrics } from '../metrics/metrics.ts';
import { Settings } from '../settings/settings.ts';
import { BodyInterceptor } from './body.ts';
import { Client, type ClientProgram } from './client.ts';
import { ErrorFilter } from './error.filter.ts';
import { Conflict } from './errors.ts';
import { FieldsPipe } from './fields.pipe.ts';
import { EmailAddress, Flag, Mapping, Text, TextList, WholeNumber } from './fields.ts';
import { createLogger, LOGGER } from './logger.ts';
import { Paged, type Page, Paging } from './paging.ts';
import { empty, emptyObject, Route } from './route.ts';
import { RouteTable } from './route-table.ts';
import { httpServer } from './server.ts';
import { SubmittedInterceptor } from './submitted.interceptor.ts';
import { Submitted } from './submitted.ts';

class ThingDto {
  @Text({ max: 5, pattern: /^[a-z]+$/, message: 'Only letters.', example: 'abc' })
  name!: string;

  @Text({ blank: true, optional: true, nullable: true, example: '' })
  note?: string | null;

  @Text({ optional: true, max: 3, check: (code) => (code.startsWith('x') ? ['No x.'] : []), example: 'abc' })
  code?: string;

  @Flag({ optional: true, example: true })
  big?: boolean;

  @WholeNumber({ optional: true, min: 1, max: 9, example: 1 })
  count?: number;

  @Mapping({ optional: true, example: {} }, (map) =>
    Object.keys(map).flatMap((key) => (key === 'bad' ? ['No bad keys.', 'Really not.'] : [])),
  )
  labels?: Record<string, unknown>;

  @TextList({ optional: true, example: [] })
  words?: string[];

  @EmailAddress({ optional: true, example: 'a@example.com' })
  email?: string;
}

const documented = { summary: 'Probe', action: 'probe.read', rule: 'public', answers: { 200: emptyObject('Done.') }, errors: {} } as const;
const failures: Record<string, unknown> = {
  conflict: new Conflict('taken'),
  bug: new Error('the secret is 12345'),
  nothing: undefined,
  refused: Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:5432'), { code: 'ECONNREFUSED', syscall: 'connect' }),
  ending: new QueryFailedError('SELECT 1', ['hunter2'], Object.assign(new Error('terminating connection'), { code: '57P01' })),
  query: new QueryFailedError('SELECT $1', ['hunter2'], Object.assign(new Error('syntax error'), { code: '42601' })),
};

@Controller('v2/probe')
class ProbeController {
  @Post('body')
  @Route(documented)
  body(@Body() body: Record<string, unknown>): object {
    return { body };
  }

  @Delete('body')
  @Route(documented)
  deleteBody(@Body() body: Record<string, unknown>): object {
    return { body };
  }

  @Post('things')
  @Route({ ...documented, answers: { 201: emptyObject('Done.') } })
  thing(@Body() thing: ThingDto): object {
    return { thing };
  }

  @Post('nothing')
  @Route({ ...documented, answers: { 201: empty() } })
  nothing(): void {
    return;
  }

  @Delete('nothing')
  @Route({ ...documented, answers: { 204: empty() } })
  async none(): Promise<void> {
    await Promise.resolve();
  }

  @Get('list')
  @Route(documented)
  list(@Paged() paging: Paging): Page<number> {
    return paging.page(250, [paging.offset, paging.limit]);
  }

  @Get('client')
  @Route(documented)
  client(@Client() client: ClientProgram): object {
    return client;
  }

  @Get('apps/:app/releases/:version')
  @Route(documented)
  release(@Param() params: Record<string, string>): object {
    return params;
  }

  @Get('failures/:name')
  @Route(documented)
  fail(@Param('name') name: string): never {
    throw failures[name];
  }

  @Get('slow')
  @Route(documented)
  async slow(): Promise<object> {
    begun();
    await released;
    return { done: true };
  }

  @Post('submit')
  @Route({ ...documented, answers: { 201: emptyObject('Done.') }, waits: true })
  submit(@Body() { fail, operation = true }: { fail?: boolean; operation?: boolean }): Submitted<object> {
    return new Submitted(
      operation ? { location: '/v2/operations/1' } : null,
      () => (fail ? Promise.reject(new Conflict('it did not come up')) : Promise.resolve({ done: true })),
      () => Promise.resolve({ id: 1 }),
      7,
    ).map((result) => ({ ...result, mapped: true }));
  }
}

let begun: () => void;
const slowBegun = new Promise<void>((resolve) => (begun = resolve));
let release: () => void;
const released = new Promise<void>((resolve) => (release = resolve));

interface Reply {
  status: number;
  headers: Record<string, string | string[] | number | undefined>;
  text: string;
  json: unknown;
}

let app: NestFastifyApplication;
let log: string[];

async function call(
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS',
  url: string,
  payload?: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const { statusCode, body, headers: got } = await app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
  return {
    status: statusCode,
    headers: got,
    text: body,
    json: /json/.test(String(got['content-type'])) && body !== '' ? JSON.parse(body) : undefined,
  };
}

const post = (url: string, body: unknown, headers?: Record<string, string>): Promise<Reply> =>
  call('POST', url, JSON.stringify(body), { 'content-type': 'application/json', ...headers });

beforeAll(async () => {
  const settings = Settings.parse({ TRUST_PROXY: '1' }, () => ({
    DRYCC_SECRET_KEY: '-'.repeat(32),
    DRYCC_BUILDER_KEY: '-',
    ENCRYPTION_KEYS: `none:${Buffer.alloc(32).toString('base64')}`,
  }));
  log = [];
  const logger = createLogger('info', { write: (line) => log.push(line) });
  const routes = new RouteTable();
  const module = await Test.createTestingModule({
    controllers: [ProbeController],
    providers: [
      { provide: RouteTable, useValue: routes },
      { provide: LOGGER, useValue: logger },
      { provide: APP_FILTER, useClass: ErrorFilter },
      { provide: APP_INTERCEPTOR, useClass: BodyInterceptor },
      { provide: APP_INTERCEPTOR, useClass: SubmittedInterceptor },
      { provide: APP_PIPE, useClass: FieldsPipe },
    ],
  }).compile();
  app = module.createNestApplication<NestFastifyApplication>(httpServer(settings, routes, logger, new Metrics()), {
    bodyParser: false,
    logger: false,
  });
  await app.init();
});

afterAll(() => app.close());

describe('paths', () => {
  it.each(['/v2/probe/list', '/v2/probe/list/', '//v2//probe/list/', '/v2/probe/list/?limit=3', '/v2/probe/list?limit=3'])(
    '%s is answered directly',
    async (url) => {
      expect((await call('GET', url)).status).toBe(200);
    },
  );

  it.each(['/', '/v2', '/v2/probe', '/v2/probe/list/more', '/V2/probe/list', '/v2/probe/apps//releases/v1'])(
    '%s is not found',
    async (url) => {
      const { status, json } = await call('GET', url);
      expect([status, json]).toEqual([404, { detail: 'Not found.' }]);
    },
  );

  it.each([
    ['GET', '/v2/probe/apps/a-1/releases/v12', 200],
    ['GET', '/v2/probe/apps/a-1/releases/12', 200],
    ['GET', '/v2/probe/apps/a%2D1/releases/12/', 200],
    ['GET', '/v2/probe/apps/A/releases/v1', 404],
    ['GET', '/v2/probe/apps/a_b/releases/v1', 404],
    ['GET', '/v2/probe/apps/a/releases/latest', 404],
    ['GET', '/v2/probe/apps/a%2Fb/releases/v1', 404],
    ['GET', '/v2/probe/apps/a%00/releases/v1', 404],
    ['POST', '/v2/probe/apps/A/releases/v1', 404],
    ['POST', '/v2/probe/apps/a/releases/v1', 405],
  ] as const)('%s %s is %d: parameters must look like what they name', async (method, url, status) => {
    expect((await call(method, url)).status).toBe(status);
  });

  it.each(['/v2/probe/%zz', '/v2/%', '/v2/probe/apps/%E0%A4%A/releases/v1'])('%s, no URL, is refused', async (url) => {
    const { status, json, headers } = await call('GET', url);
    expect([status, json]).toEqual([400, { detail: 'The path is not a valid URL path.' }]);
    expect(headers).toMatchObject({ drycc_api_version: '2.0', 'x-request-id': expect.any(String) as string });
  });

  it('a path of 2,000 characters in one part is not found', async () => {
    const { status, json } = await call('GET', `/v2/probe/apps/${'a'.repeat(2000)}/releases/v1`);
    expect([status, json]).toEqual([404, { detail: 'Not found.' }]);
  });

  it('a known path with another method names those it knows', async () => {
    const { status, json, headers } = await call('PUT', '/v2/probe/nothing/');
    expect([status, json, headers.allow]).toEqual([405, { detail: 'Method "PUT" not allowed.' }, 'DELETE, POST']);
  });

  it('HEAD is answered like GET, without the body', async () => {
    const { status, text } = await call('HEAD', '/v2/probe/list');
    expect([status, text]).toEqual([200, '']);
    expect((await call('HEAD', '/v2/probe/body')).status).toBe(405);
  });
});

describe('bodies', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const typed = { 'content-type': 'application/json' };

  it.each([
    ['JSON', '{"a": [1]}', typed, { a: [1] }],
    ['JSON with a charset', '{"a": "é"}', { 'content-type': 'Application/JSON; charset=utf-8' }, { a: 'é' }],
    ['JSON with a byte order mark', '\ufeff{"a": 1}', typed, { a: 1 }],
    ['JSON without a type', '{"a": 1}', {}, { a: 1 }],
    ['nothing', undefined, {}, {}],
    ['nothing of type JSON', '', typed, {}],
    ['nothing of another type', '', { 'content-type': 'text/plain' }, {}],
    ['a form', 'a=1&b=two+words', form, { a: '1', b: 'two words' }],
    ['keys that objects have of themselves', '{"constructor": 1, "toString": 2}', typed, { constructor: 1, toString: 2 }],
  ])('%s is taken, with DELETE too', async (_, payload, headers, body) => {
    for (const method of ['POST', 'DELETE'] as const) {
      const { status, json } = await call(method, '/v2/probe/body', payload, headers);
      expect([status, json]).toEqual([200, { body }]);
    }
  });

  it.each([
    ['{', /^JSON parse error - Expected property name/],
    ["{'a': 1}", /^JSON parse error - Expected property name/],
    ['{"a": 1,}', /^JSON parse error - Expected double-quoted property name/],
    ['nonsense', /^JSON parse error - Unexpected token 'o'/],
    ['{"password": "hunter2" oops}', /^JSON parse error - (?!.*hunter2)/],
    [Buffer.from([0x7b, 0xff, 0x7d]), /^JSON parse error - the body is not UTF-8/],
    ['{"__proto__": {"a": 1}}', /^JSON parse error - a key may not be __proto__/],
    ['{"a": [{"\\u005f_proto__": 1}]}', /^JSON parse error - a key may not be __proto__/],
    [`${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`, /^JSON parse error - nested more than 64 levels deep/],
    [`{"a":${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}}`, /^JSON parse error - nested more than 64 levels deep/],
    ['[]', /^The body must be a JSON object, not an array\./],
    ['null', /^The body must be a JSON object, not null\./],
    ['"a"', /^The body must be a JSON object, not a string\./],
    ['12', /^The body must be a JSON object, not a number\./],
  ])('%.40s is refused in words', async (payload, detail) => {
    const { status, json } = await call('POST', '/v2/probe/body', payload, typed);
    expect(status).toBe(400);
    expect(json).toEqual({ detail: expect.stringMatching(detail) as string });
  });

  it('a form cannot set __proto__ either', async () => {
    expect((await call('POST', '/v2/probe/body', '__proto__=1', form)).status).toBe(400);
  });

  it.each(['text/plain', 'multipart/form-data; boundary=x', 'application/xml', 'nonsense'])('type %s is refused', async (type) => {
    const { status, json } = await call('POST', '/v2/probe/body', '{}', { 'content-type': type });
    expect([status, json]).toEqual([415, { detail: `Unsupported media type "${type}" in request.` }]);
  });

  it('2 MiB are taken, one byte more is not', async () => {
    const limit = 2 * 1024 * 1024;
    const body = (length: number): string => `{"a":"${'x'.repeat(length - 8)}"}`;
    expect((await call('POST', '/v2/probe/body', body(limit), typed)).status).toBe(200);
    const { status, json } = await call('POST', '/v2/probe/body', body(limit + 1), typed);
    expect([status, json]).toEqual([413, { detail: 'The body may have at most 2097152 bytes.' }]);
  });

  it.each([
    ['POST', 201],
    ['DELETE', 204],
  ] as const)('an empty answer to %s has no type', async (method, status) => {
    const answer = await call(method, '/v2/probe/nothing');
    expect([answer.status, answer.text, answer.headers['content-type']]).toEqual([status, '', undefined]);
    if (status === 201) expect(answer.headers['content-length']).toBe('0');
  });
});

describe('fields', () => {
  const blank = 'This field may not be blank.';
  const notNull = 'This field may not be null.';

  it.each<[object, Record<string, string[]>]>([
    [{}, { name: ['This field is required.'] }],
    [
      { name: null, big: null },
      { name: [notNull], big: [notNull] },
    ],
    [{ name: '' }, { name: [blank] }],
    [{ name: ' \t' }, { name: [blank] }],
    [{ name: 5 }, { name: ['Not a valid string.'] }],
    [
      { name: ['a'], note: {} },
      { name: ['Not a valid string.'], note: ['Not a valid string.'] },
    ],
    [{ name: 'ABCDEF' }, { name: ['Ensure this field has no more than 5 characters.', 'Only letters.'] }],
    // what is too long isn't looked into, but everything else is: two UTF-16 units can be one character
    [{ name: 'a', code: 'xbcd' }, { code: ['Ensure this field has no more than 3 characters.'] }],
    [{ name: 'a', code: 'x\u{1f600}\u{1f600}' }, { code: ['No x.'] }],
    [{ name: 'a', note: 'a\0b' }, { note: ['Null characters are not allowed.'] }],
    [{ name: 'a', note: '\ud800' }, { note: ['Not a valid string.'] }],
    [{ name: 'a', labels: { ok: [{ 'a\0': 1 }] } }, { labels: ['Null characters are not allowed.'] }],
    [{ name: 'a', big: 'maybe' }, { big: ['"maybe" is not a valid boolean.'] }],
    [{ name: 'a', big: [] }, { big: ['"a list" is not a valid boolean.'] }],
    [{ name: 'a', count: 1.5 }, { count: ['A valid integer is required.'] }],
    [{ name: 'a', count: 0 }, { count: ['Ensure this value is greater than or equal to 1.'] }],
    [{ name: 'a', count: '10' }, { count: ['Ensure this value is less than or equal to 9.'] }],
    [{ name: 'a', labels: [] }, { labels: ['Expected an object, or a string with the JSON of one.'] }],
    [{ name: 'a', labels: '{"a"' }, { labels: ['Expected an object, or a string with the JSON of one.'] }],
    [{ name: 'a', labels: { bad: 1 } }, { labels: ['No bad keys.', 'Really not.'] }],
    [{ name: 'a', words: ['a', 1] }, { words: ['Expected a list of strings.'] }],
    [{ name: 'a', words: 'a' }, { words: ['Expected a list of strings.'] }],
    [{ name: 'a', email: 'nobody' }, { email: ['Enter a valid email address.'] }],
    [
      { name: 7, note: 7, count: 'x', email: 7 },
      {
        name: ['Not a valid string.'],
        note: ['Not a valid string.'],
        count: ['A valid integer is required.'],
        email: ['Not a valid string.'],
      },
    ],
  ])('%j has these faults, all at once', async (body, faults) => {
    const { status, json } = await post('/v2/probe/things', body);
    expect([status, json]).toEqual([400, faults]);
  });

  it.each<[object, object]>([
    [{ name: 'a' }, { name: 'a' }],
    [
      { name: 'a', note: null, big: 'true', count: '3', labels: '{"a": 1}', words: [], email: '' },
      { name: 'a', note: null, big: true, count: 3, labels: { a: 1 }, words: [], email: '' },
    ],
    [
      { name: 'a', note: '', big: 0, labels: { constructor: 'x', then: 1 } },
      { name: 'a', note: '', big: false, labels: { constructor: 'x', then: 1 } },
    ],
    [{ name: 'a', unknown: 1, constructor: { name: 'x' }, validate: 'x', owner: null }, { name: 'a' }],
  ])('%j is taken, without fields that nobody declared', async (body, thing) => {
    const { status, json } = await post('/v2/probe/things', body);
    expect([status, json]).toEqual([201, { thing }]);
  });
});

describe('headers', () => {
  it.each([
    [undefined, { drycc_api_version: '2.0' }],
    ['curl/8.0 Drycc Client', { drycc_api_version: '2.0' }],
    ['Drycc Client v1.2.1', { drycc_api_version: '2.3', deis_api_version: '2.3', deis_platform_version: '2.1.0' }],
    ['Drycc Go SDK v1', { drycc_api_version: '2.3', deis_api_version: '2.3' }],
    ['Deis Client v2.18.0', { drycc_api_version: '2.3', deis_api_version: '2.3' }],
    ['Hephy Client v2.23.0', { drycc_api_version: '2.3', deis_api_version: '2.3' }],
  ])('%s gets the version it understands, whatever the answer', async (agent, versions) => {
    for (const [method, url] of [
      ['GET', '/v2/probe/list'],
      ['GET', '/nowhere'],
      ['PUT', '/v2/probe/list'],
      ['GET', '/v2/probe/failures/bug'],
      ['GET', '/v2/%'],
      ['OPTIONS', '/v2/probe/list'],
    ] as const) {
      const { headers } = await call(method, url, undefined, agent === undefined ? {} : { 'user-agent': agent });
      expect(headers).toMatchObject({
        ...versions,
        drycc_platform_version: '2.1.0',
        'x-frame-options': 'DENY',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        'content-security-policy': expect.stringContaining("default-src 'none'; frame-ancestors 'none'") as string,
      });
      expect(headers).not.toHaveProperty('strict-transport-security');
      expect(headers.deis_api_version).toBe((versions as Record<string, string>).deis_api_version);
    }
  });

  it('who comes by TLS is told to keep to it', async () => {
    const told = async (headers: Record<string, string>): Promise<unknown> =>
      (await call('GET', '/v2/probe/list', undefined, headers)).headers['strict-transport-security'];
    expect(await told({ 'x-forwarded-proto': 'https', 'x-forwarded-for': '192.0.2.1' })).toBe('max-age=15552000');
    expect(await told({ 'x-forwarded-proto': 'http', 'x-forwarded-for': '192.0.2.1' })).toBeUndefined();
  });

  it('a handler can tell the Go command lines', async () => {
    expect((await call('GET', '/v2/probe/client', undefined, { 'user-agent': 'Drycc Client v1.2.1' })).json).toEqual({ go: true });
    expect((await call('GET', '/v2/probe/client')).json).toEqual({ go: false });
  });

  it('a request id that can be logged is kept, another replaced', async () => {
    const id = async (given: string): Promise<unknown> =>
      (await call('GET', '/nowhere', undefined, { 'x-request-id': given })).headers['x-request-id'];
    expect(await id('build-7/step.2')).toBe('build-7/step.2');
    for (const bad of ['', 'two words', 'x'.repeat(129), '"}{"']) expect(await id(bad)).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('browsers from anywhere may call and read the headers', async () => {
    const preflight = await call('OPTIONS', '/v2/probe/list', undefined, {
      origin: 'https://example.com',
      'access-control-request-method': 'DELETE',
      'access-control-request-headers': 'authorization,content-type',
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': expect.stringContaining('DELETE') as string,
      'access-control-allow-headers': 'authorization,content-type',
    });
    const { headers } = await call('GET', '/v2/probe/list', undefined, { origin: 'https://example.com' });
    expect(headers['access-control-expose-headers']).toContain('X-Drycc-Release');
  });
});

describe('paging', () => {
  const list = async (query: string, headers = {}): Promise<Page<number>> =>
    (await call('GET', `/v2/probe/list/${query}`, undefined, { host: 'keelson.example.com', ...headers })).json as Page<number>;

  it.each([
    ['', 0, 100],
    ['?limit=0&offset=-1', 0, 100],
    ['?limit=x&offset=y', 0, 100],
    ['?limit=7&offset=240', 240, 7],
    ['?limit=5000', 0, 1000],
    ['?limit=1e3&offset=1.5', 0, 100],
    ['?limit=5&limit=6', 0, 5],
    ['?offset=99999999999999999999', 0, 100],
  ])('%s means offset %d and limit %d', async (query, offset, limit) => {
    expect((await list(query)).results).toEqual([offset, limit]);
  });

  it('neighbours are absolute URLs with the other parameters kept', async () => {
    const at = 'http://keelson.example.com/v2/probe/list/';
    expect(await list('')).toMatchObject({ count: 250, next: `${at}?limit=100&offset=100`, previous: null });
    expect(await list('?limit=100&offset=100&q=a%20b')).toMatchObject({
      next: `${at}?limit=100&offset=200&q=a+b`,
      previous: `${at}?limit=100&q=a+b`,
    });
    expect(await list('?limit=100&offset=200')).toMatchObject({ next: null, previous: `${at}?limit=100&offset=100` });
    expect(await list('?limit=250')).toMatchObject({ next: null, previous: null });
  });

  it('behind a trusted proxy they are those of the proxy', async () => {
    const { next } = await list('', { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'api.example.com' });
    expect(next).toMatch(/^https:\/\/api\.example\.com\//);
  });

  it('a Host header that is none does no harm', async () => {
    expect((await list('', { host: 'a b/<c>' })).next).toMatch(/^http:\/\/localhost\//);
  });
});

describe('submitted changes', () => {
  it('are answered with their outcome', async () => {
    const { status, json, headers } = await post('/v2/probe/submit', {});
    expect([status, json, headers['x-drycc-release']]).toEqual([201, { done: true, mapped: true }, '7']);
  });

  it('are answered with their failure', async () => {
    const { status, json } = await post('/v2/probe/submit', { fail: true });
    expect([status, json]).toEqual([409, { detail: 'it did not come up' }]);
  });

  it('are answered at once to a caller who prefers not to wait', async () => {
    const { status, json, headers } = await post('/v2/probe/submit', { fail: true }, { prefer: 'return=minimal, Respond-Async; x=1' });
    expect([status, json]).toEqual([202, { id: 1 }]);
    expect(headers).toMatchObject({ location: '/v2/operations/1', 'preference-applied': 'respond-async', 'x-drycc-release': '7' });
  });

  it('that have nothing to wait for are simply answered', async () => {
    expect((await post('/v2/probe/submit', { operation: false }, { prefer: 'respond-async' })).status).toBe(201);
  });
});

describe('failures', () => {
  beforeEach(() => {
    log.length = 0;
  });
  const logged = (): Record<string, unknown>[] => log.map((line) => JSON.parse(line) as Record<string, unknown>);

  it('meant for the caller have their own status and words, and are no error in the log', async () => {
    const { status, json } = await call('GET', '/v2/probe/failures/conflict');
    expect([status, json]).toEqual([409, { detail: 'taken' }]);
    expect(logged().filter(({ level }) => level === 'error')).toEqual([]);
  });

  it.each(['bug', 'nothing', 'query'])('%s: others tell the caller nothing, and the log once, under the same id', async (name) => {
    const { status, json, headers } = await call('GET', `/v2/probe/failures/${name}?token=hunter2`);
    expect([status, json]).toEqual([500, { detail: 'Server Error' }]);
    const errors = logged().filter(({ level }) => level === 'error');
    expect(errors).toEqual([
      expect.objectContaining({ requestId: headers['x-request-id'], method: 'GET', route: '/v2/probe/failures/:name' }),
    ]);
    expect(log.join('')).not.toContain('hunter2');
  });

  it.each(['refused', 'ending'])('%s: without the database they ask to come again', async (name) => {
    const { status, json, headers } = await call('GET', `/v2/probe/failures/${name}`);
    expect([status, json]).toEqual([503, { detail: 'The database is out of reach for the moment.' }]);
    expect(headers['retry-after']).toBe('5');
  });

  it('every request leaves one line, with neither body nor headers nor query', async () => {
    const { headers } = await post('/v2/probe/body?secret=hunter2', { password: 'hunter2' }, { authorization: 'token hunter2' });
    expect(logged()).toEqual([
      expect.objectContaining({
        level: 'info',
        requestId: headers['x-request-id'],
        method: 'POST',
        route: '/v2/probe/body',
        status: 200,
        ms: expect.any(Number) as number,
      }),
    ]);
    expect(log.join('')).not.toContain('hunter2');
  });
});

it('closing lets a request end that is under way, on a connection that is kept', async () => {
  await app.listen(0, '127.0.0.1');
  const answer = fetch(`${await app.getUrl()}/v2/probe/slow`);
  await slowBegun;
  const closed = app.close();
  release();
  expect(await (await answer).json()).toEqual({ done: true });
  await closed;
});
