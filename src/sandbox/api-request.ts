import type { IncomingMessage } from 'node:http';
import { ApiError, badRequest, invalid, type FieldFault } from './api-error.ts';
import { apiVersionOf, resources, type Resource, type Subresource, type Verb } from './resources.ts';
import { isObject, type JsonObject } from './schema.ts';

/** A path of the API, taken apart. */
export interface ApiPath {
  resource: Resource;
  namespace?: string;
  name?: string;
  subresource?: Subresource;
}

export interface ApiRequest extends ApiPath {
  query: URLSearchParams;
  dryRun: boolean;
  /** Who the written fields belong to: `fieldManager`, or the program named in User-Agent. */
  manager: string;
}

const notFoundAtAll = (): ApiError => new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});

export const notServed = (what: string): ApiError =>
  new ApiError(501, 'NotImplemented', `this is Keelson's sandbox, not a whole Kubernetes: it does not serve ${what}`);

export const methodNotAllowed = (): ApiError =>
  new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

/** Throws ApiError: 404 for what Kubernetes doesn't have either, 501 for what the sandbox leaves out. */
export function parsePath(path: string): ApiPath {
  const [, core, group, groupVersion, rest = ''] = /^\/(?:api\/(v1)|apis\/([^/]+)\/([^/]+))(?:\/(.*))?$/.exec(path) ?? [];
  const apiVersion = core ?? `${group ?? ''}/${groupVersion ?? ''}`;
  const served = resources.filter((resource) => apiVersionOf(resource) === apiVersion);
  if (!served.length) throw isOfKubernetes(group) ? notServed(`the API ${apiVersion}`) : notFoundAtAll();
  const parts = rest.split('/').map(decoded);
  const inNamespace = parts[0] === 'namespaces' && parts.length > 2 && !['status', 'finalize'].includes(parts[2] ?? '');
  const [plural = '', name, sub, ...more] = inNamespace ? parts.slice(2) : parts;
  const resource = served.find((each) => each.plural === plural);
  if (!resource) throw notServed(`${plural || 'this path'} in ${apiVersion}`);
  if (more.length || (inNamespace && !resource.namespaced) || (!inNamespace && resource.namespaced && name !== undefined))
    throw notFoundAtAll();
  const subresource = resource.subresources.find((each) => each.name === sub);
  if (sub !== undefined && !subresource) throw notFoundAtAll();
  return { resource, name, subresource, ...(inNamespace ? { namespace: parts[1] } : {}) };
}

/** Groups of other projects have a domain of their own, and are not there until somebody installs them. */
const isOfKubernetes = (group = ''): boolean => !group.includes('.') || group.endsWith('.k8s.io');

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badRequest(`the path has a part that can't be decoded: ${part}`);
  }
}

const verbs: Record<string, [one: Verb | undefined, many: Verb | undefined]> = {
  GET: ['get', 'list'],
  POST: [undefined, 'create'],
  PUT: ['update', undefined],
  PATCH: ['patch', undefined],
  DELETE: ['delete', 'deletecollection'],
};

/** What a method does at a path; undefined where it isn't allowed. Reading and watching are both GET. */
export function verbOf(method: string | undefined, { name, subresource }: ApiPath): Verb | undefined {
  const [one, many] = verbs[method ?? ''] ?? [];
  if (name === undefined) return many;
  return method === 'POST' && subresource ? 'create' : one;
}

export function parseRequest(path: ApiPath, query: URLSearchParams, { headers, method }: IncomingMessage): ApiRequest {
  const options = { POST: 'CreateOptions', PUT: 'UpdateOptions', PATCH: 'PatchOptions', DELETE: 'DeleteOptions' }[method ?? ''];
  const dryRun = query.getAll('dryRun');
  const asked = query.get('fieldManager') ?? '';
  if (options) {
    const faults: FieldFault[] = [];
    if (dryRun.some((each) => each !== 'All')) {
      const message = `Unsupported value: ${JSON.stringify(dryRun)}: supported values: "All"`;
      faults.push({ field: 'dryRun', reason: 'FieldValueNotSupported', message });
    }
    if (asked.length > 128)
      faults.push({ field: 'fieldManager', reason: 'FieldValueTooLong', message: 'Too long: may not be longer than 128' });
    if (faults.length) throw invalid(options, 'meta.k8s.io', '', faults);
  }
  const program = (headers['user-agent'] ?? 'unknown').split('/')[0] ?? 'unknown';
  return { ...path, query, dryRun: dryRun.includes('All'), manager: asked || program.slice(0, 128) };
}

export const flag = (query: URLSearchParams, name: string): boolean => ['true', '1'].includes(query.get(name) ?? '');

/** A whole number of the query. Throws ApiError 400. */
export function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

/** The version that is asked for; undefined if none is. Throws ApiError 500, as Kubernetes does, for what isn't one. */
export function versionOf(query: URLSearchParams): number | undefined {
  const text = query.get('resourceVersion') ?? '';
  if (text === '') return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  const value = JSON.stringify(text);
  throw new ApiError(500, '', `resourceVersion: Invalid value: ${value}: strconv.ParseUint: parsing ${value}: invalid syntax`);
}

/** As the API server limits it. */
const bodyLimit = 3 * 1024 * 1024;

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > bodyLimit) throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${bodyLimit}`, {});
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export const mediaType = ({ headers }: IncomingMessage): string => (headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';

/** The object in the body of a create or an update. Throws ApiError 400 and 415. */
export function parseObject(text: string, type: string, resource: Pick<Resource, 'kind' | 'group' | 'version'>): JsonObject {
  if (!['', 'application/json', '*/*'].includes(type)) {
    const words = 'the body of the request was in an unknown format - accepted media types include: application/json';
    throw new ApiError(415, 'UnsupportedMediaType', words);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    const words = `couldn't get version/kind; json parse error: ${(error as Error).message}`;
    throw badRequest(`the object provided is unrecognized (must be of type ${resource.kind}): ${words}`);
  }
  if (!isObject(parsed))
    throw badRequest(`the object provided is unrecognized (must be of type ${resource.kind}): couldn't get version/kind`);
  const apiVersion = apiVersionOf(resource);
  const sent = { kind: textOf(parsed.kind) || resource.kind, apiVersion: textOf(parsed.apiVersion) || apiVersion };
  if (sent.kind !== resource.kind || sent.apiVersion !== apiVersion) {
    const version = sent.apiVersion.split('/').at(-1) ?? '';
    throw badRequest(
      `${sent.kind} in version "${version}" cannot be handled as a ${resource.kind}: it is ${sent.kind} of ${sent.apiVersion}, expected ${resource.kind} of ${apiVersion}`,
    );
  }
  return { ...parsed, ...sent };
}

/** What isn't a string is not there. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Name and namespace of the body have to be those of the path, and are filled in from it. Throws ApiError 400. */
export function addressed(object: JsonObject, { resource, namespace, name }: ApiPath): JsonObject {
  const metadata = isObject(object.metadata) ? { ...object.metadata } : {};
  if (resource.namespaced && metadata.namespace !== undefined && metadata.namespace !== '' && metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (name !== undefined && metadata.name !== undefined && metadata.name !== name) {
    throw badRequest(`the name of the object (${textOf(metadata.name)}) does not match the name on the URL (${name})`);
  }
  return { ...object, metadata: { ...metadata, ...(resource.namespaced ? { namespace } : {}), ...(name === undefined ? {} : { name }) } };
}
