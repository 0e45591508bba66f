import { Injectable, Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { App } from '../apps/app.entity.ts';
import { Cluster } from '../kubernetes/cluster.ts';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { APP_UUID, INSTALLATION } from '../kubernetes/labels.ts';
import { DEPLOYMENT, NAMESPACE } from '../kubernetes/object-kind.ts';
import { MissingPermission, Refused } from '../kubernetes/cluster-errors.ts';
import type { Cause } from './cause.ts';
import { FaultPoints } from './fault-points.ts';
import type { Lease } from './lease.ts';
import { Notifications } from './notifications.ts';
import { OperationQueue } from './operation-queue.ts';
import { WHOLE_APP, type Operation } from './operation.entity.ts';
import { withPermission } from './permission-grace.ts';
import { SnapshotReader } from './snapshot-reader.ts';
import { Wakeup } from './wakeup.ts';

/** How long a destroy waits for the pods to end by themselves, in milliseconds. */
const PODS_GONE = 15_000;
/** How long a destroy waits for the namespace to be gone, in milliseconds; after that it goes by itself. */
const NAMESPACE_GONE = 30_000;
const TICK = 1_000;

/** Takes an app away: its namespace with everything inside, then its rows. */
@Injectable()
export class AppDestroyer {
  private readonly logger = new Logger(AppDestroyer.name);

  constructor(
    private readonly dataSource: DataSource,
    private readonly cluster: Cluster,
    private readonly cache: ClusterCache,
    private readonly queue: OperationQueue,
    private readonly snapshots: SnapshotReader,
    private readonly points: FaultPoints,
  ) {}

  /** The app stays, marked, when the API server refuses: a repeated destroy tries again. */
  async destroy(operation: Operation, lease: Lease): Promise<void> {
    try {
      await withPermission(lease, () => this.takeAway(operation, lease));
    } catch (error) {
      if (!(error instanceof Refused || error instanceof MissingPermission)) throw error;
      this.logger.error(`the namespace ${operation.appId} cannot be deleted: ${error.message}`);
      const message = `Could not delete Kubernetes Namespace ${operation.appId} within 30 seconds`;
      const cause: Cause = {
        class: error instanceof Refused ? 'refused' : 'permission',
        message: error instanceof Refused ? error.message : message,
        object: `Namespace/${operation.appId}`,
        since: new Date().toISOString(),
      };
      await this.dataSource.transaction((manager) =>
        this.queue.finish(manager, lease, { state: 'failed', cause, outcome: { [WHOLE_APP]: { status: 503, message } } }),
      );
    }
  }

  private async takeAway(operation: Operation, lease: Lease): Promise<void> {
    const { appId, appUuid } = operation;
    lease.check();
    const namespace = await this.cluster.get(NAMESPACE, undefined, appId);
    const installation = await this.snapshots.installationId(this.dataSource.manager);
    const ours = namespace?.metadata.annotations?.[APP_UUID] === appUuid && namespace.metadata.labels?.[INSTALLATION] === installation;
    if (namespace && ours) {
      await this.endPods(appId, lease);
      await this.points.reach('pods-ended', appId);
      if (namespace.metadata.deletionTimestamp === undefined) {
        lease.check();
        await this.points.reach('removing', appId, `${NAMESPACE.kind}/${appId}`);
        await this.cluster.remove(NAMESPACE, undefined, appId, namespace.metadata.uid ?? '');
      }
      if (!(await this.gone(appId, namespace.metadata.uid ?? '', lease))) {
        this.logger.warn(`the namespace ${appId} is still terminating; its name can be used again when it is gone`);
      }
    }
    await this.points.reach('namespace-gone', appId);
    await this.dataSource.transaction(async (manager) => {
      await manager.findOne(App, { where: { uuid: appUuid }, lock: { mode: 'pessimistic_write' } });
      await manager.delete(App, { uuid: appUuid });
      await Notifications.send(manager, 'app_gone', appUuid);
      await this.queue.finish(manager, lease, { state: 'succeeded' });
    });
  }

  /**
   * Ends the app's pods before the namespace. Kubernetes would do it with the namespace, but then looks only after the longest
   * grace period whether they are gone.
   */
  private async endPods(appId: string, lease: Lease): Promise<void> {
    for (const { metadata } of this.cache.objectsOf(DEPLOYMENT.kind, appId)) {
      lease.check();
      await this.cluster.remove(DEPLOYMENT, appId, metadata.name, metadata.uid ?? '');
    }
    await this.until(appId, lease, PODS_GONE, () => this.cache.podsOf(appId).every(({ owner }) => owner === null));
  }

  private async gone(name: string, uid: string, lease: Lease): Promise<boolean> {
    return this.until(name, lease, NAMESPACE_GONE, () => this.cache.fresh() && this.cache.namespace(name)?.uid !== uid);
  }

  /** Waits on the watch cache. @returns whether it came true in time */
  private async until(namespace: string, lease: Lease, milliseconds: number, holds: () => boolean): Promise<boolean> {
    const deadline = performance.now() + milliseconds;
    const changed = new Wakeup();
    const unsubscribe = this.cache.onChange(namespace, () => {
      changed.signal();
    });
    try {
      while (performance.now() < deadline) {
        lease.check();
        if (holds()) return true;
        await changed.within(TICK);
      }
      return false;
    } finally {
      unsubscribe();
    }
  }
}
