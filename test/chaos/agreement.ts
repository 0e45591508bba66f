import { KubeConfig, KubernetesObjectApi, type KubernetesObject } from '@kubernetes/client-node';
import type { Caller } from './caller.ts';
import type { ExpectedApp } from './expected-app.ts';

interface Container {
  image: string;
  env?: { name: string; valueFrom?: { secretKeyRef?: { name: string } } }[];
}

/** What is compared: as the API tells it, and as the cluster shows it, which is asked without Keelson. */
export class Agreement {
  private readonly objects: KubernetesObjectApi;

  constructor(
    kubeconfig: string,
    private readonly admin: Caller,
  ) {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    this.objects = KubernetesObjectApi.makeApiClient(config);
  }

  /** Ids and states of operations that aren't over. */
  async open(app: string): Promise<string[]> {
    const { results } = await this.get<{ results: { id: string; state: string }[] }>(`/v2/apps/${app}/operations?limit=100`);
    return results.filter(({ state }) => state === 'pending' || state === 'running').map(({ id, state }) => `${id} ${state}`);
  }

  /** Throws unless every acknowledged change of the app is there, and nothing else. */
  async assertRecorded(app: ExpectedApp): Promise<void> {
    const { values } = await this.get<{ values: Record<string, string> }>(`/v2/apps/${app.id}/config`);
    const { structure } = await this.get<{ structure: Record<string, number> }>(`/v2/apps/${app.id}`);
    const domains = await this.get<{ results: { domain: string }[] }>(`/v2/apps/${app.id}/domains?limit=1000`);
    const releases = await this.get<{ results: { version: number; failed: boolean }[] }>(`/v2/apps/${app.id}/releases?limit=10000`);
    const drift = await this.get<{ objects: object[] }>(`/v2/apps/${app.id}/drift`);
    const versions = releases.results.map(({ version }) => version).reverse();
    const good = releases.results.filter(({ failed }) => !failed).map(({ version }) => version);
    expect({
      app: app.id,
      values: Object.fromEntries(Object.entries(values).filter(([name]) => name.startsWith('KEY_'))),
      structure,
      domains: domains.results
        .map(({ domain }) => domain)
        .filter((domain) => domain.endsWith('.example.com'))
        .sort(),
      versions,
      good: good.sort((a, b) => a - b),
      drift: drift.objects,
    }).toEqual({
      app: app.id,
      values: app.content.values,
      structure: { cmd: app.count },
      domains: [...app.domains].sort(),
      versions: versions.map((_, index) => index + 1),
      good: [...app.releases.keys()].sort((a, b) => a - b),
      drift: [],
    });
  }

  /** Throws unless the cluster shows of the app what was acknowledged. */
  async assertShown(app: ExpectedApp): Promise<void> {
    const deployment = (await this.read('apps/v1', 'Deployment', app.id, `${app.id}-cmd`)) as {
      spec: { replicas: number; template: { spec: { containers: Container[] } } };
      status?: { readyReplicas?: number; replicas?: number };
    };
    const [container] = deployment.spec.template.spec.containers;
    const env = container?.env ?? [];
    const secretName = env.find(({ valueFrom }) => valueFrom?.secretKeyRef)?.valueFrom?.secretKeyRef?.name ?? '';
    const secret = (await this.read('v1', 'Secret', app.id, secretName)) as { data: Record<string, string> };
    const ingress = (await this.read('networking.k8s.io/v1', 'Ingress', app.id, app.id)) as { spec: { rules: { host?: string }[] } };
    const values = Object.fromEntries(
      env
        .filter(({ name }) => name.startsWith('KEY_'))
        .map(({ name }) => [name, Buffer.from(secret.data[name] ?? '', 'base64').toString('utf8')]),
    );
    expect({
      app: app.id,
      image: container?.image,
      wanted: deployment.spec.replicas,
      ready: deployment.status?.readyReplicas ?? 0,
      there: deployment.status?.replicas ?? 0,
      values,
      hosts: ingress.spec.rules
        .map(({ host }) => host ?? '')
        .filter((host) => host.endsWith('.example.com'))
        .sort(),
    }).toEqual({
      app: app.id,
      image: app.content.image,
      wanted: app.count,
      ready: app.count,
      there: app.count,
      values: app.content.values,
      hosts: [...app.domains].sort(),
    });
  }

  /** Throws unless nothing is left of an app. */
  async assertGone(app: string): Promise<void> {
    expect((await this.admin.call('GET', `/v2/apps/${app}`)).status).toBe(404);
    const namespace = await this.read('v1', 'Namespace', undefined, app).catch(() => null);
    expect(namespace?.metadata?.name).toBeUndefined();
  }

  private async get<T>(path: string): Promise<T> {
    const { status, json } = await this.admin.call('GET', path);
    if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${JSON.stringify(json)}`);
    return json as T;
  }

  private async read(apiVersion: string, kind: string, namespace: string | undefined, name: string): Promise<KubernetesObject> {
    return this.objects.read({ apiVersion, kind, metadata: { name, namespace: namespace ?? '' } });
  }
}
