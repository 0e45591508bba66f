import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { BadRequest, PayloadTooLarge, UnsupportedMediaType } from './errors.ts';
import { isJsonObject } from './field-values.ts';
import { parseJson } from './json.ts';

/** Bytes of the largest body that is taken. */
export const bodyLimit = 2 * 1024 * 1024;

/** Bytes of a body that are read, and dropped, so that its sender gets to see the refusal; who sends more is cut off. */
const patience = 16 * bodyLimit;

const tooLarge = Symbol('too large');

/**
 * Takes bodies of whatever type as the bytes they are. What they say is only looked at by `BodyInterceptor`, after the guards: a
 * caller who has no right to a route learns that first, and nothing is parsed for him.
 */
export function keepBodiesRaw(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request: FastifyRequest, payload: NodeJS.ReadableStream, done) => {
    read(payload).then(
      (body) => {
        done(null, body);
      },
      () => {
        done(new BadRequest('The body ended early.'));
      },
    );
  });
}

async function read(payload: NodeJS.ReadableStream): Promise<Buffer | typeof tooLarge> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of payload as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > patience) break;
    if (length <= bodyLimit) chunks.push(chunk);
    else chunks.length = 0;
  }
  return length > bodyLimit ? tooLarge : Buffer.concat(chunks);
}

/** Turns the bytes of a body into the object that handlers get. An empty body is `{}`, one without a type is JSON. */
@Injectable()
export class BodyInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    request.body = parse(request.body, request.headers['content-type']);
    return next.handle();
  }
}

function parse(body: unknown, contentType: string | undefined): Record<string, unknown> {
  if (body === tooLarge) throw new PayloadTooLarge(`The body may have at most ${String(bodyLimit)} bytes.`);
  if (!(body instanceof Buffer) || body.length === 0) return {};
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  switch (type) {
    case '':
    case 'application/json':
      return objectOf(parseJson(textOf(body)));
    case 'application/x-www-form-urlencoded':
      return objectOf(parseJson(JSON.stringify(Object.fromEntries(new URLSearchParams(textOf(body))))));
    default:
      throw new UnsupportedMediaType(`Unsupported media type "${contentType ?? ''}" in request.`);
  }
}

function textOf(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new BadRequest('JSON parse error - the body is not UTF-8');
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  if (isJsonObject(value)) return value;
  const kind = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
  throw new BadRequest(`The body must be a JSON object, not ${kind}.`);
}
