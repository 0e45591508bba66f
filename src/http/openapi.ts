import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { Rule } from '../auth/rights.ts';
import { pathParameters } from './parameters.ts';
import { isOfUserApi, userApiRefusal } from './user-api.ts';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
type Responses = Operation['responses'];
type Response = Exclude<NonNullable<Responses[string]>, { $ref: string }>;

const methods = ['get', 'put', 'post', 'delete', 'patch'] as const;
const methodsWithBody = new Set<string>(['put', 'post', 'delete', 'patch']);

/** Who passes a rule, in words. */
const callers: Record<Rule, string> = {
  public: 'Anybody, without a token.',
  registration: 'By the registration mode: anybody, or administrators only.',
  builder: 'The builder, by its key.',
  user: 'Every user.',
  'platform:admin': 'Administrators.',
  'app:use': 'Collaborators and the owner of the app, users of its products, and administrators.',
  'app:own': 'The owner of the app, and administrators.',
  'app:revoke': 'The owner of the app, and administrators; a collaborator for himself.',
  'app:inspect': 'The owner of the app, and administrators; everybody about himself.',
  'accounts:read': 'Every user about himself; about others who has a role of tag 0, 2, 3 or 4.',
  'accounts:change': 'Every user himself; others whoever has a role of tag 0, 2, 3 or 4: each what his roles are about.',
  'accounts:administer': 'User administrators: roles of tag 0 and 3.',
  'accounts:own': 'The user himself.',
  'roles:read': 'Who has a role of tag 0, 2, 3 or 4.',
  'products:administer': 'Product administrators: roles of tag 0, and of tag 2 in their products.',
  'acls:administer': 'ACL administrators: roles of tag 0 and 4, and of tag 2 in their products.',
};

const appWords = { 403: 'You may not do this to this app.', 404: 'There is no such app, or nothing of that name in it.' };
const userWords = { 401: 'There is no token, or it is not good.' };

const standingWords = { ...userWords, 403: 'You have no role that allows it.' };

/** What a rule can refuse with. */
const refusals: Record<Rule, Record<string, string>> = {
  public: {},
  registration: {},
  builder: { 401: 'The header X-Drycc-Builder-Auth is missing or wrong.', 403: 'You are a user, not the builder.' },
  user: userWords,
  'platform:admin': { ...userWords, 403: 'You are no administrator.' },
  'app:use': { ...userWords, ...appWords },
  'app:own': { ...userWords, ...appWords },
  'app:revoke': { ...userWords, ...appWords },
  'app:inspect': { ...userWords, ...appWords },
  'accounts:read': standingWords,
  'accounts:change': standingWords,
  'accounts:administer': standingWords,
  'accounts:own': standingWords,
  'roles:read': standingWords,
  'products:administer': standingWords,
  'acls:administer': standingWords,
};

/** Every route can refuse like this. */
const anywhere: Record<string, string> = {
  500: 'A fault of Keelson, logged under the request id.',
  503: 'The database or the cluster is out of reach.',
};

/** And those that take a body like this. */
const withBody: Record<string, string> = {
  400: 'The body is no JSON object, or a field is wrong.',
  413: 'The body is larger than 2 MiB.',
  415: 'The body is neither JSON nor form-encoded.',
};

/** And those whose path has parameters like this: a value that none can have makes it no route. */
const withParameters: Record<string, string> = { 404: 'Not found.' };

/** Who changes what somebody administers waits for his turn, and must still be who he was then: see `AdministrationLock`. */
const administers = new Set<Rule>([
  'registration',
  'platform:admin',
  'accounts:administer',
  'accounts:change',
  'products:administer',
  'acls:administer',
]);
const underTheLock: Record<string, string> = { 401: 'The token is not good any more.', 409: 'Your roles have changed meanwhile.' };

/** The one refusal that says nothing: see `Locked`. */
const WITHOUT_BODY = 423;

const sentences: Record<number, string> = {
  401: 'Authentication credentials were not provided.',
  403: 'You do not have permission to perform this action.',
  413: 'The body may have at most 2097152 bytes.',
  429: 'Too many attempts. Try again in 840 s.',
  415: 'Unsupported media type "text/plain" in request.',
  500: 'Server Error',
  503: 'The database is out of reach for the moment.',
};

const introduction = `
Every answer carries \`DRYCC_API_VERSION\`, \`DRYCC_PLATFORM_VERSION\` and \`X-Request-Id\`. Every path works with and without a slash at
its end. A body is a JSON object; an empty one counts as \`{}\`, unknown fields are ignored. Refusals are \`{"detail": "…"}\`, or a list of
messages for each field at fault; under \`/saltshaker/api/v1.0\`, the user API, they are \`{"status": false, "message": "…"}\`.

Log in with \`POST /v2/auth/login\` and press *Authorize* with \`token <token>\` to try the calls out.
`.trim();

/** The OpenAPI document of all routes of an application. What `@Route` doesn't say but holds for many routes is added here. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Keelson')
    .setDescription(introduction)
    .setVersion('2.0')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'Authorization', description: '`token <token>`' }, 'token')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-Drycc-Builder-Auth', description: 'The key of the builder.' }, 'builder')
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}.${method}`,
  });
  const schemas: Schemas = Object.assign(((document.components ??= {}).schemas ??= {}), errorSchemas);
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of methods) {
      const operation = item[method] as (Operation & Extensions) | undefined;
      if (!operation) continue;
      addParameters(operation, path);
      if (method === 'post' && operation['x-rule'] !== 'public' && !operation['x-credentials']) addIdempotencyKey(operation);
      addRefusals(operation, methodsWithBody.has(method), isOfUserApi(path) ? userApiRefusalContent : refusal);
      completeBody(operation, schemas);
      if (operation['x-waits']) addAsynchronousAnswer(operation);
      delete operation['x-waits'];
      delete operation['x-credentials'];
      operation.description = [operation.description, `**Who may call:** ${callers[operation['x-rule']]}`].filter(Boolean).join('\n\n');
      const scheme = operation['x-rule'] === 'builder' ? 'builder' : 'token';
      if (operation['x-rule'] !== 'public') operation.security = [{ [scheme]: [] }];
    }
  }
  return document;
}

/** What `@Route` leaves for this file. */
interface Extensions {
  'x-rule': Rule;
  'x-waits'?: boolean;
  'x-credentials'?: boolean;
}

const errorSchemas = {
  Refusal: {
    type: 'object',
    properties: { detail: { type: 'string' } },
    required: ['detail'],
  },
  UserApiRefusal: {
    type: 'object',
    properties: { status: { type: 'boolean', enum: [false] }, message: { type: 'string', description: 'What and why.' } },
    required: ['status', 'message'],
  },
  FieldFaults: {
    type: 'object',
    description: 'The messages of each field at fault.',
    additionalProperties: { type: 'array', items: { type: 'string' }, minItems: 1 },
  },
};

/** Those of the path, from the one table that tells what they are. */
function addParameters(operation: Operation, path: string): void {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].flatMap(([, name = '']) => {
    const parameter = pathParameters[name];
    if (!parameter) return [];
    const { pattern, description, example } = parameter;
    return [{ name, in: 'path' as const, required: true, description, schema: { type: 'string', pattern: pattern.source }, example }];
  });
  const others = (operation.parameters ?? []).filter((parameter) => !('in' in parameter) || parameter.in !== 'path');
  operation.parameters = [...inPath, ...others];
}

/** Of a refusal by a limit. */
const limitHeaders = Object.fromEntries(
  [
    ['Retry-After', 'Seconds until it may be tried again.'],
    ['RateLimit-Limit', 'How often it may be tried in a while.'],
    ['RateLimit-Remaining', 'How often it may still be tried.'],
    ['RateLimit-Reset', 'Seconds until it is counted anew.'],
  ].map(([name = '', description = '']) => [name, { description, schema: { type: 'string' as const, pattern: '^\\d+$' } }]),
);

/** What a refusal is like. @param sentence an example of what it says */
type RefusalContent = (status: number, sentence: string) => object;

function addRefusals(operation: Operation & Extensions, takesBody: boolean, contentOf: RefusalContent): void {
  const { 'x-rule': rule, responses } = operation;
  const hasParameters = operation.parameters?.some((parameter) => 'in' in parameter && parameter.in === 'path') ?? false;
  const common: Record<string, string> = {
    ...(takesBody ? withBody : {}),
    ...(hasParameters ? withParameters : {}),
    ...(takesBody && administers.has(rule) ? underTheLock : {}),
    ...refusals[rule],
    ...anywhere,
  };
  for (const [status, description] of Object.entries(common)) responses[status] ??= { description };
  for (const [text, response] of Object.entries(responses) as [string, Response][]) {
    const status = Number(text);
    if (status >= 400 && status !== WITHOUT_BODY)
      response.content ??= { 'application/json': contentOf(status, exampleOf(status, response.description, rule)) };
    if (status === 429) response.headers = { ...response.headers, ...limitHeaders };
    if (status === 401) (response.headers ??= {})['WWW-Authenticate'] = { schema: { type: 'string', enum: ['Token'] } };
  }
}

/** A body is taken in two forms, and may be left out if none of its fields is required. Its example is made of its fields' examples. */
function completeBody({ requestBody }: Operation, schemas: Schemas): void {
  if (!requestBody || !('content' in requestBody)) return;
  const [content = {}] = Object.values(requestBody.content);
  const schema = content.schema && '$ref' in content.schema ? schemas[content.schema.$ref.replace(/.*\//, '')] : content.schema;
  const { properties = {}, required = [] } = schema && !('$ref' in schema) ? schema : {};
  const examples = Object.entries(properties).flatMap(([name, field]) => ('example' in field ? [[name, field.example as unknown]] : []));
  requestBody.required = required.length > 0;
  requestBody.content = {
    'application/json': { example: Object.fromEntries(examples) as object, ...content },
    'application/x-www-form-urlencoded': content,
  };
}

function exampleOf(status: number, description: string, rule: Rule): string {
  return status === 404 && rule.startsWith('app:') ? 'No App matches the given query.' : (sentences[status] ?? description);
}

const refusal: RefusalContent = (status, detail) => {
  const one = { $ref: '#/components/schemas/Refusal' };
  if (status !== 400) return { schema: one, example: { detail } };
  return {
    schema: { anyOf: [one, { $ref: '#/components/schemas/FieldFaults' }] },
    examples: {
      refusal: { value: { detail } },
      fields: { value: { name: ['This field is required.'] } },
    },
  };
};

const userApiRefusalContent: RefusalContent = (_status, message) => ({
  schema: { $ref: '#/components/schemas/UserApiRefusal' },
  example: userApiRefusal(message),
});

function addIdempotencyKey({ parameters, responses }: Operation): void {
  parameters?.push({
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'At most 255 printable ASCII characters. Repeated with the same key within 24 hours, the request is not carried out again: it gets ' +
      'the answer of the first one, waiting for it where that is needed, with `Idempotency-Replayed: true`.',
    schema: { type: 'string', minLength: 1 },
    example: '8e03978e-40d5-43dd-bc93-6894a57f9324',
  });
  responses['409'] ??= { description: 'The `Idempotency-Key` is of a request that was carried out, and what it was answered is lost.' };
  responses['422'] ??= { description: 'The `Idempotency-Key` was used for another request.' };
}

function addAsynchronousAnswer(operation: Operation): void {
  operation.parameters?.push({
    name: 'Prefer',
    in: 'header',
    description: 'With `respond-async` the answer does not wait for the cluster.',
    schema: { type: 'string' },
    example: 'respond-async',
  });
  operation.responses['202'] ??= {
    description: 'Recorded and on its way, for a caller who prefers not to wait. `Location` is the operation to watch.',
    headers: {
      Location: { schema: { type: 'string' }, example: '/v2/operations/de1bf5b5-4a72-4f94-a10c-d2a3741cdf75' },
      'Preference-Applied': { schema: { type: 'string' }, example: 'respond-async' },
    },
    content: { 'application/json': { schema: { type: 'object', additionalProperties: true } } },
  };
}

/** Serves the document at `/openapi.json`, and at `/docs` a page to read it and try it out, which needs nothing from elsewhere. */
export function serveOpenApi(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), {
    raw: ['json'],
    jsonDocumentUrl: 'openapi.json',
    customSiteTitle: 'Keelson API',
    swaggerOptions: { validatorUrl: null, persistAuthorization: true, tryItOutEnabled: true },
  });
}
