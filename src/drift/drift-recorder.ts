import { Inject, Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { Counter, Gauge } from 'prom-client';
import type { Logger } from 'pino';
import { DataSource, type EntityManager } from 'typeorm';
import { App } from '../apps/app.entity.ts';
import { OperationQueue } from '../deploy/operation-queue.ts';
import { AppEvents } from '../events/app-events.ts';
import { LOGGER } from '../http/logger.ts';
import { AppLog } from '../logs/app-log.ts';
import { Metrics } from '../metrics/metrics.ts';
import { AppDrift } from './app-drift.entity.ts';
import { DriftDetector, type Findings, type Wanted } from './drift-detector.ts';
import type { DriftObject } from './drift-report.ts';
import { HealingPolicy } from './healing-policy.ts';

/** So often in a row an app is healed at once. Somebody who undoes it each time then gets longer and longer pauses. */
const AT_ONCE = 5;
const LONGEST_PAUSE = 600;
/** Objects and fields that a line names. */
const NAMED = 20;

/** How long the number of objects is not counted again, however often it is scraped, in milliseconds. */
const KEPT = 5_000;

/** Asks again only after so many milliseconds; what fails isn't kept. */
export function keptFor<T>(milliseconds: number, ask: () => Promise<T>): () => Promise<T> {
  let kept: Promise<T> | null = null;
  let until = 0;
  return () => {
    if (kept && performance.now() < until) return kept;
    const asked = ask();
    kept = asked;
    until = performance.now() + milliseconds;
    asked.catch(() => {
      if (kept === asked) kept = null;
    });
    return asked;
  };
}

/** What to do next: nothing, look again when the app's operation is over, or in so many seconds. */
export type Next = 'nothing' | 'when settled' | { seconds: number };

/** Seconds until an app may be healed again that was healed so often in a row, the last time so long ago. */
export function pauseBefore(heals: number, ago: number): number {
  const pause = heals < AT_ONCE ? 0 : Math.min(LONGEST_PAUSE, 2 ** (heals - AT_ONCE + 2));
  return Math.max(0, pause - ago);
}

/** Writes down what was found of an app, tells of what is new, and has it healed. */
@Injectable()
export class DriftRecorder {
  private readonly healed: Counter<'kind'>;

  constructor(
    private readonly dataSource: DataSource,
    private readonly queue: OperationQueue,
    private readonly detector: DriftDetector,
    private readonly policy: HealingPolicy,
    private readonly appLog: AppLog,
    private readonly events: AppEvents,
    @Inject(LOGGER) private readonly logger: Logger,
    { registry }: Metrics,
  ) {
    const counts = keptFor(KEPT, (): Promise<{ kind: string; count: string }[]> =>
      dataSource.query(
        `SELECT kind, sum(count::integer) AS count FROM app_drift, jsonb_each_text(kinds) AS each (kind, count)
         WHERE found IS NOT NULL GROUP BY kind`,
      ),
    );
    new Gauge({
      name: 'keelson_drift_objects',
      help: 'Objects in the cluster that are not as recorded, when they were last looked at.',
      labelNames: ['kind'],
      registers: [registry],
      async collect() {
        const rows = await counts().catch(() => []);
        this.reset();
        for (const { kind, count } of rows) this.set({ kind }, Number(count));
      },
    });
    this.healed = new Counter({
      name: 'keelson_drift_healed_total',
      help: 'Objects that were not as recorded and were set right.',
      labelNames: ['kind'],
      registers: [registry],
    });
  }

  /** In one transaction that holds the app's row: of several replicas one tells. */
  async record(wanted: Wanted, { objects, healable }: Findings): Promise<Next> {
    const { app } = wanted;
    const heals = (await this.policy.healing(app)) === 'heal' && healable;
    const found = objects.length > 0 ? hashOf(objects) : null;
    const told = await this.dataSource.transaction(async (manager) => {
      await manager.findOne(App, { where: { uuid: app.uuid }, lock: { mode: 'pessimistic_write' } });
      if (!(await this.detector.stillWanted(wanted, manager))) return null;
      const before = await this.rowOf(manager, app.uuid);
      const wait = pauseBefore(before.heals, before.ago);
      const healing = objects.length > 0 && heals && !before.paused;
      const isNew = found !== before.found;
      if (isNew) {
        await manager.update(AppDrift, { appUuid: app.uuid }, { found, kinds: countByKind(objects), healing: healing && wait === 0 });
        const line = found === null ? endLine(before.healing) : foundLine(objects);
        await this.appLog.write(manager, app.uuid, line);
        await this.events.write(manager, app.uuid, 'drift', { objects: objects.map(inEvent), healing });
      }
      if (healing && wait === 0) {
        await this.queue.request(manager, { app, generation: app.generation, kind: 'heal', cuts: false });
        await manager.query(
          `UPDATE app_drift SET healing = true, healed = now(),
             heals = CASE WHEN healed > now() - interval '10 minutes' THEN heals + 1 ELSE 1 END WHERE app_uuid = $1`,
          [app.uuid],
        );
      }
      return { before, isNew, healing, wait };
    });
    if (!told) return 'when settled';
    const { before, isNew, healing, wait } = told;
    if (isNew) this.tell(app, objects, healing, before);
    if (!healing) return 'nothing';
    return wait === 0 ? 'when settled' : { seconds: wait };
  }

  /** @throws nothing for an app that has no row: it gets one */
  private async rowOf(manager: EntityManager, appUuid: string): Promise<AppDrift & { ago: number }> {
    await manager.query('INSERT INTO app_drift (app_uuid) VALUES ($1) ON CONFLICT DO NOTHING', [appUuid]);
    const row = await manager.findOneByOrFail(AppDrift, { appUuid });
    const [{ ago }] = await manager.query<[{ ago: string | null }]>(
      'SELECT extract(epoch FROM now() - healed) AS ago FROM app_drift WHERE app_uuid = $1',
      [appUuid],
    );
    return Object.assign(row, { ago: ago === null ? Infinity : Number(ago) });
  }

  private tell(app: App, objects: readonly DriftObject[], healing: boolean, before: AppDrift): void {
    if (objects.length > 0) {
      const facts = { app: app.id, objects: objects.slice(0, NAMED).map(inEvent), healing };
      this.logger.warn(facts, `app ${app.id}: ${String(objects.length)} objects in the cluster are not as recorded`);
      return;
    }
    if (before.healing) for (const [kind, count] of Object.entries(before.kinds)) this.healed.inc({ kind }, count);
    this.logger.info({ app: app.id }, `app ${app.id}: the cluster is as recorded again`);
  }
}

/** Another hash for whatever was found otherwise, but for values, those of secrets are not even kept as a hash, and for when it came. */
function hashOf(objects: readonly DriftObject[]): string {
  const facts = objects.map(({ kind, name, fields, missing }) => [kind, name, missing, fields.map(({ path, manager }) => [path, manager])]);
  return createHash('sha256').update(JSON.stringify(facts.sort())).digest('hex');
}

function countByKind(objects: readonly DriftObject[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of objects) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

const inEvent = ({ kind, name, fields, missing }: DriftObject) => ({ kind, name, fields: fields.map(({ path }) => path), missing });

const endLine = (healed: boolean): string => `drift: ${healed ? 'healed, ' : ''}everything in the cluster is as recorded again`;

function foundLine(objects: readonly DriftObject[]): string {
  const words = objects.slice(0, NAMED).map(({ kind, name, fields, missing }) => {
    if (missing) return `${kind}/${name} is missing`;
    const paths = fields.slice(0, NAMED).map(({ path, manager }) => (manager === null ? path : `${path} (${manager})`));
    return `${kind}/${name} differs in ${paths.join(', ')}${fields.length > NAMED ? ` and ${String(fields.length - NAMED)} more` : ''}`;
  });
  const more = objects.length > NAMED ? `\nand ${String(objects.length - NAMED)} more` : '';
  return `drift: ${words.join('\n')}${more}`;
}
