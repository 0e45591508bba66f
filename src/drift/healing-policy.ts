import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { Gauge } from 'prom-client';
import { DataSource } from 'typeorm';
import type { App } from '../apps/app.entity.ts';
import { SnapshotReader } from '../deploy/snapshot-reader.ts';
import { LOGGER } from '../http/logger.ts';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { INSTALLATION } from '../kubernetes/labels.ts';
import { DEPLOYMENT } from '../kubernetes/object-kind.ts';
import { Metrics } from '../metrics/metrics.ts';
import { Settings } from '../settings/settings.ts';

export type Healing = 'heal' | 'report';

/** Stands for every installation in `KNOWN_INSTALLATIONS`. */
const ANY = '*';
const VERSION_LABEL = 'app.kubernetes.io/version';

/**
 * Whether drift is healed, or only reported: as the setting says, but beside an installation that nobody has named, or with a database that
 * is older than the cluster, nothing is healed.
 */
@Injectable()
export class HealingPolicy {
  /** Ids of apps of which the cluster shows a release that the database doesn't have. */
  private readonly ahead = new Set<string>();
  private orphans: readonly string[] = [];
  /** Namespaces of strange installations, as they were told last. */
  private strange = '[]';
  private said: string | null = null;

  constructor(
    private readonly dataSource: DataSource,
    private readonly cache: ClusterCache,
    private readonly snapshots: SnapshotReader,
    private readonly settings: Settings,
    @Inject(LOGGER) private readonly logger: Logger,
    { registry }: Metrics,
  ) {
    const count = (): number => this.orphans.length;
    new Gauge({
      name: 'keelson_drift_namespaces_without_app',
      help: 'Namespaces that this Keelson made and has no app for.',
      registers: [registry],
      collect() {
        this.set(count());
      },
    });
  }

  /** What is done now about what is found of an app. Says in the log why nothing is healed against the setting, once. */
  async healing(app: Pick<App, 'id' | 'uuid'>): Promise<Healing> {
    if (this.settings.drift === 'report') return 'report';
    const { manager } = this.dataSource;
    const installation = await this.snapshots.installationId(manager);
    const [row] = await manager.query<[{ version: number | null }]>('SELECT max(version) AS version FROM releases WHERE app_uuid = $1', [
      app.uuid,
    ]);
    this.compare(app, row.version ?? 0, installation);
    const why = this.doubt(installation);
    if (why !== this.said && why !== null) this.logger.warn(`drift is only reported, not healed: ${why}`);
    if (why === null && this.said !== null) this.logger.info('drift is healed again');
    this.said = why;
    return why === null ? 'heal' : 'report';
  }

  /** Looks at all apps and namespaces: one statement. Namespaces of this Keelson without an app are told, never deleted. */
  async survey(): Promise<void> {
    const installation = await this.snapshots.installationId(this.dataSource.manager);
    const ours = this.cache.allNamespaces().filter(({ labels, terminating }) => labels[INSTALLATION] === installation && !terminating);
    const rows = await this.dataSource.query<{ uuid: string; id: string; version: number | null }[]>(
      `SELECT a.uuid, a.id, max(r.version) AS version FROM apps a LEFT JOIN releases r ON r.app_uuid = a.uuid GROUP BY a.uuid`,
    );
    const apps = new Set(rows.map(({ uuid }) => uuid));
    const orphans = ours
      .filter(({ name, app }) => this.cache.namespace(name) && !(app !== null && apps.has(app)))
      .map(({ name }) => name)
      .sort();
    if (orphans.join() !== this.orphans.join() && orphans.length > 0) {
      this.logger.warn(
        { namespaces: orphans.slice(0, 100) },
        `${String(orphans.length)} namespaces are this Keelson's, and no app has them`,
      );
    }
    this.orphans = orphans;
    this.tellStrange(installation);
    for (const { id, uuid, version } of rows) this.compare({ id, uuid }, version ?? 0, installation);
  }

  /** Says once whose apps there are in the cluster beside those of this Keelson and of those that it knows. */
  private tellStrange(installation: string): void {
    const strange = new Map<string, string[]>();
    for (const { name, labels } of this.cache.allNamespaces()) {
      const id = labels[INSTALLATION];
      if (id !== undefined && this.isStrange(id, installation)) strange.set(id, [...(strange.get(id) ?? []), name].sort());
    }
    const told = JSON.stringify([...strange].sort());
    if (told !== this.strange) {
      for (const [id, namespaces] of strange) {
        this.logger.warn(
          { namespaces: namespaces.slice(0, 100) },
          `${String(namespaces.length)} namespaces are those of apps of the installation ${id}, not of this one (${installation}): they are left alone`,
        );
      }
    }
    this.strange = told;
  }

  private isStrange(id: string, installation: string): boolean {
    const known = this.settings.knownInstallations;
    return id !== installation && !known.includes(id) && !known.includes(ANY);
  }

  /** Looks at one app. @param version of its newest release */
  private compare({ id, uuid }: Pick<App, 'id' | 'uuid'>, version: number, installation: string): void {
    const ahead =
      this.cache.namespace(id)?.app === uuid &&
      this.cache.objectsOf(DEPLOYMENT.kind, id).some(({ metadata: { labels, managedFields } }) => {
        // a label that somebody else wrote says nothing of releases
        const own = managedFields?.some(({ fieldsV1 }) => fieldsV1?.['f:metadata']?.['f:labels']?.[`f:${VERSION_LABEL}`]);
        return own && labels?.[INSTALLATION] === installation && Number(labels[VERSION_LABEL]?.slice(1)) > version;
      });
    if (ahead) this.ahead.add(id);
    else this.ahead.delete(id);
  }

  private doubt(installation: string): string | null {
    const strange = this.cache
      .allNamespaces()
      .map(({ labels }) => labels[INSTALLATION])
      .find((id) => id !== undefined && this.isStrange(id, installation));
    if (strange !== undefined) {
      return `the cluster has namespaces of the installation ${strange}, which KNOWN_INSTALLATIONS doesn't name (this one is ${installation})`;
    }
    const [app] = this.ahead;
    return app === undefined
      ? null
      : `the cluster shows a release of ${app} that the database doesn't have: it was restored from an older state. Deploy the app anew`;
  }
}
