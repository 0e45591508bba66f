import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { type EntityManager, Raw } from 'typeorm';
import { Encryption } from '../database/encryption.ts';
import { Sweeper } from '../database/sweeper.ts';
import { Notifications } from '../deploy/notifications.ts';
import { AppLogLine, LINE } from './app-log-line.entity.ts';

/** Lines kept for each app; older ones go within ten minutes. */
const KEPT = 10_000;

/** The controller's own lines about apps, kept in the database, a ring for each app. */
@Injectable()
export class AppLog {
  /** Apps that something was said about since the last sweep. */
  private written = new Set<string>();

  constructor(
    sweeper: Sweeper,
    private readonly encryption: Encryption,
  ) {
    sweeper.add(
      'log lines',
      `DELETE FROM app_log_lines WHERE uuid IN (
         SELECT line.uuid FROM unnest($2::uuid[]) AS app (uuid)
         CROSS JOIN LATERAL (SELECT id FROM app_log_lines WHERE app_uuid = app.uuid ORDER BY id DESC OFFSET $3 LIMIT 1) AS edge
         JOIN app_log_lines AS line ON line.app_uuid = app.uuid AND line.id <= edge.id
         LIMIT $1 FOR UPDATE OF line SKIP LOCKED)`,
      () => {
        const apps = [...this.written];
        this.written = new Set();
        return apps.length === 0 ? null : [apps, KEPT];
      },
    );
  }

  /** Adds a line, in the caller's transaction if `manager` is in one, and wakes who follows. One statement. Line breaks are kept. */
  async write(manager: EntityManager, appUuid: string, line: string): Promise<void> {
    const uuid = randomUUID();
    await manager.query(`WITH line AS (INSERT INTO app_log_lines (uuid, app_uuid, line) VALUES ($1, $2, $3)) SELECT pg_notify($4, $5)`, [
      uuid,
      appUuid,
      this.encryption.seal(line, `${LINE}:${uuid}`),
      ...Notifications.parameters('app_log', appUuid),
    ]);
    this.written.add(appUuid);
  }

  /** The newest `count` lines, oldest first. */
  async newest(manager: EntityManager, appUuid: string, count: number): Promise<AppLogLine[]> {
    const lines = await manager.find(AppLogLine, { where: { appUuid }, order: { id: 'DESC' }, take: count });
    return lines.reverse();
  }

  /** Lines with a higher id, but for some of them: the first `count`, oldest first. */
  async after(manager: EntityManager, appUuid: string, id: string, but: readonly string[], count: number): Promise<AppLogLine[]> {
    const others = Raw((column) => `${column} > :id AND ${column} <> ALL(:but::bigint[])`, { id, but });
    return manager.find(AppLogLine, { where: { appUuid, id: others }, order: { id: 'ASC' }, take: count });
  }
}
