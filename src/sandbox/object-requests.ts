import type { IncomingMessage } from 'node:http';
import { ApiError, badRequest, invalid, notFound, type FieldFault } from './api-error.ts';
import {
  addressed,
  flag,
  mediaType,
  methodNotAllowed,
  notServed,
  numberOf,
  parseObject,
  textOf,
  verbOf,
  versionOf,
  type ApiRequest,
} from './api-request.ts';
import { forbiddenField, invalidValue, notSupported, required } from './field-faults.ts';
import { jsonPatch, mergePatch, strategicMergePatch } from './patches.ts';
import { apiVersionOf, type Resource } from './resources.ts';
import { decode, isObject, type JsonObject } from './schema.ts';
import { scaleOf, withScale } from './scale.ts';
import { selector } from './selectors.ts';
import type { DeleteOptions } from './deletion.ts';
import type { Store } from './store.ts';
import type { StoredObject } from './stored-object.ts';

export interface Answer {
  code: number;
  body: object;
}

interface Page {
  items: StoredObject[];
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
}

/** Where a further page starts: after this object, and of which version the first page was. */
interface Continuation {
  version: string;
  after: string;
}

/** Deleting one of these answers with the object, where others answer with a Status. */
const answeredWithObject = ['namespaces', 'pods', 'resourcequotas', 'serviceaccounts'];

/** Reads and writes of objects: from the request to the store and back. */
export class ObjectRequests {
  constructor(private readonly store: Store) {}

  get({ resource, namespace, name = '' }: ApiRequest): StoredObject {
    const found = this.store.get(resource.plural, namespace, name);
    if (!found) throw notFound(resource, name);
    return found;
  }

  list({ resource, namespace, query }: ApiRequest): Page {
    this.expectVersion(versionOf(query));
    const fits = selector(resource, query.get('labelSelector') ?? undefined, query.get('fieldSelector') ?? undefined);
    const limit = numberOf(query, 'limit') ?? 0;
    const from = continuation(query.get('continue'));
    const all = this.store.list(resource.plural, namespace);
    const selected = query.has('labelSelector') || query.has('fieldSelector');
    const version = from?.version ?? this.store.resourceVersion;
    const items: StoredObject[] = [];
    let more = 0;
    for (const object of all) {
      if ((from && placeOf(object) <= from.after) || !fits(object)) continue;
      if (limit === 0 || items.length < limit) items.push(object);
      else more += 1;
      // how many are left is told of whole lists alone
      if (more > 0 && selected) break;
    }
    const last = items.at(-1);
    if (!last || more === 0) return { items, metadata: { resourceVersion: version } };
    const next: Continuation = { version, after: placeOf(last) };
    return {
      items,
      metadata: {
        resourceVersion: version,
        continue: Buffer.from(JSON.stringify(next)).toString('base64url'),
        ...(selected ? {} : { remainingItemCount: more }),
      },
    };
  }

  /** A list is to be no older than this version. Throws ApiError 504 for one that isn't there yet. */
  private expectVersion(asked: number | undefined): void {
    const current = this.store.resourceVersion;
    if (asked === undefined || asked <= Number(current)) return;
    throw new ApiError(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    });
  }

  /** Everything but reading objects and logs. */
  async handle(asked: ApiRequest, request: IncomingMessage, body: () => Promise<string>): Promise<Answer> {
    const { resource, subresource } = asked;
    const verb = verbOf(request.method, asked);
    if (!verb || !(subresource?.verbs ?? resource.verbs).includes(verb)) throw methodNotAllowed();
    if (subresource?.name === 'exec') throw badRequest('Upgrade request required');
    if (subresource && !['status', 'scale', 'eviction'].includes(subresource.name))
      throw notServed(`${resource.plural}/${subresource.name}`);
    switch (verb) {
      case 'get':
        return { code: 200, body: subresource?.name === 'scale' ? scaleOf(this.get(asked)) : this.get(asked) };
      case 'create':
        return subresource ? this.evict(asked, await body()) : this.create(asked, await body(), mediaType(request));
      case 'update':
        return this.update(asked, await body(), mediaType(request));
      case 'patch':
        return this.patch(asked, await body(), mediaType(request));
      case 'delete':
        return this.delete(asked, deleteOptions(asked, await body()));
      default:
        return this.deleteCollection(asked, deleteOptions(asked, await body()));
    }
  }

  private create(asked: ApiRequest, text: string, type: string): Answer {
    const { resource, namespace, manager, dryRun } = asked;
    if (resource.namespaced && namespace === undefined) throw methodNotAllowed();
    const object = addressed(parseObject(text, type, resource), asked);
    return { code: 201, body: this.store.create(resource.plural, object as unknown as StoredObject, manager, { dryRun }) };
  }

  private update(asked: ApiRequest, text: string, type: string): Answer {
    if (asked.subresource?.name === 'scale') {
      return this.scale(asked, parseObject(text, type, { kind: 'Scale', group: 'autoscaling', version: 'v1' }));
    }
    const object = addressed(parseObject(text, type, asked.resource), asked);
    return { code: 200, body: this.write(asked, object) };
  }

  private patch(asked: ApiRequest, text: string, type: string): Answer {
    const isApply = type === 'application/apply-patch+yaml';
    const faults: FieldFault[] = [];
    if (isApply && !asked.query.get('fieldManager')) faults.push(required('fieldManager', 'is required for apply patch'));
    if (!isApply && asked.query.has('force')) faults.push(forbiddenField('force', 'may not be specified for non-apply patch'));
    if (faults.length) throw invalid('PatchOptions', 'meta.k8s.io', '', faults);
    if (isApply) return this.apply(asked, parseJson(text, 'error decoding YAML'));

    const current = this.get(asked);
    const { resource, subresource } = asked;
    const target = (subresource?.name === 'scale' ? scaleOf(current) : current) as JsonObject;
    const kind = subresource?.kind ?? resource.kind;
    const patched = patchedObject(type, kind, target, parseJson(text, 'error decoding patch'));
    if (subresource?.name === 'scale') return this.scale(asked, patched);
    const object = addressed(patched, asked);
    const { uid } = object.metadata as { uid?: string };
    if (uid !== current.metadata.uid) {
      throw invalid(resource.kind, resource.group, current.metadata.name, [invalidValue('metadata.uid', uid, 'field is immutable')]);
    }
    return { code: 200, body: this.write(asked, object) };
  }

  private apply(asked: ApiRequest, config: unknown): Answer {
    const { resource, namespace, name = '', query, manager, dryRun, subresource } = asked;
    if (subresource && subresource.name !== 'status') throw notServed(`apply to ${resource.plural}/${subresource.name}`);
    if (!isObject(config)) throw badRequest('error decoding YAML: the patch is not an object');
    if (config.apiVersion !== apiVersionOf(resource)) {
      const [sent, expected] = [textOf(config.apiVersion), apiVersionOf(resource)];
      throw badRequest(`Incorrect version specified in apply patch. Specified patch version: ${sent}, expected: ${expected}`);
    }
    const parsed = parseObject(JSON.stringify(config), '', resource);
    addressed(parsed, asked);
    const { object, created } = this.store.apply(resource.plural, namespace, name, parsed, {
      manager,
      force: flag(query, 'force'),
      dryRun,
      ...(subresource ? { subresource: 'status' as const } : {}),
    });
    return { code: created ? 201 : 200, body: object };
  }

  private write({ resource, subresource, manager, dryRun }: ApiRequest, object: JsonObject): StoredObject {
    return this.store.update(resource.plural, object as unknown as StoredObject, {
      manager,
      dryRun,
      ...(subresource ? { subresource: 'status' as const } : {}),
    });
  }

  private scale(asked: ApiRequest, scale: JsonObject): Answer {
    const scaled = withScale(this.get(asked), addressed(scale, asked));
    const { resource, manager, dryRun } = asked;
    return { code: 200, body: scaleOf(this.store.update(resource.plural, scaled, { manager, dryRun, subresource: 'scale' })) };
  }

  private delete({ resource, namespace, name = '' }: ApiRequest, options: DeleteOptions): Answer {
    const deleted = this.store.delete(resource.plural, namespace, name, options);
    if (deleted.metadata.deletionTimestamp || answeredWithObject.includes(resource.plural)) return { code: 200, body: deleted };
    return { code: 200, body: deletedStatus(resource, deleted) };
  }

  private deleteCollection(asked: ApiRequest, options: DeleteOptions): Answer {
    const { resource } = asked;
    const { items, metadata } = this.list(asked);
    const deleted = items.map((item) => this.store.delete(resource.plural, item.metadata.namespace, item.metadata.name, options));
    return { code: 200, body: { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata, items: deleted } };
  }

  private evict(asked: ApiRequest, text: string): Answer {
    const eviction = parseJson(text, 'error decoding eviction') as { deleteOptions?: DeleteOptions };
    this.store.delete(asked.resource.plural, asked.namespace, asked.name ?? '', { ...eviction.deleteOptions, dryRun: asked.dryRun });
    return { code: 201, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } };
  }
}

function patchedObject(type: string, kind: string, target: JsonObject, patch: unknown): JsonObject {
  switch (type) {
    case 'application/json-patch+json':
      return jsonPatch(target, patch);
    case 'application/merge-patch+json':
      return mergePatch(target, patch) as JsonObject;
    case 'application/strategic-merge-patch+json':
      if (!isObject(patch)) throw badRequest('error decoding patch: it is not an object');
      return strategicMergePatch(kind, target, patch);
    default:
      throw new ApiError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
  }
}

function parseJson(text: string, context: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (context.endsWith('YAML') && !text.trimStart().startsWith('{')) {
      throw new ApiError(415, 'UnsupportedMediaType', 'the sandbox reads apply patches as JSON (which is YAML, too), not as any YAML', {});
    }
    throw badRequest(`${context}: ${(error as Error).message}`);
  }
}

interface SentDeleteOptions {
  gracePeriodSeconds?: number;
  orphanDependents?: boolean;
  propagationPolicy?: string;
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: string[];
}

/** From the body and, where that is silent, from the query. Throws ApiError 400 and 422. */
function deleteOptions({ query, dryRun }: ApiRequest, text: string): DeleteOptions {
  const { value, faults } = decode('DeleteOptions', text.trim() ? parseJson(text, 'error decoding DeleteOptions') : {});
  if (faults.length) throw badRequest(`error decoding DeleteOptions: ${faults.join(', ')}`);
  const sent = value as SentDeleteOptions;
  const orphans = sent.orphanDependents ?? (query.has('orphanDependents') ? flag(query, 'orphanDependents') : undefined);
  const policies = ['Foreground', 'Background', 'Orphan'] as const;
  const asked =
    sent.propagationPolicy ?? query.get('propagationPolicy') ?? (orphans === undefined ? null : orphans ? 'Orphan' : 'Background');
  const propagationPolicy = policies.find((policy) => policy === asked);
  if (asked !== null && !propagationPolicy) {
    throw invalid('DeleteOptions', 'meta.k8s.io', '', [notSupported('propagationPolicy', asked, [...policies, 'nil'])]);
  }
  return {
    ...sent.preconditions,
    gracePeriodSeconds: sent.gracePeriodSeconds ?? numberOf(query, 'gracePeriodSeconds'),
    propagationPolicy,
    dryRun: dryRun || sent.dryRun?.includes('All'),
  };
}

function deletedStatus(resource: Resource, { metadata }: StoredObject): object {
  const { plural, group } = resource;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name: metadata.name, ...(group ? { group } : {}), kind: plural, uid: metadata.uid },
  };
}

const placeOf = ({ metadata }: StoredObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

function continuation(text: string | null): Continuation | undefined {
  if (!text) return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString()) as Continuation;
  } catch {
    throw badRequest('continue key is not valid');
  }
}
