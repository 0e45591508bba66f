import type pg from 'pg';
import { readFile } from 'node:fs/promises';
import type { SandboxProcess } from './sandbox-process.ts';

/** What was done to an app, and so what its rows and its objects must be. */
export class AppModel {
  /** States of its releases, from v1 on. */
  readonly releases: ('succeeded' | 'failed')[] = ['succeeded'];
  /** What it runs; null before the first build. */
  image: string | null = null;
  /** Pods by process type. */
  counts: Record<string, number> = {};
  destroyed = false;

  constructor(readonly id: string) {}

  /** One that isn't there yet. */
  static absent(id: string): AppModel {
    const app = new AppModel(id);
    app.destroyed = true;
    return app;
  }

  released(image: string | null): void {
    this.releases.push('succeeded');
    this.image = image;
  }

  failed(): void {
    this.releases.push('failed');
  }

  /** Number of the release that runs. */
  get version(): number {
    return this.releases.lastIndexOf('succeeded') + 1;
  }
}

/** Name of a secret that is to go. */
const LEFT = 'left-over';

interface LiveObject {
  metadata: { name: string; labels?: Record<string, string>; deletionTimestamp?: string; ownerReferences?: object[] };
  spec: { replicas: number; template: { spec: { containers: { image: string }[] } } };
  status?: { conditions?: { type: string; status: string }[] };
}

/** Looks at rows and at objects without Keelson. */
export class Observer {
  private constructor(
    private readonly server: string,
    private readonly client: pg.Client,
  ) {}

  static async of(sandbox: SandboxProcess, client: pg.Client): Promise<Observer> {
    const config = JSON.parse(await readFile(sandbox.kubeconfig, 'utf8')) as { clusters: [{ cluster: { server: string } }] };
    return new Observer(config.clusters[0].cluster.server, client);
  }

  /** Fails unless the database and the cluster have of the app what was done to it, and nothing more. */
  async assertAgrees(app: AppModel): Promise<void> {
    expect(await this.recorded(app)).toEqual(
      app.destroyed
        ? { app: app.id, releases: [], counts: {} }
        : { app: app.id, releases: app.releases.map((state, index) => `v${String(index + 1)} ${state}`), counts: app.counts },
    );
    expect(await this.shown(app)).toEqual(
      app.destroyed
        ? { app: app.id, namespace: null }
        : {
            app: app.id,
            namespace: 'Active',
            service: true,
            deployments: Object.entries(app.counts).map(([type, count]) => `${app.id}-${type} ${app.image ?? ''} x ${String(count)}`),
            pods: Object.entries(app.counts).flatMap(([type, count]) => Array<string>(count).fill(`${type} v${String(app.version)} ready`)),
            secret: app.image !== null,
          },
    );
  }

  /** All that a stale owner could record, as one text. Healing adds operations, and touches nothing else. */
  async records(): Promise<unknown[]> {
    const { rows } = await this.client.query<Record<string, unknown>>(
      `SELECT 'operation' AS what, o::text AS row FROM operations o WHERE kind <> 'heal'
       UNION ALL SELECT 'release', r::text FROM releases r
       UNION ALL SELECT 'structure', p::text FROM process_types p
       UNION ALL SELECT 'app', concat_ws(' ', id, uuid, generation, shown_generation, destroying, provisioned) FROM apps
       ORDER BY 1, 2`,
    );
    return rows;
  }

  /** Leaves a secret in the app's namespace that Keelson made for it, by its labels, and that nobody wants any more. */
  async leaveSecret({ id }: AppModel): Promise<void> {
    const { metadata } = (await this.get(`/api/v1/namespaces/${id}`)) as LiveObject;
    const { status } = await fetch(`${this.server}/api/v1/namespaces/${id}/secrets`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: LEFT, labels: metadata.labels } }),
    });
    expect([201, 409]).toContain(status);
  }

  private async recorded({ id }: AppModel): Promise<unknown> {
    const releases = await this.client.query<{ release: string }>(
      `SELECT concat('v', version, ' ', CASE state WHEN 'superseded' THEN 'succeeded' ELSE state END) AS release
       FROM releases JOIN apps ON apps.uuid = app_uuid WHERE apps.id = $1 ORDER BY version`,
      [id],
    );
    const types = await this.client.query<{ type: string; count: number }>(
      'SELECT type, count FROM process_types JOIN apps ON apps.uuid = app_uuid WHERE apps.id = $1 ORDER BY type',
      [id],
    );
    return {
      app: id,
      releases: releases.rows.map(({ release }) => release),
      counts: Object.fromEntries(types.rows.map(({ type, count }) => [type, count])),
    };
  }

  private async shown({ id, version }: AppModel): Promise<unknown> {
    const namespace = (await this.get(`/api/v1/namespaces/${id}`)) as { status: { phase: string } } | null;
    if (!namespace) return { app: id, namespace: null };
    const list = async (path: string): Promise<LiveObject[]> => ((await this.get(path)) as { items: LiveObject[] }).items;
    const deployments = await list(`/apis/apps/v1/namespaces/${id}/deployments`);
    const pods = await list(`/api/v1/namespaces/${id}/pods`);
    return {
      app: id,
      namespace: namespace.status.phase,
      service: (await this.get(`/api/v1/namespaces/${id}/services/${id}`)) !== null,
      deployments: deployments
        .map(({ metadata, spec }) => `${metadata.name} ${spec.template.spec.containers[0]?.image ?? ''} x ${String(spec.replicas)}`)
        .sort(),
      pods: pods
        .map(({ metadata, status }) => {
          const ready = status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
          return `${metadata.labels?.type ?? ''} ${metadata.labels?.version ?? ''} ${ready && !metadata.deletionTimestamp ? 'ready' : 'not ready'}`;
        })
        .sort(),
      secret: (await this.get(`/api/v1/namespaces/${id}/secrets/${id}-v${String(version)}-env`)) !== null,
    };
  }

  private async get(path: string): Promise<unknown> {
    const response = await fetch(this.server + path);
    if (response.status === 404) return null;
    if (!response.ok) throw new Error(`${path} was answered with ${String(response.status)}`);
    return response.json();
  }
}
