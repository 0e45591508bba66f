import { type ExecutionContext, createParamDecorator, type Type } from '@nestjs/common';
import { ApiProperty, ApiQuery } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';

const defaultLimit = 100;
const maximalLimit = 1000;

/** One page of a list, as it is answered. */
export interface Page<T> {
  count: number;
  next: string | null;
  previous: string | null;
  results: T[];
}

/** Which part of a list a caller asked for: rows to skip and rows to give. */
export class Paging {
  readonly limit: number;
  readonly offset: number;

  /** @param query of the request; @param url gives the absolute URL of the request, from which the neighbours' URLs are made */
  constructor(
    query: URLSearchParams,
    private readonly url: () => URL,
  ) {
    this.limit = Math.min(wholeNumber(query.get('limit')) || defaultLimit, maximalLimit);
    this.offset = wholeNumber(query.get('offset'));
  }

  /** The answer. @param count how many there are in all; @param results those of this page */
  page<T>(count: number, results: T[]): Page<T> {
    const { limit, offset } = this;
    return {
      count,
      next: offset + limit < count ? this.at(offset + limit) : null,
      previous: offset > 0 ? this.at(offset - limit) : null,
      results,
    };
  }

  private at(offset: number): string {
    const url = this.url();
    url.searchParams.set('limit', String(this.limit));
    if (offset > 0) url.searchParams.set('offset', String(offset));
    else url.searchParams.delete('offset');
    return url.href;
  }
}

/** 0 for what is missing, negative or no number; above that the largest offset that PostgreSQL takes is far away. */
function wholeNumber(text: string | null): number {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : 0;
}

/** Gives a handler the `Paging` that its caller asked for with `limit` and `offset`. */
export const Paged = createParamDecorator(
  (_: unknown, context: ExecutionContext): Paging => {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const [, query] = request.url.split(/\?(.*)/s);
    return new Paging(new URLSearchParams(query), () => absoluteUrl(request));
  },
  [documented],
);

function documented(target: object, method: string | symbol | undefined): void {
  const handler = method === undefined ? undefined : Object.getOwnPropertyDescriptor(target, method);
  if (method === undefined || handler === undefined) return;
  const schema = { type: 'integer', minimum: 0 } as const;
  const limit = `How many to give, ${String(defaultLimit)} by default and at most ${String(maximalLimit)}.`;
  ApiQuery({ name: 'offset', required: false, description: 'How many to skip.', schema, example: 0 })(target, method, handler);
  ApiQuery({ name: 'limit', required: false, description: limit, schema, example: defaultLimit })(target, method, handler);
}

/** The URL that the caller used, as far as the trusted proxies and the Host header tell. */
function absoluteUrl(request: FastifyRequest): URL {
  const origin = `${request.protocol}://${request.host}`;
  const base = URL.canParse(origin) ? new URL(origin).origin : 'http://localhost';
  // A path with several slashes at its start would be read as a host.
  return new URL(`${base}/${request.url.replace(/^\/+/, '')}`);
}

const pageTypes = new Map<Type, Type>();

/** The class that documents a page of `type`. */
export function pageOf<T extends object>(type: Type<T>): Type<Page<T>> {
  const known = pageTypes.get(type);
  if (known) return known as Type<Page<T>>;
  class PageOf implements Page<T> {
    @ApiProperty({ type: 'integer', description: 'How many there are in all.' })
    count!: number;

    @ApiProperty({ type: 'string', nullable: true, description: 'URL of the next page.' })
    next!: string | null;

    @ApiProperty({ type: 'string', nullable: true, description: 'URL of the previous page.' })
    previous!: string | null;

    @ApiProperty({ type: [type] })
    results!: T[];
  }
  Object.defineProperty(PageOf, 'name', { value: `PageOf${type.name}` });
  pageTypes.set(type, PageOf);
  return PageOf;
}
