import {
  ApiException,
  createConfiguration,
  HttpMethod,
  IsomorphicFetchHttpLibrary,
  KubernetesObjectApi,
  PatchStrategy,
  ServerConfiguration,
  wrapHttpLibrary,
  type Configuration,
  type KubeConfig,
} from '@kubernetes/client-node';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { Cluster, type LogQuery } from './cluster.ts';
import { fromClient, toClient } from './client-spelling.ts';
import { verbOf, type ClusterMetrics } from './cluster-metrics.ts';
import { ObjectConflict, ObjectNotFound, OutOfReach, Refused, translate, UnknownKind } from './cluster-errors.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { pathOf, type ObjectKind } from './object-kind.ts';

/** The one field manager of everything Keelson sends. */
export const FIELD_MANAGER = 'keelson';

/** How long one call may take before it counts as out of reach, in milliseconds. */
const CALL_TIMEOUT = 15_000;
/** Objects of a page of a list, as the platform's own clients ask for them: of more, one call might take too long, or too much memory. */
const PAGE = 500;
/** How often an object that changes while it is deleted is tried again. */
const TRIES = 5;

/** The kubelet answers so, with 200, when the container runtime has no log of that container any more. */
const LOG_IS_GONE = /^unable to retrieve container logs for \S+$/;

/** A part of a list. */
export interface ListPage {
  items: KubernetesObject[];
  /** Where to watch from. */
  resourceVersion: string;
  /** Where the next page begins; undefined after the last one. */
  next: string | undefined;
}

/** A list as the API server answers it. */
interface WireList {
  items: KubernetesObject[];
  metadata: { resourceVersion?: string; continue?: string };
}

/** The reason is an error of ours: the client writes into the messages of those it passes on, and can't into the platform's own. */
function timeLimit(): AbortSignal {
  const limit = new AbortController();
  setTimeout(() => {
    limit.abort(new OutOfReach('the API server did not answer in time'));
  }, CALL_TIMEOUT).unref();
  return limit.signal;
}

/** The client has no time limit of its own, so every call gets a signal. */
function configuration(kubeConfig: KubeConfig, metrics: ClusterMetrics): Configuration {
  const cluster = kubeConfig.getCurrentCluster();
  if (!cluster) throw new Error('the kubeconfig names no current cluster');
  const fetching = new IsomorphicFetchHttpLibrary();
  return createConfiguration({
    baseServer: new ServerConfiguration(cluster.server, {}),
    authMethods: { default: kubeConfig },
    httpApi: wrapHttpLibrary({
      send: async (request) => {
        const began = performance.now();
        let code: number | undefined;
        try {
          const response = await fetching.send(request).toPromise();
          code = response.httpStatusCode;
          return response;
        } finally {
          metrics.called(verbOf(request.getHttpMethod(), request.getUrl()), code, began);
        }
      },
    }),
    promiseMiddleware: [
      {
        pre: (context) => {
          context.setSignal(timeLimit());
          return Promise.resolve(context);
        },
        post: (response) => Promise.resolve(response),
      },
    ],
  });
}

/** The cluster through the official client. */
export class KubernetesCluster extends Cluster {
  private readonly api: Configuration;
  private readonly objects: KubernetesObjectApi;

  constructor(
    private readonly kubeConfig: KubeConfig,
    readonly metrics: ClusterMetrics,
  ) {
    super();
    this.api = configuration(kubeConfig, metrics);
    this.objects = new KubernetesObjectApi(this.api);
  }

  async apply(manifest: KubernetesObject, { dryRun = false }: { dryRun?: boolean } = {}): Promise<KubernetesObject> {
    return this.patched(manifest, PatchStrategy.ServerSideApply, { force: true, ...(dryRun && { dryRun: 'All' }) });
  }

  async patch(patch: KubernetesObject): Promise<KubernetesObject> {
    return this.patched(patch, PatchStrategy.MergePatch);
  }

  async get(kind: ObjectKind, namespace: string | undefined, name: string): Promise<KubernetesObject | null> {
    try {
      return fromClient(
        await this.objects.read({ apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name, namespace: namespace ?? '' } }),
      );
    } catch (thrown) {
      const error = translate(thrown);
      if (error instanceof ObjectNotFound || error instanceof UnknownKind) return null;
      throw error;
    }
  }

  async list(kind: ObjectKind, namespace: string | undefined, labelSelector: string): Promise<KubernetesObject[]> {
    const items: KubernetesObject[] = [];
    for await (const page of this.pages(kind, namespace, labelSelector)) items.push(...page.items);
    return items;
  }

  /**
   * A list page by page: all pages show the cluster at one moment. At least one.
   * @throws Refused with 410 when it takes so long that the API server doesn't know that moment any more: minutes
   */
  async *pages(kind: ObjectKind, namespace: string | undefined, labelSelector: string | undefined): AsyncGenerator<ListPage, void, void> {
    let from: string | undefined;
    do {
      const page = await this.page(kind, namespace, labelSelector, PAGE, from);
      yield page;
      from = page.next;
    } while (from !== undefined);
  }

  /**
   * As it goes over the wire: to make instances of the client's classes takes several times as long as to read the list.
   * @param limit at most so many objects; @param from what the page before it gave as `next`; by default from the beginning
   */
  async page(
    kind: ObjectKind,
    namespace: string | undefined,
    labelSelector: string | undefined,
    limit: number,
    from?: string,
  ): Promise<ListPage> {
    const { baseServer, authMethods, httpApi } = this.api;
    const request = baseServer.makeRequestContext(pathOf(kind, namespace), HttpMethod.GET);
    request.setHeaderParam('Accept', 'application/json');
    request.setSignal(timeLimit());
    const query = { labelSelector, limit: String(limit), continue: from };
    for (const [name, value] of Object.entries(query)) if (value) request.setQueryParam(name, value);
    try {
      await authMethods.default?.applySecurityAuthentication(request);
      const { httpStatusCode: code, headers, body } = await httpApi.send(request).toPromise();
      const text = await body.text();
      // a list is empty rather than missing
      if (code === 404) throw new UnknownKind(kind.apiVersion, kind.kind);
      if (code !== 200) throw new ApiException(code, `a list of ${kind.plural}`, text, headers);
      const { items, metadata } = JSON.parse(text) as WireList;
      // items of a list carry neither kind nor apiVersion; the server says "" after the last one
      return {
        items: items.map((item) => ({ ...item, apiVersion: kind.apiVersion, kind: kind.kind })),
        resourceVersion: metadata.resourceVersion ?? '0',
        next: metadata.continue || undefined,
      };
    } catch (error) {
      throw translate(error);
    }
  }

  async create(manifest: KubernetesObject): Promise<KubernetesObject> {
    try {
      return fromClient(await this.objects.create(toClient(manifest), undefined, undefined, FIELD_MANAGER));
    } catch (error) {
      throw translate(error);
    }
  }

  async remove(kind: ObjectKind, namespace: string | undefined, name: string, uid: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.objects.delete(
          { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name, namespace: namespace ?? '' } },
          undefined,
          undefined,
          undefined,
          undefined,
          'Background',
          { preconditions: { uid } },
        );
        return;
      } catch (thrown) {
        const error = translate(thrown);
        if (error instanceof ObjectNotFound) return;
        if (!(error instanceof ObjectConflict)) throw error;
        // another object has the name by now, and the one that was meant is no more; or it changed just then
        const live = await this.get(kind, namespace, name);
        if (live?.metadata.uid !== uid || live.metadata.deletionTimestamp !== undefined) return;
        if (attempt === TRIES) throw new OutOfReach(error.message);
      }
    }
  }

  async podLog(namespace: string, pod: string, query: LogQuery & { limitBytes: number }): Promise<string> {
    let text = '';
    for await (const piece of this.readLog(namespace, pod, query)) text += piece;
    return LOG_IS_GONE.test(text) ? '' : text;
  }

  async *readLog(namespace: string, pod: string, query: LogQuery): AsyncGenerator<string, void, undefined> {
    try {
      const response = await this.openLog(namespace, pod, query, timeLimit());
      response.setEncoding('utf8');
      for await (const text of response) yield text as string;
    } catch (error) {
      throw translate(error);
    }
  }

  async *followLog(namespace: string, pod: string, query: LogQuery, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    const over = new AbortController();
    const end = (): void => {
      over.abort();
    };
    const limit = setTimeout(() => {
      over.abort(new OutOfReach('the API server did not answer in time'));
    }, CALL_TIMEOUT);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    try {
      const response = await this.openLog(namespace, pod, { ...query, follow: true }, over.signal);
      clearTimeout(limit);
      response.setEncoding('utf8');
      for await (const text of response) yield text as string;
    } catch (error) {
      if (!signal.aborted) throw translate(error);
    } finally {
      clearTimeout(limit);
      signal.removeEventListener('abort', end);
      end();
    }
  }

  /** @param options `force` takes over fields of other managers, which only apply knows */
  private async patched(
    object: KubernetesObject,
    strategy: PatchStrategy,
    { force, dryRun }: { force?: true; dryRun?: 'All' } = {},
  ): Promise<KubernetesObject> {
    const { uid } = object.metadata;
    try {
      return fromClient(await this.objects.patch(toClient(object), undefined, dryRun, FIELD_MANAGER, force, strategy));
    } catch (thrown) {
      const error = translate(thrown);
      // another uid under the name is a 422 "field is immutable" on a live object, and a 409 on an absent one
      if (uid && error instanceof Refused && error.message.includes('metadata.uid')) throw new ObjectConflict(error.message);
      throw error;
    }
  }

  /** The client's own Log class brings the process down when the connection drops, so the stream is read by hand. */
  private async openLog(
    namespace: string,
    pod: string,
    query: LogQuery & { follow?: boolean },
    signal: AbortSignal,
  ): Promise<http.IncomingMessage> {
    const server = this.kubeConfig.getCurrentCluster()?.server ?? '';
    const url = new URL(`${server}/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log`);
    for (const [key, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(key, String(value));
    const options: https.RequestOptions = {};
    await this.kubeConfig.applyToHTTPSOptions(options);
    const request = (url.protocol === 'https:' ? https : http).request(url, {
      ...options,
      agent: false,
      signal,
    });
    // a follow that is silent for long: a connection that is gone is noticed
    request.setSocketKeepAlive(true, 15_000);
    const began = performance.now();
    request.end();
    const [response] = await (once(request, 'response') as Promise<[http.IncomingMessage]>).catch((error: unknown) => {
      this.metrics.called('log', undefined, began);
      throw error;
    });
    this.metrics.called('log', response.statusCode, began);
    request.on('error', (error) => response.destroy(error));
    // 204: a pod that has no node yet has no log
    if (response.statusCode === 200 || response.statusCode === 204) return response;
    let body = '';
    for await (const chunk of response) body += String(chunk);
    throw Object.assign(new Error(`log: HTTP ${String(response.statusCode)}`), { code: response.statusCode, body });
  }
}
