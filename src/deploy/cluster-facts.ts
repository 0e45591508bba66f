import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { AppEvents } from '../events/app-events.ts';
import { ClusterFact } from './cluster-fact.entity.ts';

/** What those rows are of that readers of the app's events are told of when they are undone, in SQL: by table. */
const TOLD: Readonly<Record<string, string>> = {
  domains: `domain, NULL AS cert`,
  attachments: `(SELECT domain FROM domains WHERE uuid = domain_uuid) AS domain, (SELECT name FROM certificates WHERE uuid = certificate_uuid) AS cert`,
};

/** All rows that the cluster follows, whichever feature they belong to. */
@Injectable()
export class ClusterFacts {
  constructor(
    private readonly dataSource: DataSource,
    private readonly events: AppEvents,
  ) {}

  /** Notes that the cluster shows what was written up to this generation. */
  async settle(manager: EntityManager, appUuid: string, generation: number): Promise<void> {
    for (const table of this.tables()) {
      await manager.query(`UPDATE ${table} SET settled = true WHERE app_uuid = $1 AND generation <= $2 AND NOT settled`, [
        appUuid,
        generation,
      ]);
    }
  }

  /**
   * Takes back what was written up to this generation and was never in the cluster.
   * @param kind only facts of this entity
   * @returns whether there was anything
   */
  async undo(manager: EntityManager, appUuid: string, generation: number, kind: typeof ClusterFact = ClusterFact): Promise<boolean> {
    let undone = false;
    for (const table of this.tables(kind)) {
      const result: unknown = await manager.query(
        `DELETE FROM ${table} WHERE app_uuid = $1 AND generation <= $2 AND NOT settled RETURNING ${TOLD[table] ?? 'NULL AS domain'}`,
        [appUuid, generation],
      );
      const [rows, count] = result as [{ domain: string | null; cert: string | null }[], number];
      undone ||= count > 0;
      for (const { domain, cert } of rows) {
        if (domain === null) continue;
        if (cert === null) await this.events.write(manager, appUuid, 'domain', { by: null, action: 'removed', domain });
        else await this.events.write(manager, appUuid, 'cert', { by: null, action: 'detached', cert, domain });
      }
    }
    return undone;
  }

  /** Whether something was written up to this generation that was never in the cluster. */
  async unsettled(manager: EntityManager, appUuid: string, generation: number): Promise<boolean> {
    const any = this.tables().map((table) => `EXISTS (SELECT 1 FROM ${table} WHERE app_uuid = $1 AND generation <= $2 AND NOT settled)`);
    const [row] = await manager.query<[{ unsettled: boolean }]>(`SELECT ${any.join(' OR ')} AS unsettled`, [appUuid, generation]);
    return row.unsettled;
  }

  private tables(kind: typeof ClusterFact = ClusterFact): string[] {
    return this.dataSource.entityMetadatas
      .filter(({ target }) => typeof target === 'function' && (target === kind || target.prototype instanceof kind))
      .map(({ tableName }) => tableName);
  }
}
