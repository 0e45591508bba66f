import { Injectable, Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { App } from '../apps/app.entity.ts';
import { assertMayRunTypes, type AppAccess } from '../apps/app.rights.ts';
import { StructureLedger } from '../apps/structure-ledger.ts';
import { Changes } from '../deploy/changes.ts';
import { Submissions } from '../deploy/submissions.ts';
import { Conflict, Unavailable } from '../http/errors.ts';
import { Submitted } from '../http/submitted.ts';
import { Cluster } from '../kubernetes/cluster.ts';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { OutOfReach, Refused } from '../kubernetes/cluster-errors.ts';
import { deploymentName } from '../kubernetes/names.ts';
import { DEPLOYMENT, POD } from '../kubernetes/object-kind.ts';
import { AppLog } from '../logs/app-log.ts';
import type { User } from '../users/user.entity.ts';
import { waitFor } from './cache-wait.ts';
import { KNOWN_TYPES } from './known-types.ts';
import { podList, type Pod, type Selection } from './pod-list.ts';
import { PodReader } from './pod-reader.ts';

/** How long the restart of one pod waits for its successor, in milliseconds. */
const SUCCESSOR = 300_000;

/** What an app's structure says of a process type; null: there is no row of it yet. */
interface KnownType {
  type: string;
  count: number | null;
  stopped: boolean | null;
}

/** Pods, with the counts that their types shall have. */
export interface Pods {
  pods: Pod[];
  /** By process type, as far as the structure has it. */
  replicas: ReadonlyMap<string, number>;
  /** Those of the selected process types in the structure that have no pod, sorted. */
  without: string[];
}

/** What is known of a pod that is to go. */
type NamedPod = Pick<Pod, 'name' | 'type' | 'uid'>;

const NONE: Pods = { pods: [], replicas: new Map(), without: [] };

/** What somebody names: process type or pod, type and pod, or nothing: everything. */
export interface Asked {
  typeOrName?: string;
  type?: string;
  name?: string;
}

/** Lists and restarts the pods of apps. */
@Injectable()
export class PodsService {
  private readonly logger = new Logger(PodsService.name);

  constructor(
    private readonly dataSource: DataSource,
    private readonly changes: Changes,
    private readonly submissions: Submissions,
    private readonly structure: StructureLedger,
    private readonly reader: PodReader,
    private readonly cluster: Cluster,
    private readonly cache: ClusterCache,
    private readonly appLog: AppLog,
  ) {}

  /** What is asked for and shown, newest first. One SELECT, and no call to the cluster while the cache is good. */
  async list(app: App, asked: Asked): Promise<Pods> {
    const types = await this.types(app.uuid);
    return this.shown(app, types, selectionOf(asked, types));
  }

  /**
   * Restarts what is asked for: all processes and those of a type pod after pod, a pod that is named by itself. What doesn't come up again
   * is logged and shows in the answer, the pods as they are then.
   * @throws Forbidden for process types that are not the user's
   */
  async restart(access: AppAccess, user: User, asked: Asked): Promise<Submitted<Pods>> {
    const types = await this.types(access.app.uuid);
    const selection = selectionOf(asked, types);
    return selection.name === undefined
      ? this.restartTypes(access, user, types, selection)
      : this.restartPod(access, user, types, selection);
  }

  private async restartTypes(access: AppAccess, user: User, types: KnownType[], selection: Selection): Promise<Submitted<Pods>> {
    const { app } = access;
    const running = types
      .filter(({ type, count, stopped }) => (selection.type ?? type) === type && (count ?? 0) > 0 && !stopped)
      .map(({ type }) => type)
      .sort();
    assertMayRunTypes(user, access, selection.type === undefined ? running : [selection.type]);
    const { operation } = await this.changes.commit(app.uuid, async ({ manager, generation }) => {
      if (running.length === 0) return { value: null, cluster: null };
      await this.structure.restart(manager, app.uuid, running, generation);
      return { value: null, cluster: { kind: 'restart' }, audit: { after: { types: running } } };
    });
    if (operation === null) return this.submissions.of(null, () => NONE);
    const submitted = this.submissions.of(operation, (settled) => Promise.resolve(settled?.cause?.message ?? null));
    const settle = async (): Promise<Pods> => {
      const trouble = await submitted.settle().catch((error: unknown) => {
        if (error instanceof Unavailable) return error.message;
        throw error;
      });
      if (trouble !== null) this.logger.warn(`app ${app.id}: some pods failed to start: ${trouble}`);
      return this.shown(await this.refreshed(app), types, selection);
    };
    return new Submitted(submitted.operation, settle, submitted.describe);
  }

  private async restartPod(access: AppAccess, user: User, types: KnownType[], selection: Selection): Promise<Submitted<Pods>> {
    const { app } = access;
    const { pods } = await this.shown(app, types, selection);
    assertMayRunTypes(
      user,
      access,
      pods.map(({ type }) => type),
    );
    const [found] = pods;
    const gone = found && { name: found.name, type: found.type, uid: found.uid };
    const siblings = gone ? (await this.shown(app, types, { type: gone.type })).pods : [];
    // first, so that no pod goes without a row
    const { value, operation } = await this.changes.commit(app.uuid, () =>
      Promise.resolve({
        value: { pod: gone ?? null, before: siblings.map(({ uid }) => uid) },
        // what can be watched by who doesn't wait: it ends when the type has its pods again
        cluster: gone ? { kind: 'restart' } : null,
        audit: { after: gone ? { pods: [gone.name] } : null },
      }),
    );
    const { pod } = value;
    const before = new Set(value.before);
    if (!pod) return this.submissions.of(null, () => NONE);
    await this.remove(app, pod);
    const { operation: ref, describe } = this.submissions.of(operation, () => NONE);
    const settle = async (): Promise<Pods> => {
      const back = await waitFor(this.cache, app.id, () => this.hasSuccessor(app, types, pod), SUCCESSOR);
      if (!back) await this.appLog.write(this.dataSource.manager, app.uuid, `warning, some pods failed to start: ${pod.type}`);
      const current = await this.shown(await this.seen(app), types, { type: pod.type });
      // by its uid, because pods that started within the same second have no order; without one, the newest that is left
      const others = current.pods.filter(({ uid }) => uid !== pod.uid);
      const successor = others.find(({ uid }) => !before.has(uid)) ?? others[0];
      return { ...current, pods: successor ? [successor] : [] };
    };
    return new Submitted(ref, settle, describe);
  }

  private async remove(app: App, pod: NamedPod): Promise<void> {
    try {
      await this.cluster.remove(POD, app.id, pod.name, pod.uid);
    } catch (error) {
      if (error instanceof OutOfReach) throw new Unavailable(`(restart): ${error.message}`, error.retryAfter);
      if (error instanceof Refused) throw new Unavailable(`(restart): ${error.message}`);
      throw error;
    }
  }

  /** Whether as many pods of its type are up as shall be, without the one that goes. */
  private hasSuccessor(app: App, types: KnownType[], gone: NamedPod): boolean {
    const context = { app: app.id, types: types.map(({ type }) => type), events: [], now: new Date() };
    const up = podList(this.cache.podsOf(app.id), context, { type: gone.type }).filter(
      ({ uid, state }) => uid !== gone.uid && state === 'up',
    );
    const { replicas = 0 } = (this.cache.object(DEPLOYMENT.kind, app.id, deploymentName(app.id, gone.type))?.spec ?? {}) as {
      replicas?: number;
    };
    return up.length >= replicas;
  }

  private async shown(app: Pick<App, 'id' | 'podResourceVersion'>, types: KnownType[], selection: Selection): Promise<Pods> {
    const pods = await this.reader.read(app);
    const context = { app: app.id, types: types.map(({ type }) => type), events: this.cache.eventsOf(app.id), now: new Date() };
    const replicas = new Map(types.flatMap(({ type, count }) => (count === null ? [] : [[type, count]])));
    const shown = podList(pods, context, selection);
    const without = [...replicas.keys()].filter((type) => isWithout(type, shown, selection)).sort();
    return { pods: shown, replicas, without };
  }

  /** Notes how far this process has seen the app's pods, so that no later read shows less. */
  private async seen(app: App): Promise<Pick<App, 'id' | 'podResourceVersion'>> {
    const version = this.cache.podVersionOf(app.id);
    if (version === null) return app;
    await this.dataSource.query('UPDATE apps SET pod_resource_version = $2 WHERE uuid = $1', [app.uuid, version]);
    return { id: app.id, podResourceVersion: version };
  }

  /** The app with the version that whoever carried out the operation has seen. */
  private async refreshed(app: App): Promise<Pick<App, 'id' | 'podResourceVersion'>> {
    const rows = await this.dataSource.query<{ version: string | null }[]>(
      'SELECT pod_resource_version AS version FROM apps WHERE uuid = $1',
      [app.uuid],
    );
    const [row] = rows;
    if (!row) throw new Conflict(`${app.id} is being destroyed`);
    return { id: app.id, podResourceVersion: row.version };
  }

  /** The process types that the app has. */
  private async types(appUuid: string): Promise<KnownType[]> {
    return this.dataSource.query<KnownType[]>(
      `SELECT known.type, p.count, p.stopped FROM (${KNOWN_TYPES}) AS known (type)
       LEFT JOIN process_types p ON p.app_uuid = $1 AND p.type = known.type`,
      [appUuid],
    );
  }
}

function isWithout(type: string, pods: readonly Pod[], selection: Selection): boolean {
  return selection.name === undefined && (selection.type ?? type) === type && !pods.some((pod) => pod.type === type);
}

/** One word is a process type if the app knows it, else the name of a pod. */
function selectionOf({ typeOrName, type, name }: Asked, types: KnownType[]): Selection {
  if (typeOrName === undefined) return { type, name };
  return types.some((known) => known.type === typeOrName) ? { type: typeOrName } : { name: typeOrName };
}
