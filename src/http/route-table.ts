import { Injectable } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import FindMyWay, { type HTTPMethod, type Instance } from 'find-my-way';
import { areValid, pathParameters } from './parameters.ts';

/** How paths are matched: with and without a slash at the end, and with double slashes, always answered directly. */
export const routerOptions = { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: 1024 } as const;

/** All routes there are, to tell which methods a path knows. */
@Injectable()
export class RouteTable {
  /** Methods by path pattern, e.g. `/v2/apps/:app` → GET, HEAD, POST, DELETE. */
  readonly routes = new Map<string, Set<string>>();
  private readonly router: Instance<never> = FindMyWay(routerOptions);
  /** Match the paths that end in a parameter that may hold slashes, in three: what is before it, itself, slashes behind it. */
  private readonly restsOfPaths = new Map<string, RegExp>();

  /** Learns every route that is added to the server from now on. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', ({ url, method }) => {
      if (url.includes('*')) return; // preflight requests and the files of the reference page
      const known = this.routes.get(url) ?? new Set();
      this.routes.set(url, known);
      const [, before, parameter = ''] = /^(.*)\/:(\w+)$/.exec(url) ?? [];
      if (before !== undefined && pathParameters[parameter]?.slashes) {
        this.restsOfPaths.set(url, new RegExp(`^(${before.replaceAll('/', '/+')}/)(.*[^/])(/*)$`));
      }
      for (const name of [method].flat()) {
        if (known.has(name)) continue;
        known.add(name);
        if (!this.router.hasRoute(name as HTTPMethod, url)) this.router.on(name as HTTPMethod, url, () => undefined);
      }
    });
  }

  /** A URL as the router takes it: with the slashes inside a parameter percent-encoded. Clients put them into paths as they are. */
  routable(url: string): string {
    const [path = '', ...query] = url.split(/(?=\?)/);
    for (const pattern of this.restsOfPaths.values()) {
      const [, before, value, behind] = pattern.exec(path) ?? [];
      if (value !== undefined) return [before, value.replaceAll('/', '%2F'), behind, ...query].join('');
    }
    return url;
  }

  /** The methods that a path can be asked with, sorted; none for a path that does not exist. */
  methodsOf(url: string): string[] {
    const methods = new Set([...this.routes.values()].flatMap((names) => [...names]));
    return [...methods].filter((method) => this.knows(method, url)).sort();
  }

  private knows(method: string, url: string): boolean {
    const found = this.router.find(method as HTTPMethod, url.split('?', 1)[0] ?? '');
    return found !== null && areValid(found.params);
  }
}
