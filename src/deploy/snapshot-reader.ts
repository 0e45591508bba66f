import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { App } from '../apps/app.entity.ts';
import { AppSettings, type Autoscale } from '../app-settings/app-settings.entity.ts';
import type { ProcessType } from '../apps/process-type.entity.ts';
import { Tls } from '../tls/tls.entity.ts';
import { Attachment } from '../certs/attachment.entity.ts';
import { entryOf } from '../config/config-fields.ts';
import { matchingNodes } from '../config/tags.ts';
import { Domain } from '../domains/domain.entity.ts';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { deploymentName } from '../kubernetes/names.ts';
import { DEPLOYMENT } from '../kubernetes/object-kind.ts';
import type { Release } from '../releases/release.entity.ts';
import { configContent } from '../releases/release-ledger.ts';
import { Service } from '../services/service.entity.ts';
import { Settings } from '../settings/settings.ts';
import { MANIFEST_SOURCES, type ManifestSource } from './manifest-source.ts';
import type { AppSnapshot } from './snapshot.ts';

/** Reads everything that decides an app's desired state. */
@Injectable()
export class SnapshotReader {
  private installation: string | null = null;

  constructor(
    private readonly cache: ClusterCache,
    private readonly settings: Settings,
    @Inject(MANIFEST_SOURCES) private readonly sources: readonly ManifestSource[],
  ) {}

  /** Id of this database: what it makes in a cluster carries it. */
  async installationId(manager: EntityManager): Promise<string> {
    if (this.installation === null) {
      const [row] = await manager.query<[{ id: string }]>('SELECT id FROM installation');
      this.installation = row.id;
    }
    return this.installation;
  }

  /**
   * @param app with its owner; @param release with build and config
   * @param rows the structure; @param planned counts that the release brings and that the rows don't have yet
   */
  async read(
    manager: EntityManager,
    app: App,
    release: Release,
    rows: ProcessType[],
    planned: Record<string, number>,
  ): Promise<AppSnapshot> {
    const newest = { where: { appUuid: app.uuid }, order: { generation: 'DESC' } } as const;
    const settings = await manager.findOne(AppSettings, newest);
    const tls = await manager.findOne(Tls, newest);
    const domains = await manager.find(Domain, { where: { appUuid: app.uuid }, order: { domain: 'ASC' } });
    const attachments = await manager.find(Attachment, { where: { appUuid: app.uuid }, relations: { certificate: true } });
    const services = await manager.find(Service, { where: { appUuid: app.uuid }, order: { procfileType: 'ASC' } });
    const facts = new Map<object, unknown>();
    for (const source of this.sources) if (source.facts) facts.set(source, await source.facts(manager, app.uuid));
    const certificates = new Map(attachments.map(({ domainUuid, certificate }) => [domainUuid, certificate]));
    const autoscale = settings?.autoscale ?? {};
    const counts = new Map(rows.map((row) => [row.type, row.count]));
    for (const [type, count] of Object.entries(planned)) counts.set(type, count);
    const processes = [...counts].map(([type, count]) => {
      const row = rows.find((candidate) => candidate.type === type);
      const bounds = entryOf(autoscale, type);
      const replicas = row?.stopped ? 0 : bounds ? this.autoscaled(app.id, type, count, bounds) : count;
      return { type, replicas, autoscaled: bounds !== undefined, restartedAt: row?.restartedAt?.toISOString() ?? null };
    });
    const config = configContent(release.config);
    const tags = Object.keys(config.tags).length > 0 ? config.tags : this.settings.defaultTags;
    return {
      uuid: app.uuid,
      id: app.id,
      owner: app.owner.username,
      generation: app.generation,
      release: {
        version: release.version,
        summary: release.summary,
        created: release.created.toISOString(),
        build: release.build && {
          uuid: release.build.uuid,
          image: release.build.image,
          sha: release.build.sha,
          dockerfile: release.build.dockerfile,
          procfile: release.build.procfile,
        },
        config,
      },
      processes: release.build ? processes.sort((a, b) => (a.type < b.type ? -1 : 1)) : [],
      settings: {
        maintenance: settings?.maintenance ?? false,
        routable: settings?.routable ?? true,
        whitelist: settings?.whitelist ?? [],
        autoscale,
      },
      tls: { httpsEnforced: tls?.httpsEnforced ?? null, certsAutoEnabled: tls?.certsAutoEnabled ?? null },
      domains: domains.map(({ uuid, domain }) => ({ host: domain, certificate: certificates.get(uuid)?.name ?? null })),
      certificates: [
        ...new Map([...certificates.values()].map(({ name, certificate, key }) => [name, { name, certificate, key }])).values(),
      ].sort((a, b) => (a.name < b.name ? -1 : 1)),
      services: services.map(({ procfileType, pathPattern }) => ({ type: procfileType, pathPattern })),
      facts,
      matchingNodes: Math.max(1, matchingNodes(this.cache.allNodes(), tags).length),
      installation: await this.installationId(manager),
    };
  }

  /** Pods of a type that the autoscaler scales: as many as it has, and to begin with as many as were asked for, within its bounds. */
  private autoscaled(app: string, type: string, count: number, { min, max }: Autoscale): number {
    const live = this.cache.object(DEPLOYMENT.kind, app, deploymentName(app, type))?.spec as { replicas?: number } | undefined;
    // at 0 the autoscaler stands still
    return live?.replicas || Math.min(max, Math.max(min, count));
  }
}
