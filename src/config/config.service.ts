import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { App } from '../apps/app.entity.ts';
import { Changes } from '../deploy/changes.ts';
import { Submissions } from '../deploy/submissions.ts';
import { AppEvents } from '../events/app-events.ts';
import { Conflict, NotFound, Unavailable } from '../http/errors.ts';
import type { Submitted } from '../http/submitted.ts';
import { Cluster } from '../kubernetes/cluster.ts';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { OutOfReach } from '../kubernetes/cluster-errors.ts';
import { NODE } from '../kubernetes/object-kind.ts';
import { AppLog } from '../logs/app-log.ts';
import { configContent, ReleaseLedger } from '../releases/release-ledger.ts';
import type { User } from '../users/user.entity.ts';
import { auditedConfigs } from './config-audit.ts';
import { toldConfig } from './config-event.ts';
import type { ConfigPatch } from './config-content.ts';
import type { Config } from './config.entity.ts';
import { matchingNodes, noMatchingNodes } from './tags.ts';

type Nodes = readonly { labels: Record<string, string> }[];

/** What an app is configured with. */
@Injectable()
export class ConfigService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes: Changes,
    private readonly submissions: Submissions,
    private readonly releases: ReleaseLedger,
    private readonly appLog: AppLog,
    private readonly events: AppEvents,
    private readonly cache: ClusterCache,
    private readonly cluster: Cluster,
  ) {}

  /** The config of the newest release that hasn't failed. */
  async get(app: App): Promise<Config> {
    const head = await this.releases.head(this.dataSource.manager, app.uuid);
    if (!head) throw NotFound.of('Config');
    return head.config;
  }

  /**
   * Merges a patch into the config, as a new release.
   * @throws when the patch doesn't apply or no node has the tags; when settled, what the roll-out failed of
   */
  async change(app: App, author: User, patch: ConfigPatch): Promise<Submitted<{ config: Config; version: number }>> {
    const nodes = await this.nodes();
    const { value: release, operation } = await this.changes.commit(app.uuid, async (tx) => {
      const { release, head, rollsOut } = await this.releases.append(tx.manager, tx.app, { author, change: { kind: 'config', patch } });
      const { tags, uuid } = release.config;
      if (Object.keys(tags).length > 0) assertMatching(nodes, tags, head?.config.tags ?? {});
      await this.appLog.write(tx.manager, app.uuid, `config ${app.id}-${uuid.slice(0, 7)} updated`);
      const audit = auditedConfigs(head && configContent(head.config), configContent(release.config));
      await this.events.write(tx.manager, app.uuid, 'config', toldConfig(author.username, release.version, audit));
      return { value: release, cluster: rollsOut ? { kind: 'deploy' } : null, audit };
    });
    return this.submissions.release(operation, release, app.id, async () => {
      if (operation === null) return { config: release.config, version: release.version };
      // read again: it may have been folded onto another release since
      const settled = await this.releases.find(this.dataSource.manager, app.uuid, release.version);
      if (!settled) throw new Conflict(`${app.id} is being destroyed`);
      return { config: settled.config, version: release.version };
    });
  }

  /** The nodes that tags can choose from; null while nobody knows. */
  private async nodes(): Promise<Nodes | null> {
    if (this.cache.warm()) return this.cache.allNodes();
    try {
      return (await this.cluster.list(NODE, undefined, '')).map(({ metadata }) => ({ labels: metadata.labels ?? {} }));
    } catch (error) {
      if (error instanceof OutOfReach) return null;
      throw error;
    }
  }
}

function assertMatching(nodes: Nodes | null, tags: Record<string, string>, previous: Record<string, string>): void {
  if (!nodes) throw new Unavailable('The cluster is out of reach, so nobody knows which nodes the tags match.', 5);
  if (matchingNodes(nodes, tags).length === 0) throw noMatchingNodes(tags, previous);
}
