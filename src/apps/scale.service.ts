import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Autoscale } from '../app-settings/app-settings.entity.ts';
import { newestSettings } from '../app-settings/newest-settings.ts';
import { processTypes } from '../builds/flavour.ts';
import { Changes } from '../deploy/changes.ts';
import { WHOLE_APP, type Operation } from '../deploy/operation.entity.ts';
import { OperationQueue } from '../deploy/operation-queue.ts';
import { Submissions } from '../deploy/submissions.ts';
import { isJsonObject } from '../http/field-values.ts';
import { BadRequest, Recorded } from '../http/errors.ts';
import type { Submitted } from '../http/submitted.ts';
import { AppLog } from '../logs/app-log.ts';
import { ReleaseLedger } from '../releases/release-ledger.ts';
import type { User } from '../users/user.entity.ts';
import { assertMayRunTypes, type AppAccess } from './app.rights.ts';
import type { ProcessType } from './process-type.entity.ts';
import { assertNotAutoscaled, parseScale, parseTypes, storedCounts } from './scale-rules.ts';
import { StructureLedger, type Wanted } from './structure-ledger.ts';

/** What somebody asks of the structure. */
interface Ask {
  verb: 'scale' | 'stop' | 'start';
  /** The process types that it is about. */
  types: readonly string[];
  /**
   * @param known process types of the build; @param rows the structure, by process type; @param autoscale rules, by process type.
   * Throws what is wrong with the request.
   */
  plan: (known: readonly string[], rows: ReadonlyMap<string, ProcessType>, autoscale: Readonly<Record<string, Autoscale>>) => Wanted[];
  /** The line of the app's log. */
  words: (wanted: readonly Wanted[]) => string;
}

/** How many pods of each process type an app has, and whether they run. */
@Injectable()
export class ScaleService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes: Changes,
    private readonly submissions: Submissions,
    private readonly queue: OperationQueue,
    private readonly releases: ReleaseLedger,
    private readonly structure: StructureLedger,
    private readonly appLog: AppLog,
  ) {}

  /**
   * Sets the counts of process types; the others stay. A stopped one starts. What doesn't come up is undone.
   * @param body counts by process type, as they were sent
   * @throws BadRequest, NotFound, Forbidden for types that are not the user's; when settled Recorded with the words of the type that failed
   */
  async scale(access: AppAccess, user: User, body: unknown): Promise<Submitted<void>> {
    return this.change(access, user, {
      verb: 'scale',
      types: isJsonObject(body) ? Object.keys(body) : [],
      plan: (known, _, autoscale) => {
        const counts = parseScale(body, known);
        assertNotAutoscaled(Object.keys(counts), autoscale);
        return Object.entries(counts).map(([type, count]) => ({ type, count, stopped: false }));
      },
      words: (wanted) => `${user.username} scaled pods ${wanted.map(({ type, count }) => `${type}=${String(count)}`).join(' ')}`,
    });
  }

  /**
   * Takes the pods of process types away, and leaves their counts for the next start. No release starts them, only `start` and `scale`.
   * @param types as they were sent
   * @throws as scale does
   */
  async stop(access: AppAccess, user: User, types: string[] | null | undefined): Promise<Submitted<void>> {
    const named = parseTypes(types);
    return this.change(access, user, {
      verb: 'stop',
      types: named,
      plan: (known, rows, autoscale) => storedCounts(named, known, rows, autoscale).map((stored) => ({ ...stored, stopped: true })),
      words: (wanted) => `${user.username} stopped pods ${wanted.map(({ type }) => type).join(' ')}`,
    });
  }

  /** Brings stopped process types back to their counts. Takes and throws what stop does. */
  async start(access: AppAccess, user: User, types: string[] | null | undefined): Promise<Submitted<void>> {
    const named = parseTypes(types);
    return this.change(access, user, {
      verb: 'start',
      types: named,
      plan: (known, rows, autoscale) => storedCounts(named, known, rows, autoscale).map((stored) => ({ ...stored, stopped: false })),
      words: (wanted) => `${user.username} started pods ${wanted.map(({ type }) => type).join(' ')}`,
    });
  }

  private async change(access: AppAccess, user: User, { verb, types, plan, words }: Ask): Promise<Submitted<void>> {
    const { uuid } = access.app;
    const { value, operation } = await this.changes.commit(uuid, async ({ manager, generation }) => {
      const head = await this.releases.head(manager, uuid);
      if (!head?.build) throw new BadRequest('No build associated with this release');
      const rows = new Map((await this.structure.rows(manager, uuid)).map((row) => [row.type, row]));
      const { autoscale } = await newestSettings(manager, uuid);
      const known = processTypes(head.build);
      // before all other faults, but for types that nobody has
      if (types.every((type) => known.includes(type))) assertMayRunTypes(user, access, types);
      const wanted = plan(known, rows, autoscale);
      const audit = { before: structureOf(wanted.flatMap(({ type }) => rows.get(type) ?? [])), after: structureOf(wanted) };
      if (wanted.every((one) => isSo(one, rows.get(one.type)))) {
        // what is repeated before it came up is the same change: it gets the same outcome
        const open = wanted.every(({ type }) => isSettled(rows.get(type))) ? null : await this.queue.openOf(uuid, manager);
        return { value: { wanted, joined: open?.uuid ?? null }, cluster: null, audit };
      }
      await this.structure.set(manager, uuid, wanted, generation, user.username);
      await this.appLog.write(manager, uuid, words(wanted));
      return { value: { wanted, joined: null }, cluster: { kind: 'scale' }, audit };
    });
    const { wanted, joined } = value;
    return this.submissions.brought(operation ?? joined, uuid, ({ outcome }) => this.shown(uuid, wanted, verb, outcome));
  }

  /**
   * Whether nothing is to come of this change any more: it came up, or was changed again. When something in the operation failed, the rows
   * tell whether that is this change: it is undone then.
   */
  private async shown(appUuid: string, wanted: readonly Wanted[], verb: Ask['verb'], outcome: Operation['outcome']): Promise<boolean> {
    const rows = new Map((await this.structure.rows(this.dataSource.manager, appUuid)).map((row) => [row.type, row]));
    for (const one of wanted) {
      const failure = outcome?.[one.type] ?? outcome?.[WHOLE_APP];
      if (failure && !isSo(one, rows.get(one.type))) throw new Recorded(failure.status, `(${verb}): ${failure.message}`);
    }
    return wanted.every((one) => !isSo(one, rows.get(one.type)) || isSettled(rows.get(one.type)));
  }
}

/** As the audit log has it. */
const structureOf = (types: readonly Wanted[]): Record<string, Omit<Wanted, 'type'>> =>
  Object.fromEntries(types.map(({ type, count, stopped }) => [type, { count, stopped }]));

const isSo = ({ count, stopped }: Wanted, row: ProcessType | undefined): boolean => row?.count === count && row.stopped === stopped;

const isSettled = (row: ProcessType | undefined): boolean => row?.count === row?.settledCount && row?.stopped === row?.settledStopped;
