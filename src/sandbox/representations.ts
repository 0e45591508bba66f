import type { IncomingMessage } from 'node:http';
import { ApiError } from './api-error.ts';
import { apiVersionOf, type Resource } from './resources.ts';
import type { StoredObject } from './stored-object.ts';
import { table, type IncludeObject } from './tables.ts';

/** How the client wants to see objects: whole, as metadata alone, or as the rows that kubectl prints. */
export type Representation = { as: 'object' | 'metadata' } | { as: 'table'; include: IncludeObject };

interface ListMetadata {
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

/** The first representation of the Accept header that the sandbox has. Throws ApiError 406. */
export function representation({ headers }: IncomingMessage, query: URLSearchParams): Representation {
  const accept = headers.accept ?? '*/*';
  for (const offer of accept.split(',')) {
    const [type = '', ...parameters] = offer.split(';').map((part) => part.trim());
    if (!['application/json', 'application/*', '*/*'].includes(type)) continue;
    const wanted = Object.fromEntries(parameters.map((parameter) => parameter.split('=') as [string, string]));
    if (wanted.as === undefined) return { as: 'object' };
    if (wanted.g !== 'meta.k8s.io' || wanted.v !== 'v1') continue;
    if (wanted.as === 'Table') return { as: 'table', include: (query.get('includeObject') ?? 'Metadata') as IncludeObject };
    if (wanted.as.startsWith('PartialObjectMetadata')) return { as: 'metadata' };
  }
  throw new ApiError(406, 'NotAcceptable', 'only the following media types are accepted: application/json', {});
}

export function represent(type: Resource, object: StoredObject, how: Representation): object {
  if (how.as === 'table') return table(type, [object], { resourceVersion: object.metadata.resourceVersion }, how.include);
  return how.as === 'metadata' ? partial(object) : object;
}

export function representList(type: Resource, items: StoredObject[], metadata: ListMetadata, how: Representation): object {
  if (how.as === 'table') return table(type, items, metadata, how.include);
  if (how.as === 'metadata') {
    return { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items: items.map(partial) };
  }
  const bare = items.map(({ apiVersion: _apiVersion, kind: _kind, ...item }) => item);
  return { kind: `${type.kind}List`, apiVersion: apiVersionOf(type), metadata, items: bare };
}

const partial = ({ metadata }: StoredObject): object => ({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata });
