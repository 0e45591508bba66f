import { Inject, Injectable, Logger } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { App } from '../apps/app.entity.ts';
import { StructureLedger } from '../apps/structure-ledger.ts';
import { Cluster } from '../kubernetes/cluster.ts';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { MissingPermission, ObjectNotFound, OutOfReach, Refused } from '../kubernetes/cluster-errors.ts';
import { deploymentName } from '../kubernetes/names.ts';
import { DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER, type ObjectKind } from '../kubernetes/object-kind.ts';
import { AppLog } from '../logs/app-log.ts';
import { ReleaseLedger } from '../releases/release-ledger.ts';
import { planStructure } from '../releases/structure-plan.ts';
import { Settings } from '../settings/settings.ts';
import { AppDestroyer } from './app-destroyer.ts';
import { Applier } from './applier.ts';
import type { Cause } from './cause.ts';
import { desiredState, nameOf } from './desired-state.ts';
import { FaultPoints } from './fault-points.ts';
import { causeOf, failureOf, priorFailure, refusal, type Failure, type PriorFailure } from './failure.ts';
import type { Lease } from './lease.ts';
import { MANIFEST_SOURCES, ManifestSource } from './manifest-source.ts';
import { mask } from './mask.ts';
import { Notifications } from './notifications.ts';
import { OperationQueue, stronger } from './operation-queue.ts';
import type { Operation } from './operation.entity.ts';
import { OutcomeRecorder } from './outcome-recorder.ts';
import { withPermission } from './permission-grace.ts';
import { RolloutWatch, type RolloutEnd, type Watched } from './rollout-watch.ts';
import { SnapshotReader } from './snapshot-reader.ts';
import type { Target } from './target.ts';
import { WorkSlots } from './work-slots.ts';

/** A failed roll-out is followed by one back to the last good release; if that fails too, the operation ends. */
const ROUNDS = 3;
/** How often objects that were changed under our hands are set right before that is left to the next operation. */
const TRIES = 3;

type Brought = { state: 'done' } | { state: 'cut' } | { state: 'failed'; failure: Failure };

/**
 * Brings an app's cluster objects to what is recorded, and records what became of it. It may be run again at any point with the
 * same result: it begins from the rows each time, and that is what makes a crash harmless.
 */
@Injectable()
export class Reconciler {
  private readonly logger = new Logger(Reconciler.name);
  private readonly kinds: readonly ObjectKind[];
  /** Apps that are waited for here, and whether something was committed for them since that was last looked at. */
  private readonly pinged = new Map<string, boolean>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly cluster: Cluster,
    private readonly cache: ClusterCache,
    private readonly queue: OperationQueue,
    private readonly releases: ReleaseLedger,
    private readonly structure: StructureLedger,
    private readonly snapshots: SnapshotReader,
    private readonly destroyer: AppDestroyer,
    private readonly recorder: OutcomeRecorder,
    private readonly appLog: AppLog,
    private readonly settings: Settings,
    private readonly points: FaultPoints,
    private readonly slots: WorkSlots,
    notifications: Notifications,
    @Inject(MANIFEST_SOURCES) private readonly sources: readonly ManifestSource[],
  ) {
    this.kinds = [...new Map(sources.flatMap(({ kinds }) => kinds).map((kind) => [kind.kind, kind])).values()];
    notifications.on('due', (appUuid) => {
      if (this.pinged.has(appUuid)) this.pinged.set(appUuid, true);
    });
    notifications.onConnected(() => {
      for (const appUuid of this.pinged.keys()) this.pinged.set(appUuid, true);
    });
  }

  /**
   * One operation from its claim to its end. Throws LeaseLost when it is somebody else's by now, OutOfReach when the cluster
   * can't be asked, and whatever is a bug.
   */
  async run(operation: Operation, lease: Lease): Promise<void> {
    let prior = priorFailure(operation);
    await this.points.reach('claimed', operation.appId);
    for (let round = 1; round <= ROUNDS; round++) {
      const target = await this.begin(operation, lease, prior !== null, round === 1 && operation.attempts > 1);
      if (!target) break;
      await this.points.reach('begun', operation.appId);
      const result = await this.bring(operation, lease, target, prior);
      if (result.state === 'cut') {
        await this.recorder.yieldTo(operation, lease, prior);
        break;
      }
      if (result.state === 'done') {
        await this.points.reach('shown', operation.appId);
        await this.recorder.succeed(operation, lease, target, prior);
        break;
      }
      await this.points.reach('failing', operation.appId);
      const next = await this.recorder.fail(operation, lease, target, result.failure, prior, round < ROUNDS);
      if (!next) break;
      await this.points.reach('failed', operation.appId);
      prior = next.prior;
    }
    await this.points.reach('recorded', operation.appId);
  }

  /**
   * Reads what is wanted now and marks it. Null: there is nothing to bring (the app is gone or goes).
   * @param anew whether it had been begun before: then it is told only if it is about something else now
   */
  private async begin(operation: Operation, lease: Lease, restoring: boolean, anew: boolean): Promise<Target | null> {
    const target = await this.dataSource.transaction(async (manager): Promise<Target | 'destroy' | null> => {
      const app = await this.lockedApp(manager, operation.appUuid);
      if (!app) {
        await this.queue.finish(manager, lease, { state: 'succeeded' });
        return null;
      }
      if (app.destroying) {
        await this.queue.step(manager, lease, 'destroying', { generation: app.generation, told: anew && operation.step === 'destroying' });
        return 'destroy';
      }
      const release = await (restoring ? this.releases.good(manager, app.uuid) : this.releases.head(manager, app.uuid));
      if (!release) {
        await this.queue.finish(manager, lease, { state: 'succeeded' });
        return null;
      }
      // what was committed after the claim is read here too, and so is brought, and judged, as it asks to be
      const pending = await this.queue.pendingOf(app.uuid, manager);
      if (pending) {
        operation.kind = stronger(operation.kind, pending.kind);
        operation.unwatched ||= pending.unwatched;
      }
      const rows = await this.structure.rows(manager, app.uuid);
      const open = release.state === 'pending' || release.state === 'deploying';
      let planned: Record<string, number> = {};
      if (open) {
        const counts = Object.fromEntries(rows.map(({ type, count }) => [type, count]));
        planned = planStructure(await this.releases.lastBuild(manager, app.uuid), release.build, counts);
        await this.releases.markDeploying(manager, release, planned);
      }
      const facts = restoring ? {} : { generation: app.generation, release: release.version };
      const told = anew && (restoring ? operation.step !== 'failing' : operation.release === release.version);
      // what was asked for since then is waited for from the beginning
      lease.waited = told && (restoring || operation.generation === app.generation) ? operation.waited : 0;
      await this.queue.step(manager, lease, restoring ? 'restoring' : 'claimed', { ...facts, waited: lease.waited, told });
      const snapshot = await this.snapshots.read(manager, app, release, rows, planned);
      return { app, release, open, planned, rows, snapshot, desired: desiredState(snapshot, this.sources) };
    });
    if (target !== 'destroy') return target;
    await this.destroyer.destroy(operation, lease);
    return null;
  }

  /** Makes the cluster show the target, and waits until it does. Everything refused or failed is a result, not an exception. */
  private async bring(operation: Operation, lease: Lease, target: Target, prior: PriorFailure | null): Promise<Brought> {
    const { snapshot, desired } = target;
    const unwatched = target.open || prior !== null || operation.unwatched;
    // what nobody asked for replaces no pods
    const spares = operation.kind === 'heal' && !target.open && prior === null;
    const applier = new Applier(this.cluster, this.cache, this.kinds, lease, unwatched, this.points, spares);
    // who adds a domain doesn't wait for pods, and isn't held up by those that don't come up
    const rolls = target.open || prior !== null || operation.kind !== 'routing';
    let routing = false;
    try {
      return await withPermission(lease, async (): Promise<Brought> => {
        routing = false;
        await this.step(lease, 'preparing');
        await applier.apply(snapshot, desired.phases.before);
        // an autoscaler that is to go would undo the replicas that are sent next
        await applier.prune(snapshot, desired, [HORIZONTAL_POD_AUTOSCALER]);
        const watch = this.rolloutWatch(operation, lease, target, prior, spares);
        for (let attempt = 1; ; attempt++) {
          await this.step(lease, 'applying');
          const generations = await applier.apply(snapshot, desired.phases.workload);
          if (!rolls) break;
          await this.step(lease, 'waiting');
          await this.points.reach('waiting', operation.appId);
          const end = await this.slots.aside(() => this.waitFor(operation, target, generations, watch, attempt < TRIES));
          if (end.state === 'cut') return end;
          if (end.state === 'failed') return { state: 'failed', failure: failureOf(end.types) };
          // somebody else's write came between: an earlier owner's last call, or a hand's
          if (end.state === 'done' || attempt === TRIES) break;
        }
        await this.points.reach('came-up', operation.appId);
        await this.step(lease, 'routing');
        routing = true;
        await applier.apply(snapshot, desired.phases.after);
        await applier.prune(snapshot, desired);
        return { state: 'done' };
      });
    } catch (error) {
      if (error instanceof Refused) return { state: 'failed', failure: refusal(error, snapshot, routing) };
      if (error instanceof MissingPermission) {
        this.logger.error(`Keelson may not do this in the cluster; grant it the right: ${error.message}`);
        const cause: Cause = { class: 'permission', message: 'Server Error', object: null, since: new Date().toISOString() };
        return { state: 'failed', failure: { cause, status: 500, types: new Map(), foreign: false, routing } };
      }
      // the namespace went while things were sent to it: the next try makes it anew
      if (error instanceof ObjectNotFound) throw new OutOfReach(error.message);
      throw error;
    }
  }

  private rolloutWatch(
    { cause, started }: Operation,
    lease: Lease,
    { app, snapshot }: Target,
    prior: PriorFailure | null,
    spares: boolean,
  ): RolloutWatch {
    const { values } = snapshot.release.config;
    return new RolloutWatch(this.cluster, this.cache, snapshot, {
      lease,
      begun: started,
      spares,
      shown: prior ? null : (cause?.message ?? null),
      timeout: Number(values.DRYCC_DEPLOY_TIMEOUT ?? this.settings.deployTimeout),
      show: async (trouble) => {
        lease.check();
        if (!prior) await this.queue.show(lease, trouble && causeOf(trouble, snapshot));
        if (trouble) await this.appLog.write(this.dataSource.manager, app.uuid, mask(trouble.message, values));
      },
    });
  }

  private async waitFor(
    operation: Operation,
    { open, snapshot, desired }: Target,
    generations: Map<string, number>,
    watch: RolloutWatch,
    resends: boolean,
  ): Promise<RolloutEnd> {
    const watched: Watched[] = desired.phases.workload
      .flat()
      .filter(({ kind }) => kind === DEPLOYMENT.kind)
      .map((manifest) => ({
        manifest,
        // the label is cut where the type is long
        type: snapshot.processes.find(({ type }) => deploymentName(snapshot.id, type) === manifest.metadata.name)?.type ?? '',
        generation: generations.get(nameOf(manifest)) ?? 0,
      }));
    if (watched.length === 0) return { state: 'done' };
    this.pinged.set(operation.appUuid, true);
    let pending: Operation | null = null;
    const waiting = async (): Promise<Operation | null> => {
      if (this.pinged.get(operation.appUuid)) {
        this.pinged.set(operation.appUuid, false);
        pending = await this.queue.pendingOf(operation.appUuid);
      }
      return pending;
    };
    const cut = async (stalled: boolean): Promise<boolean> => {
      const next = await waiting();
      if (!next) return false;
      if (next.kind === 'destroy') return true;
      return !operation.afterCut && (next.cuts || (stalled && open));
    };
    try {
      const end = await watch.wait(watched, cut, resends);
      // who scales down is answered when the pods are gone; a deploy doesn't wait for old ones
      if (end.state === 'done' && operation.kind === 'scale') await watch.drained(async () => (await waiting()) !== null);
      return end;
    } finally {
      this.pinged.delete(operation.appUuid);
    }
  }

  private async step(lease: Lease, step: string): Promise<void> {
    await this.dataSource.transaction((manager) => this.queue.step(manager, lease, step));
  }

  private async lockedApp(manager: EntityManager, uuid: string): Promise<App | null> {
    const app = await manager.findOne(App, { where: { uuid }, lock: { mode: 'pessimistic_write' } });
    return app && manager.findOneOrFail(App, { where: { uuid }, relations: { owner: true } });
  }
}
