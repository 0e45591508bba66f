import { randomBytes } from 'node:crypto';
import type { Cluster } from '../src/kubernetes/cluster.ts';
import type { KubernetesObject } from '../src/kubernetes/kubernetes-object.ts';
import { DEPLOYMENT, INGRESS, NAMESPACE, POD, SERVICE, type ObjectKind } from '../src/kubernetes/object-kind.ts';
import type { Api, Keelson } from './keelson.ts';
import { clusterOf } from './test-cluster.ts';

/** An id that no other run of the tests has. */
export const newAppId = (prefix: string): string => `${prefix}-${randomBytes(3).toString('hex')}`;

/** Destroys every app that the user sees: a real cluster keeps them otherwise. */
export async function destroyApps(api: Api): Promise<void> {
  const { json } = await api.get<{ results: { id: string }[] }>('/v2/apps?limit=1000');
  await Promise.all(json.results.map(({ id }) => api.delete(`/v2/apps/${id}`)));
}

interface Pod {
  name: string;
  type: string;
  release: string;
  state: string;
}

/** What the cluster has of an app, whichever cluster it is. */
export class LiveApp {
  private readonly cluster: Cluster;

  constructor(
    keelson: Keelson,
    readonly id: string,
  ) {
    this.cluster = clusterOf(keelson);
  }

  namespace(): Promise<KubernetesObject | null> {
    return this.cluster.get(NAMESPACE, undefined, this.id);
  }

  deployment(type: string): Promise<KubernetesObject | null> {
    return this.get(DEPLOYMENT, `${this.id}-${type}`);
  }

  /** Pods wanted of a type; null without a Deployment. */
  async replicas(type: string): Promise<number | null> {
    const deployment = await this.deployment(type);
    return deployment && (deployment.spec as { replicas: number }).replicas;
  }

  /** The Deployment's count of roll-outs. */
  async revision(type: string): Promise<number> {
    return Number((await this.deployment(type))?.metadata.annotations?.['deployment.kubernetes.io/revision']);
  }

  /** The image that the Deployment runs. */
  async image(type: string): Promise<string | undefined> {
    const spec = (await this.deployment(type))?.spec as { template: { spec: { containers: { image: string }[] } } } | undefined;
    return spec?.template.spec.containers[0]?.image;
  }

  /** The process type that requests go to; undefined while they go nowhere. */
  async routedType(): Promise<string | undefined> {
    return ((await this.get(SERVICE, this.id))?.spec as { selector?: { type?: string } } | undefined)?.selector?.type;
  }

  /** Host names that reach the app. */
  async hosts(): Promise<(string | undefined)[]> {
    const spec = (await this.get(INGRESS, this.id))?.spec as { rules: { host?: string }[] } | undefined;
    return spec?.rules.map(({ host }) => host) ?? [];
  }

  /** Pods that are up, as `type release`, sorted. */
  async up(api: Api): Promise<string[]> {
    const { json } = await api.get<{ results: Pod[] }>(`/v2/apps/${this.id}/pods`);
    return json.results
      .filter(({ state }) => state === 'up')
      .map(({ type, release }) => `${type} ${release}`)
      .sort();
  }

  /** uids of the pods of a type that aren't on their way out and are ready, sorted. */
  async podUids(type: string): Promise<(string | undefined)[]> {
    const pods = await this.cluster.list(POD, this.id, `type=${type}`);
    return pods
      .filter(({ metadata, status }) => {
        const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string }[] };
        return metadata.deletionTimestamp === undefined && conditions.some((one) => one.type === 'Ready' && one.status === 'True');
      })
      .map(({ metadata }) => metadata.uid)
      .sort();
  }

  private get(kind: ObjectKind, name: string): Promise<KubernetesObject | null> {
    return this.cluster.get(kind, this.id, name);
  }
}
