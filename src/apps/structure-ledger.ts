import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AppEvents } from '../events/app-events.ts';
import { ProcessType } from './process-type.entity.ts';

/** What is wanted of a process type. */
export type Wanted = Pick<ProcessType, 'type' | 'count' | 'stopped'>;

/** The book of an app's structure: what is wanted, and what last came up. Every method runs in the caller's transaction. */
@Injectable()
export class StructureLedger {
  constructor(private readonly events: AppEvents) {}

  async rows(manager: EntityManager, appUuid: string): Promise<ProcessType[]> {
    return manager.find(ProcessType, { where: { appUuid }, order: { type: 'ASC' } });
  }

  /** Sets what is wanted of process types, as the change of this generation; the others stay. @param by username of who wants it */
  async set(manager: EntityManager, appUuid: string, wanted: readonly Wanted[], generation: number, by: string): Promise<void> {
    await manager.query(
      `INSERT INTO process_types (app_uuid, type, count, stopped, generation, settled_count)
       SELECT $1, type, count, stopped, $3, 0 FROM json_to_recordset($2) AS wanted(type text, count integer, stopped boolean)
       ON CONFLICT (app_uuid, type) DO UPDATE SET count = excluded.count, stopped = excluded.stopped, generation = excluded.generation`,
      [appUuid, JSON.stringify(wanted), generation],
    );
    await this.tell(manager, appUuid, wanted, by);
  }

  /** Stamps a rolling restart of these types; types that have no row have nothing to restart. */
  async restart(manager: EntityManager, appUuid: string, types: readonly string[], generation: number): Promise<void> {
    await manager.query(
      `UPDATE process_types SET restarted_at = clock_timestamp() WHERE app_uuid = $1 AND type = ANY($2) AND generation <= $3`,
      [appUuid, types, generation],
    );
  }

  /**
   * What a roll-out left running is what the structure says from now on, and what a later failure goes back to. Rows that changed
   * meanwhile keep their newer counts.
   * @param planned counts that came with the release
   * @param ran the rows as the roll-out had them
   * @param generation of the roll-out
   */
  async settle(
    manager: EntityManager,
    appUuid: string,
    planned: Record<string, number>,
    ran: readonly ProcessType[],
    generation: number,
  ): Promise<void> {
    const types = new Map(ran.map(({ type, count, stopped }) => [type, { type, count, stopped }]));
    for (const [type, count] of Object.entries(planned)) types.set(type, { type, count, stopped: types.get(type)?.stopped ?? false });
    const rows = await manager.query<Wanted[]>(
      `INSERT INTO process_types AS p (app_uuid, type, count, stopped, generation, settled_count, settled_stopped)
       SELECT $1, type, count, stopped, $3, count, stopped FROM json_to_recordset($2) AS ran(type text, count integer, stopped boolean)
       ON CONFLICT (app_uuid, type) DO UPDATE SET
         settled_count = excluded.count, settled_stopped = excluded.stopped,
         count = CASE WHEN p.generation <= $3 THEN excluded.count ELSE p.count END
       RETURNING type, count, stopped`,
      [appUuid, JSON.stringify([...types.values()]), generation],
    );
    const before = new Map(ran.map(({ type, count }) => [type, count]));
    await this.tell(
      manager,
      appUuid,
      rows.filter(({ type, count }) => before.get(type) !== count),
      null,
    );
  }

  /**
   * Takes back what these types were scaled to, as far as nobody scaled them again.
   * @returns the types that really went back
   */
  async undo(manager: EntityManager, appUuid: string, types: readonly string[], generation: number): Promise<string[]> {
    const result: unknown = await manager.query(
      `UPDATE process_types SET count = settled_count, stopped = settled_stopped
       WHERE app_uuid = $1 AND type = ANY($2) AND generation <= $3 AND (count <> settled_count OR stopped <> settled_stopped)
       RETURNING type, count, stopped`,
      [appUuid, types, generation],
    );
    const [undone] = result as [Wanted[], number];
    await this.tell(manager, appUuid, undone, null);
    return undone.map(({ type }) => type);
  }

  private async tell(manager: EntityManager, appUuid: string, wanted: readonly Wanted[], by: string | null): Promise<void> {
    if (wanted.length === 0) return;
    const types = Object.fromEntries(wanted.map(({ type, count, stopped }) => [type, { count, stopped }]));
    await this.events.write(manager, appUuid, 'scale', { by, types });
  }
}
