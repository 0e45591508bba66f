import type { OpenAPIObject } from '@nestjs/swagger';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { isOfUserApi } from '../src/http/user-api.ts';

type Schema = Record<string, unknown>;
type Content = Record<string, { schema?: Schema } | undefined>;

interface Answer {
  method: string;
  /** Path with query. */
  url: string;
  status: number;
  headers: Headers;
  text: string;
}

const alwaysThere = ['drycc_api_version', 'drycc_platform_version', 'x-request-id', 'x-content-type-options', 'x-frame-options'];

/** The OpenAPI document as a judge of answers: what is not documented is a fault of the answer, or of the document. */
export class Documentation {
  private readonly validators = new Map<string, ValidateFunction>();
  private readonly ajv: Ajv2020;

  constructor(readonly document: OpenAPIObject) {
    this.ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(this.ajv);
  }

  /** @throws if status, headers or body of an answer are not as the document has them */
  assertDocumented({ method, url, status, headers, text }: Answer): void {
    const fail = (why: string): never => {
      throw new Error(`${method} ${url} → ${String(status)} is not as documented: ${why}\n${text.slice(0, 500)}`);
    };
    for (const header of alwaysThere) if (!headers.has(header)) fail(`no header ${header}`);
    if (status === 401 && headers.get('www-authenticate') !== 'Token') fail('no header WWW-Authenticate: Token');
    const path = this.template(url);
    const operation =
      path === undefined ? undefined : this.document.paths[path]?.[method === 'HEAD' ? 'get' : (method.toLowerCase() as 'get')];
    if (path === undefined || operation === undefined) {
      if (status !== 404 && status !== 405 && status !== 400) fail('no such operation');
      const refusal = isOfUserApi(url) ? 'UserApiRefusal' : 'Refusal';
      this.assertMatches(refusal, { $ref: `#/components/schemas/${refusal}` }, text, fail);
      return;
    }
    const response = operation.responses[String(status)] as { content?: Content } | undefined;
    if (response === undefined) return fail(`its statuses are ${Object.keys(operation.responses).join(', ')}`);
    if (method === 'HEAD') return;
    this.assertContent(`${method} ${path} ${String(status)}`, response.content, headers, text, fail);
  }

  /** The document's path for a URL; of several that match, the one with the fewest parameters. None for what is no URL. */
  template(url: string): string | undefined {
    if (!isDecodable(url)) return undefined;
    const path = url
      .replace(/\?.*/, '')
      .replace(/\/+/g, '/')
      .replace(/(.)\/$/, '$1');
    const parameters = (template: string) => template.split('{').length;
    return Object.keys(this.document.paths)
      .filter((template) => new RegExp(`^${template.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`).test(path))
      .sort((a, b) => parameters(a) - parameters(b))[0];
  }

  /** Validates a value against a schema of the document, in which no object may have properties that are not named. */
  faults(key: string, schema: Schema, value: unknown): string[] {
    let validate = this.validators.get(key);
    if (!validate) {
      validate = this.ajv.compile(closed({ ...schema, components: this.document.components }) as Schema);
      this.validators.set(key, validate);
    }
    if (validate(value)) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }) => `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`);
  }

  private assertContent(key: string, content: Content | undefined, headers: Headers, text: string, fail: (why: string) => never): void {
    const type = headers.get('content-type')?.split(';', 1)[0] ?? '';
    if (content === undefined) {
      if (text !== '') fail('the body should be empty');
      if (type !== '') fail(`an empty body should have no Content-Type, but has ${type}`);
      return;
    }
    const media = content[type];
    if (media === undefined) return fail(`its media types are ${Object.keys(content).join(', ')}, not ${type}`);
    if (type === 'application/json') this.assertMatches(key, media.schema ?? {}, text, fail);
  }

  private assertMatches(key: string, schema: Schema, text: string, fail: (why: string) => never): void {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      fail('the body is no JSON');
    }
    const faults = this.faults(key, schema, value);
    if (faults.length > 0) fail(faults.join('; '));
  }
}

function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url.replace(/\?.*/, ''));
    return true;
  } catch {
    return false;
  }
}

/** The schema with `additionalProperties: false` wherever properties are named. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return 'properties' in copy && copy.type === 'object' && !('additionalProperties' in copy)
    ? { ...copy, additionalProperties: false }
    : copy;
}
