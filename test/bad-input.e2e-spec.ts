import type { OpenAPIObject } from '@nestjs/swagger';
import fc from 'fast-check';
import { DataSource } from 'typeorm';
import { anything, oddKeys, spoilt, text } from './bad-values.ts';
import { issue } from './certificates.ts';
import { holdEngine } from './hold.ts';
import { WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { newPublicKey } from './ssh-key.ts';
import { Tables } from './tables.ts';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']> & { 'x-rule'?: string };
interface Schema {
  $ref?: string;
  type?: string;
  example?: unknown;
  properties?: Record<string, Schema>;
  items?: Schema;
}
interface Request {
  caller: 'owner' | 'collaborator' | 'stranger' | 'nobody';
  path: string;
  headers: Record<string, string>;
  body?: string | Buffer;
}

/** Another seed finds other faults: `BAD_INPUT_SEED=7 BAD_INPUT_RUNS=500 npx jest test/bad-input.e2e-spec.ts`. */
const seed = Number(process.env.BAD_INPUT_SEED ?? 20);
const runs = Number(process.env.BAD_INPUT_RUNS ?? 30);
const LIMIT = 2 * 1024 * 1024;

/** Good values of path parameters; of an `id` by what it is of. The app `bare` has no build, so that the cluster has little to do with it. */
const inPaths: Record<string, string[]> = {
  app: ['bare', 'bare', 'bare', 'built'],
  version: ['v1', '2'],
  username: ['ada', 'bob', 'eve'],
  domain: ['www.example.com', 'bare.local.drycc.cc'],
  certificate: ['attached', 'loose'],
  key: ['ada@laptop'],
  type: ['web', 'cmd'],
  typeOrName: ['web', 'cmd'],
  name: [],
  uuid: [],
  fingerprint: [],
  productName: ['search', 'nothing'],
};

/** Good values of fields, where the example of the document is not. */
const inBodies: Record<string, string[]> = {
  apps: ['bare', 'built'],
  username: ['eve', 'bob', 'ada'],
  owner: ['eve', 'bob'],
  domain: ['www.example.com', 'bare.local.drycc.cc'],
  procfile_type: ['web'],
  receive_user: ['ada'],
  receive_repo: ['bare', 'built'],
  public: [newPublicKey()],
  addresses: ['10.0.0.1'],
  types: ['web'],
};

/** Where the user API lives. */
const rbac = '/saltshaker/api/v1.0';

let keelson: Keelson;
let database: DataSource;
let tables: Tables;
let callers: Record<Request['caller'], Api>;
let cases = 0;

beforeAll(async () => {
  keelson = await startKeelson({ REQUEST_WAIT: '30', LOG_LEVEL: process.env.BAD_INPUT_LOG ?? 'fatal' });
  database = keelson.app.get(DataSource);
  const [ada, bob, eve] = [await keelson.register('ada'), await keelson.register('bob'), await keelson.register('eve')];
  callers = { owner: ada, collaborator: bob, stranger: eve, nobody: keelson.api };
  const made = async (path: string, body: object): Promise<void> => {
    const { status, text } = await ada.post(path, body);
    expect([path, status, text]).toEqual([path, 201, expect.any(String)]);
  };
  for (const id of ['bare', 'built']) await made('/v2/apps', { id });
  await made('/v2/apps/built/builds', { image: WEB_IMAGE, procfile: { web: 'serve' } });
  expect((await ada.post('/v2/apps/built/run', { command: 'true' })).status).toBe(200);
  const { json: key } = await ada.post<{ fingerprint: string }>('/v2/keys', { id: 'ada@laptop', public: newPublicKey() });
  inPaths.fingerprint?.push(key.fingerprint);
  const pems = await issue();
  for (const name of ['attached', 'loose']) await made('/v2/certs', { ...pems, name });
  inBodies.certificate = [pems.certificate];
  inBodies.key = [pems.key];
  await made('/v2/apps/bare/perms', { username: 'bob' });
  await made('/v2/apps/bare/domains', { domain: 'www.example.com' });
  await made('/v2/certs/attached/domain', { domain: 'www.example.com' });
  await made('/v2/apps/bare/services', { procfile_type: 'web', path_pattern: '/x' });
  await made('/v2/apps/bare/whitelist', { addresses: ['10.0.0.1'] });
  await made('/v2/apps/bare/settings', { autoscale: { web: { min: 1, max: 2, cpu_percent: 50 } }, label: { team: 'search' } });
  await made('/v2/apps/bare/config', { values: { GREETING: 'hello' }, memory: { web: '1G' } });
  const first = async (path: string): Promise<Record<string, string>> =>
    (await ada.get<{ results: Record<string, string>[] }>(path)).json.results[0] ?? {};
  for (const list of ['operations', 'runs', 'builds']) {
    const { uuid, id } = await first(`/v2/apps/built/${list}`);
    inPaths.uuid?.push(uuid ?? id ?? '');
  }
  inPaths.name?.push((await first('/v2/apps/built/pods')).name ?? '');
  for (const kind of ['role', 'product', 'acl', 'groups']) {
    await made(`${rbac}/${kind}`, { name: 'search', tag: 4, product_id: inBodies.product_id?.[0] });
    const { json } = await ada.get<{ data: { id: string }[] }>(`${rbac}/${kind}`);
    inPaths[kind] = inBodies[kind] = json.data.map(({ id }) => id);
    if (kind === 'product') inBodies.product_id = inPaths[kind];
  }
  const { json: all } = await ada.get<{ users: { user: { id: string; username: string }[] } }>(`${rbac}/user`);
  inPaths.user = inPaths.reset = inPaths.owner = all.users.user.map(({ id }) => id);
  await quiet();
  // nothing but the requests is to change a row
  for (const id of ['bare', 'built']) await holdEngine(database, id);
  tables = await Tables.keep(database);
});

afterAll(() => keelson.stop());

/** Waits until the engine has done all that it can. */
const quiet = (): Promise<void> =>
  eventually(async () => {
    const open = await database.query<{ app_id: string }[]>(
      `SELECT app_id FROM operations WHERE state IN ('pending', 'running')
          AND app_uuid NOT IN (SELECT app_uuid FROM operations WHERE lease_owner = 'the test')`,
    );
    if (open.length > 0) throw new Error(`the engine works on ${open.map(({ app_id }) => app_id).join(', ')}`);
  });

/** A request of an operation, of which some parts are good and others are anything. */
function requests(path: string, method: string, operation: Operation): fc.Arbitrary<Request> {
  const filled = fc
    .tuple(...parametersOf(path).map((name) => segment(name)))
    .map((values) => values.reduce((url, value) => url.replace(/\{\w+\}/, () => value), path));
  return fc
    .record({
      caller: fc.oneof(
        { arbitrary: fc.constant('owner' as const), weight: 12 },
        fc.constantFrom<Request['caller'][]>('collaborator', 'stranger', 'nobody'),
      ),
      path: fc.tuple(filled, query(operation), fc.constantFrom('', '', '/')).map(([url, search, slash]) => url + slash + search),
      headers: headers(operation),
      content: method === 'GET' ? fc.constant<Content>({}) : content(operation),
    })
    .map(({ content: { type, body }, ...request }) => ({
      ...request,
      headers: { ...request.headers, ...(type === undefined ? {} : { 'Content-Type': type }) },
      ...(body === undefined ? {} : { body }),
    }));
}

/** The names of a path's parameters; of an `id` what it is of. */
const parametersOf = (path: string): string[] =>
  [...path.matchAll(/([^/]*)\/\{(\w+)\}/g)].map(([, before = '', name = '']) => (name === 'id' ? before : name));

function segment(name: string): fc.Arbitrary<string> {
  const odd = text.map((value) => encoded(value.slice(0, 2000)));
  // a browser's URL takes these for steps through folders
  const safe = fc
    .oneof(odd, fc.constantFrom('%ED%A0%80', '%zz', '%00', '%', '..%2F..%2Fapps', 'a%2Fb'))
    .map((value) => (/^(\.|%2e)*$/i.test(value) ? 'x' : value));
  const values = inPaths[name] ?? [];
  if (values.length === 0) return safe;
  return fc.oneof({ arbitrary: fc.constantFrom(...values.map(encoded)), weight: 8 }, safe);
}

/** Percent-encoded as far as it has characters: half of one becomes a replacement character, as in any text that is sent. */
const encoded = (value: string): string => encodeURIComponent(Buffer.from(value).toString());

function query({ parameters = [] }: Operation): fc.Arbitrary<string> {
  const names = parameters.flatMap((parameter) => ('in' in parameter && parameter.in === 'query' ? [parameter.name] : []));
  const name = fc.oneof(fc.constantFrom(...names, 'limit', 'page'), oddKeys);
  const value = fc.oneof(text, fc.constantFrom('1', '-1', '0', '1e3', '10', '9'.repeat(30)));
  const pair = fc.tuple(name, value).map(([key, val]) => `${encoded(key)}=${encoded(val.slice(0, 2000))}`);
  const pairs = fc.oneof(pair, fc.constantFrom('limit', 'limit[]=1', 'limit=%zz', '&&', '=', 'limit=1&limit=2', '?')).map((one) => one);
  return fc.oneof(
    { arbitrary: fc.constant(''), weight: names.length > 0 ? 1 : 8 },
    { arbitrary: fc.array(pairs, { minLength: 1, maxLength: 3 }).map((list) => `?${list.join('&')}`), weight: 2 },
  );
}

function headers(operation: Operation): fc.Arbitrary<Record<string, string>> {
  // what can be sent at all
  const latin = text.map((value) =>
    value
      .replace(/[^\t\x20-\x7e\x80-\xff]/g, '')
      .trim()
      .slice(0, 3000),
  );
  const odd = fc.dictionary(
    fc.constantFrom(
      'Accept',
      'Accept-Language',
      'X-Request-Id',
      'User-Agent',
      'X-Forwarded-For',
      'X-Forwarded-Proto',
      'X-Forwarded-Host',
      'Last-Event-ID',
      'If-None-Match',
      'Cookie',
      'Range',
      'Origin',
      'X-HTTP-Method-Override',
    ),
    latin,
    { maxKeys: 2 },
  );
  const usual = {
    Prefer: 'respond-async',
    ...(operation['x-rule'] === 'builder' ? { 'X-Drycc-Builder-Auth': keelson.settings.builderKey } : {}),
  };
  return fc.oneof({ arbitrary: fc.constant({}), weight: 3 }, odd).map((some) => ({ ...some, ...usual }));
}

interface Content {
  type?: string;
  body?: string | Buffer;
}

function content(operation: Operation): fc.Arbitrary<Content> {
  const object = body(schemaOf(operation));
  const json = object.map((value) => ({ type: 'application/json', body: JSON.stringify(value) }));
  const form = object.map((value) => ({ type: 'application/x-www-form-urlencoded', body: formOf(value) }));
  const broken = fc.constantFrom<(string | Buffer)[]>(
    '{',
    '{"a":}',
    "{'a': 'b'}",
    '{"a":1,}',
    '{"a":"\ud800"}',
    '{"a":1}{"b":2}',
    '[[[[',
    '{"a":NaN}',
    '{"a":"\t"}',
    '{"__proto__":{"isSuperuser":true}}',
    '{"username":"ada","username":["eve"]}',
    '\ufeff{}',
    '['.repeat(100_000),
    `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`,
    Buffer.from([0xff, 0xfe, 0x7b, 0x7d]),
    Buffer.from('{"id":"\xe9"}', 'latin1'),
    Buffer.alloc(10),
  );
  const type = fc.constantFrom(
    'text/plain',
    'application/json; charset=latin1',
    'application/json;',
    'multipart/form-data',
    'application/xml',
    '*/*',
    'json',
    ',',
    'application/json, text/plain',
  );
  return fc.oneof(
    { arbitrary: json, weight: 12 },
    { arbitrary: form, weight: 2 },
    { arbitrary: fc.tuple(type, json).map(([other, sent]) => ({ ...sent, type: other })), weight: 1 },
    {
      arbitrary: fc
        .tuple(fc.constantFrom('application/json', 'application/x-www-form-urlencoded', undefined), broken)
        .map(([known, sent]) => ({ ...(known === undefined ? {} : { type: known }), body: sent })),
      weight: 2,
    },
    { arbitrary: anything.map((value) => ({ body: JSON.stringify(value) })), weight: 1 },
    { arbitrary: fc.constantFrom<Content[]>({}, { type: 'application/json' }, { type: 'application/json', body: '' }), weight: 1 },
  );
}

/** A body whose fields are good, spoilt, anything, null or not there, each for itself. */
function body(schema: Schema): fc.Arbitrary<unknown> {
  const example = exampleOf(schema, '') as Record<string, unknown>;
  const fields = Object.entries(example).map(([name, value]) =>
    fc
      .oneof(
        { arbitrary: fc.constantFrom<unknown[]>(value, ...goodValues(name, value)), weight: 6 },
        { arbitrary: spoilt(value), weight: 6 },
        { arbitrary: fc.constant(undefined), weight: 2 },
        fc.constant(null),
        fc.constant(JSON.stringify(value)),
      )
      .map((sent) => (sent === undefined ? [] : [[name, sent] as const])),
  );
  const more = fc.oneof(
    { arbitrary: fc.constant([]), weight: 4 },
    fc.tuple(oddKeys, anything).map((entry) => [entry]),
  );
  return fc.oneof(
    { arbitrary: fc.tuple(more, ...fields).map((lists) => Object.fromEntries(lists.flat())), weight: 12 },
    { arbitrary: spoilt(example), weight: 4 },
    { arbitrary: anything, weight: 1 },
  );
}

/** Of the kind that an example is of. */
const goodValues = (name: string, example: unknown): unknown[] =>
  (inBodies[name] ?? []).map((value) => (Array.isArray(example) ? [value] : value));

function schemaOf({ requestBody }: Operation): Schema {
  const content = requestBody && 'content' in requestBody ? requestBody.content : {};
  return resolved((content['application/json']?.schema ?? {}) as Schema);
}

function resolved(schema: Schema): Schema {
  const name = schema.$ref?.replace(/.*\//, '');
  return name === undefined ? schema : (keelson.documentation.document.components?.schemas?.[name] as Schema);
}

function exampleOf(schema: Schema, name: string): unknown {
  const { example, properties, items, type } = resolved(schema);
  const [first] = inBodies[name] ?? [];
  if (first !== undefined) return type === 'array' ? [first] : first;
  if (example !== undefined) return example;
  if (properties) return Object.fromEntries(Object.entries(properties).map(([field, inner]) => [field, exampleOf(inner, field)]));
  if (type === 'array') return items ? [exampleOf(items, name)] : [];
  return { string: 'web', integer: 1, number: 1, boolean: true }[type ?? ''] ?? {};
}

function formOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([key, item]) => `${encoded(key)}=${encoded(typeof item === 'string' ? item : JSON.stringify(item))}`)
    .join('&');
}

/** Sends a request, and finds what is wrong with its answer. The database is as before afterwards. */
async function holds(method: string, { caller, path, headers, body }: Request): Promise<Answer> {
  cases += 1;
  const answer = await callers[caller].request(method, path, undefined, { headers, ...(body === undefined ? {} : { raw: body }) });
  const { status } = answer;
  const changed = await tables.changed();
  if (changed.length > 0) {
    await quiet();
    await tables.putBack();
  }
  if (status >= 500) throw new Error(`${String(status)} ${answer.text}`);
  if (status >= 300 && status < 400) throw new Error(`${String(status)}: a redirect`);
  if (status >= 400 && changed.length > 0) throw new Error(`${String(status)}, but ${changed.join(', ')} changed\n${answer.text}`);
  return answer;
}

const cut = (value: unknown): string => String(value).replace(/(.)\1{50,}/gsu, '$1$1$1…');

const report = (name: string, { seed, counterexamplePath, counterexample, errorInstance }: fc.RunDetails<[Request]>): string =>
  `${name}: ${cut(errorInstance)}\nafter ${cut(JSON.stringify(counterexample?.[0]))}\nseed ${String(seed)}, path ${String(counterexamplePath)}`;

const eachOperation = (): { name: string; method: string; path: string; operation: Operation }[] =>
  Object.entries(keelson.documentation.document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([verb, operation]) => {
      const method = verb.toUpperCase();
      return { name: `${method} ${path}`, method, path, operation: operation as Operation };
    }),
  );

it('whatever is sent, nothing breaks, and what is refused leaves no trace', async () => {
  const failures: string[] = [];
  const seen = new Map<number, number>();
  const operations = eachOperation();
  for (const { name, method, path, operation } of operations) {
    const property = fc.asyncProperty(requests(path, method, operation), async (request) => {
      const { status } = await holds(method, request);
      seen.set(status, (seen.get(status) ?? 0) + 1);
    });
    const result = await fc.check(property, { seed, numRuns: method === 'GET' ? Math.ceil(runs / 2) : runs });
    if (result.failed) failures.push(report(name, result));
  }
  const statuses = [...seen].sort(([a], [b]) => a - b).map(([status, count]) => `${String(count)} × ${String(status)}`);
  process.stdout.write(`${String(cases)} cases tried on ${String(operations.length)} operations: ${statuses.join(', ')}\n`);
  expect(failures).toEqual([]);
});

it('bodies just below the limit are read, those above are refused', async () => {
  for (const { name, method, path, operation } of eachOperation().filter(({ operation }) => operation.requestBody)) {
    const example = exampleOf(schemaOf(operation), '') as Record<string, unknown>;
    const [field = 'id'] = Object.entries(example).find(([, value]) => typeof value === 'string') ?? Object.keys(example);
    const url = parametersOf(path).reduce((filled, name) => filled.replace(/\{\w+\}/, inPaths[name]?.[0] ?? 'x'), path);
    const empty = JSON.stringify({ ...example, [field]: '' }).length;
    const send = (length: number): Promise<Answer> => {
      const body = JSON.stringify({ ...example, [field]: 'x'.repeat(length - empty) });
      const builder = operation['x-rule'] === 'builder';
      return holds(method, {
        caller: builder ? 'nobody' : 'owner',
        path: url,
        headers: { Prefer: 'respond-async', ...(builder ? { 'X-Drycc-Builder-Auth': keelson.settings.builderKey } : {}) },
        body,
      });
    };
    expect([name, (await send(LIMIT)).status]).not.toEqual([name, 413]);
    expect([name, (await send(LIMIT + 1)).status]).toEqual([name, 413]);
  }
});
