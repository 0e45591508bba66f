import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { App } from '../apps/app.entity.ts';
import { AppSettings } from '../app-settings/app-settings.entity.ts';
import { StructureLedger } from '../apps/structure-ledger.ts';
import { processTypes } from '../builds/flavour.ts';
import { Cluster } from '../kubernetes/cluster.ts';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { APP_UUID, INSTALLATION } from '../kubernetes/labels.ts';
import { NAMESPACE } from '../kubernetes/object-kind.ts';
import { AppLog } from '../logs/app-log.ts';
import { ReleaseLedger } from '../releases/release-ledger.ts';
import type { Cause } from './cause.ts';
import { ClusterFacts } from './cluster-facts.ts';
import { outcomeOf, type Failure, type Outcome, type PriorFailure } from './failure.ts';
import { LeaseLost, type Lease } from './lease.ts';
import { OperationQueue } from './operation-queue.ts';
import { FACTS, Operation, WHOLE_APP } from './operation.entity.ts';
import type { Target } from './target.ts';

/** Records what became of a round: in one transaction that holds the app's row, and only for the owner of the lease. */
@Injectable()
export class OutcomeRecorder {
  constructor(
    private readonly dataSource: DataSource,
    private readonly cluster: Cluster,
    private readonly cache: ClusterCache,
    private readonly queue: OperationQueue,
    private readonly releases: ReleaseLedger,
    private readonly structure: StructureLedger,
    private readonly facts: ClusterFacts,
    private readonly appLog: AppLog,
  ) {}

  /** Everything came up. */
  async succeed(operation: Operation, lease: Lease, target: Target, prior: PriorFailure | null): Promise<void> {
    const { app, release, planned, rows, snapshot } = target;
    await this.dataSource.transaction(async (manager) => {
      await this.lock(manager, app.uuid);
      await this.queue.step(manager, lease, 'done');
      if (target.open) await this.releases.succeed(manager, app.uuid, release.version);
      await this.structure.settle(manager, app.uuid, planned, rows, snapshot.generation);
      await this.facts.settle(manager, app.uuid, snapshot.generation);
      await manager.query(
        `UPDATE apps SET provisioned = true, shown_generation = greatest(shown_generation, $3),
           pod_resource_version = greatest(pod_resource_version::numeric, $2::numeric)::text WHERE uuid = $1`,
        [app.uuid, this.cache.podVersionOf(app.id), snapshot.generation],
      );
      const outcome = prior?.outcome ?? operation.outcome;
      await this.queue.finish(manager, lease, { state: prior ? 'failed' : 'succeeded', cause: prior?.cause ?? null, outcome });
    });
  }

  /**
   * Something didn't come up: the release fails, or the scale is undone.
   * What was refused after all of it came up is undone first, if it is a fact of its own: the release isn't to blame for a domain.
   * @param more whether another round may follow
   * @returns what another round makes good, `prior` null if it goes on as before; null when the operation is over
   */
  async fail(
    operation: Operation,
    lease: Lease,
    target: Target,
    failure: Failure,
    prior: PriorFailure | null,
    more: boolean,
  ): Promise<{ prior: PriorFailure | null } | null> {
    const { app, release, snapshot } = target;
    const undoes = failure.routing && (await this.facts.unsettled(this.dataSource.manager, app.uuid, snapshot.generation));
    const neverThere = !app.provisioned && (failure.foreign || !release.build) && !undoes;
    if (neverThere && !failure.foreign) await this.removeNamespace(lease, target);
    return this.dataSource.transaction(async (manager) => {
      const locked = await this.lock(manager, app.uuid);
      await this.queue.step(manager, lease, 'failing');
      const cause = prior?.cause ?? failure.cause;
      let outcome: Outcome = { ...operation.outcome, ...outcomeOf(failure), ...prior?.outcome };
      const finish = async (): Promise<null> => {
        await this.queue.finish(manager, lease, { state: 'failed', cause, outcome });
        return null;
      };
      if (!locked || locked.destroying) return finish();
      if (neverThere) {
        // an app whose very first objects were refused was never there
        await manager.delete(App, { uuid: app.uuid });
        return finish();
      }
      if (failure.routing && (await this.facts.undo(manager, app.uuid, snapshot.generation))) {
        outcome = { ...operation.outcome, ...prior?.outcome, [FACTS]: { status: failure.status, message: failure.cause.message } };
        await this.appLog.write(manager, app.uuid, `(routing): ${failure.cause.message}`);
        await this.tellPending(manager, app.uuid, outcome, [FACTS]);
        return this.again(manager, operation, lease, locked, prior && { ...prior, outcome }, outcome, more);
      }
      let undone: string[];
      if (target.open) {
        undone = await this.failRelease(manager, locked, target, failure);
        const gone = undone.map((type) => [type, { status: failure.status, message: failure.cause.message }]);
        outcome = { ...outcome, ...(Object.fromEntries(gone) as Outcome) };
      } else {
        await this.appLog.write(manager, app.uuid, `(${operation.kind}): ${failure.cause.message}`);
        const types = failure.types.size > 0 ? [...failure.types.keys()] : target.rows.map(({ type }) => type);
        undone = await this.structure.undo(manager, app.uuid, types, snapshot.generation);
        if (
          undone.length === 0 &&
          operation.kind === 'deploy' &&
          (await this.facts.undo(manager, app.uuid, snapshot.generation, AppSettings))
        ) {
          // no release, but settings that change the pods: nothing else does
          outcome = { ...outcome, [FACTS]: { status: failure.status, message: failure.cause.message } };
          await this.tellPending(manager, app.uuid, outcome, [FACTS]);
        } else if (undone.length === 0) {
          // the same again would fail again; what only routes waits for no pods, and brings what was added, changed or taken away
          if (prior || operation.kind !== 'routing')
            await this.queue.request(manager, { app: locked, generation: locked.generation, kind: 'routing', cuts: false });
          return finish();
        }
      }
      await this.tellPending(manager, app.uuid, outcome, undone);
      return this.again(manager, operation, lease, locked, { cause, outcome }, outcome, more);
    });
  }

  /** What came after the claim may be among what is undone, and is waited for in the operation that it asked for. */
  private async tellPending(manager: EntityManager, appUuid: string, outcome: Outcome, undone: readonly string[]): Promise<void> {
    const pending = await this.queue.pendingOf(appUuid, manager);
    const told = undone.flatMap((of) => {
      const failure = outcome[of] ?? outcome[WHOLE_APP];
      return failure ? [[of, failure] as const] : [];
    });
    if (!pending || told.length === 0) return;
    await manager.update(
      Operation,
      { uuid: pending.uuid },
      { uuid: pending.uuid, outcome: { ...pending.outcome, ...Object.fromEntries(told) } },
    );
  }

  /** Goes on with another round, or leaves that to the operation that waits. */
  private async again(
    manager: EntityManager,
    operation: Operation,
    lease: Lease,
    app: App,
    prior: PriorFailure | null,
    outcome: Outcome,
    more: boolean,
  ): Promise<{ prior: PriorFailure | null } | null> {
    const cause = prior?.cause ?? null;
    // somebody committed meanwhile: the next operation brings the app to that, with everything that this one was to set right
    const pending = await this.queue.pendingOf(app.uuid, manager);
    if (pending || !more) {
      if (pending || !prior) await this.queue.request(manager, { app, generation: app.generation, kind: 'heal', cuts: false });
      await this.queue.finish(manager, lease, { state: 'failed', cause, outcome });
      return null;
    }
    const failed = { cause, outcome, restoring: prior !== null };
    await manager.update(Operation, { uuid: lease.operation }, { uuid: lease.operation, ...failed });
    Object.assign(operation, failed);
    return { prior };
  }

  /**
   * Ends an operation that a bug keeps from its end: what it was to bring fails, and another one goes back to what was good.
   * @param cause what is told of it
   */
  async abandon({ uuid, appUuid, kind }: Operation, lease: Lease, cause: Cause): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      const app = await this.lock(manager, appUuid);
      await this.queue.step(manager, lease, 'failing');
      // as it is now: a round may have failed before
      const { restoring, release, generation, ...before } = await manager.findOneByOrFail(Operation, { uuid });
      const status = 500;
      const outcome: Outcome = { [WHOLE_APP]: { status, message: cause.message }, ...before.outcome };
      const head = app && !app.destroying ? await this.releases.head(manager, appUuid) : null;
      if (app && head) {
        const text = `(app::${kind}): ${cause.message}`;
        const candidate = release ?? head.version;
        const open = await this.releases.openUpTo(manager, appUuid, candidate);
        if (open.length > 0) await this.releases.fail(manager, app, candidate, status, text);
        const types = (await this.structure.rows(manager, appUuid)).map(({ type }) => type);
        const undone = open.length > 0 ? [] : await this.structure.undo(manager, appUuid, types, generation);
        await this.appLog.write(manager, appUuid, text);
        await this.tellPending(manager, appUuid, outcome, undone);
        if (open.length > 0 || undone.length > 0)
          await this.queue.request(manager, { app, generation: app.generation, kind: 'heal', cuts: false });
      }
      await this.queue.finish(manager, lease, { state: 'failed', cause: restoring && before.cause ? before.cause : cause, outcome });
    });
  }

  /** Leaves the app to the operation that waits; what this one was to bring stays open and goes with that one. */
  async yieldTo(operation: Operation, lease: Lease, prior: PriorFailure | null): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await this.lock(manager, operation.appUuid);
      const next = await this.queue.pendingOf(operation.appUuid, manager);
      if (!next) throw new LeaseLost();
      await manager.query('UPDATE operations SET after_cut = true WHERE uuid = $1', [next.uuid]);
      const outcome = prior?.outcome ?? operation.outcome;
      if (outcome) await manager.update(Operation, { uuid: next.uuid }, { uuid: next.uuid, outcome });
      await this.queue.finish(manager, lease, { state: 'superseded', supersededBy: next.uuid, outcome });
    });
  }

  /** @returns the types whose scales went with the release, because the build that is left doesn't have them */
  private async failRelease(manager: EntityManager, app: App, { release, rows, snapshot }: Target, failure: Failure): Promise<string[]> {
    const good = await this.releases.good(manager, app.uuid);
    const back = good?.build
      ? `There was a problem deploying v${String(release.version)}. Rolling back process types to release v${String(good.version)}.`
      : null;
    const text = `(app::deploy): ${back ? `${back}\n` : ''}${failure.cause.message}`;
    await this.appLog.write(manager, app.uuid, text);
    await this.releases.fail(manager, app, release.version, failure.status, text);
    const head = await this.releases.head(manager, app.uuid);
    const left = head?.build ? processTypes(head.build) : [];
    const lost = rows.map(({ type }) => type).filter((type) => !left.includes(type));
    return this.structure.undo(manager, app.uuid, lost, snapshot.generation);
  }

  private async removeNamespace(lease: Lease, { app, snapshot }: Target): Promise<void> {
    lease.check();
    const live = await this.cluster.get(NAMESPACE, undefined, app.id);
    const ours = live?.metadata.annotations?.[APP_UUID] === app.uuid && live.metadata.labels?.[INSTALLATION] === snapshot.installation;
    if (!live || !ours) return;
    lease.check();
    await this.cluster.remove(NAMESPACE, undefined, app.id, live.metadata.uid ?? '');
  }

  private async lock(manager: EntityManager, uuid: string): Promise<App | null> {
    return manager.findOne(App, { where: { uuid }, lock: { mode: 'pessimistic_write' } });
  }
}
