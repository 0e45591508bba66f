import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { App } from '../apps/app.entity.ts';
import { StructureLedger } from '../apps/structure-ledger.ts';
import { withLiveReplicas } from '../deploy/autoscaled.ts';
import { desiredState, type DesiredState } from '../deploy/desired-state.ts';
import { differences, type Difference } from '../deploy/differs.ts';
import { valueAt } from '../deploy/field-path.ts';
import { MANIFEST_SOURCES, ManifestSource } from '../deploy/manifest-source.ts';
import { OperationQueue } from '../deploy/operation-queue.ts';
import { SnapshotReader } from '../deploy/snapshot-reader.ts';
import type { AppSnapshot } from '../deploy/snapshot.ts';
import { drifted } from '../deploy/outdated.ts';
import { secretsInUse, unwanted } from '../deploy/unwanted.ts';
import { Cluster } from '../kubernetes/cluster.ts';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { lacksSecrets, ObjectConflict, ObjectNotFound, OutOfReach, Refused } from '../kubernetes/cluster-errors.ts';
import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { APP_UUID, INSTALLATION, KEELSON, MANAGED_BY } from '../kubernetes/labels.ts';
import { releaseOfEnvSecret } from '../kubernetes/names.ts';
import { NAMESPACE, ROLE_BINDING, SECRET, type ObjectKind } from '../kubernetes/object-kind.ts';
import { ReleaseLedger } from '../releases/release-ledger.ts';
import { driftObject, missingObject, wrongObject, type DriftObject } from './drift-report.ts';

/** Objects that are read at a time. */
const PARALLEL = 5;
/** How often an object that changes while it is looked at is read again. */
const TRIES = 3;

/** What an app shall be like in the cluster, while no operation changes that. */
export interface Wanted {
  app: App;
  snapshot: AppSnapshot;
  desired: DesiredState;
  /** All that shall be there, the namespace first. */
  objects: KubernetesObject[];
  /** When that was read, by the database's clock. */
  read: string;
}

export interface Findings {
  /** None: all is as wanted. */
  objects: DriftObject[];
  /** Whether an operation could set it right: not while the namespace is somebody else's, or on its way out. */
  healable: boolean;
}

/** Compares what an app shall be like in the cluster with what is there. */
@Injectable()
export class DriftDetector {
  private readonly kinds: readonly ObjectKind[];

  constructor(
    private readonly dataSource: DataSource,
    private readonly cluster: Cluster,
    private readonly cache: ClusterCache,
    private readonly queue: OperationQueue,
    private readonly releases: ReleaseLedger,
    private readonly structure: StructureLedger,
    private readonly snapshots: SnapshotReader,
    @Inject(MANIFEST_SOURCES) private readonly sources: readonly ManifestSource[],
  ) {
    this.kinds = [...new Map(sources.flatMap(({ kinds }) => kinds).map((kind) => [kind.kind, kind])).values()];
  }

  /** @param app with its owner. Null: an operation is open, so what is there may not be what shall be, or is about to be something else */
  async wanted(app: App): Promise<Wanted | null> {
    const { manager } = this.dataSource;
    const [{ read }] = await manager.query<[{ read: string }]>('SELECT now()::text AS read');
    if (await this.queue.openOf(app.uuid, manager)) return null;
    const release = await this.releases.head(manager, app.uuid);
    if (release?.state !== 'succeeded') return null;
    const rows = await this.structure.rows(manager, app.uuid);
    const snapshot = await this.snapshots.read(manager, app, release, rows, {});
    const desired = desiredState(snapshot, this.sources);
    const objects = [...desired.phases.before, ...desired.phases.workload, ...desired.phases.after].flat();
    return { app, snapshot, desired, objects, read };
  }

  /** Whether nothing was asked for since, and nothing set right: what another replica had healed isn't as it was found any more. */
  async stillWanted({ app, read }: Wanted, manager: EntityManager): Promise<boolean> {
    const rows = await manager.query<{ generation: string }[]>(
      `SELECT generation FROM apps WHERE uuid = $1 AND destroying IS NULL
         AND NOT EXISTS (SELECT 1 FROM operations WHERE app_uuid = $1 AND (finished IS NULL OR finished > $2))`,
      [app.uuid, read],
    );
    return rows.some(({ generation }) => Number(generation) === app.generation);
  }

  /** Whether the cache shows something that isn't as wanted. No call to the cluster. */
  suspects({ snapshot, desired, objects }: Wanted): boolean {
    return objects.some((object) => this.shown(snapshot, object) === 'no') || this.unwantedShown(snapshot, desired).length > 0;
  }

  /**
   * All that isn't as wanted, each confirmed by the API server: read, and applied without effect. What the cache shows as it should be isn't
   * asked for.
   * @throws OutOfReach and MissingPermission, as Cluster does
   */
  async find(wanted: Wanted): Promise<Findings> {
    const { snapshot, desired, objects } = wanted;
    const namespaces = objects.filter(({ kind }) => kind === NAMESPACE.kind);
    for (const object of namespaces) {
      if (this.shown(snapshot, object) === 'yes') continue;
      const live = await this.cluster.get(NAMESPACE, undefined, object.metadata.name);
      if (!live) return { objects: objects.map(missingObject), healable: true };
      if (live.metadata.deletionTimestamp) return { objects: [wrongObject(live, 'deletionTimestamp')], healable: false };
      const { labels, annotations } = live.metadata;
      if (annotations?.[APP_UUID] !== snapshot.uuid || labels?.[INSTALLATION] !== snapshot.installation) {
        return { objects: [driftObject(live, differences(object, live), {})], healable: false };
      }
    }
    const suspects = objects.filter((object) => this.shown(snapshot, object) !== 'yes');
    const isSecret = ({ kind }: KubernetesObject): boolean => kind === SECRET.kind;
    const others = await inTurn(
      suspects.filter((object) => !isSecret(object)),
      (object) => this.examine(snapshot, object),
    );
    const secrets = await this.secrets(snapshot, suspects.filter(isSecret)).catch(async (error: unknown) => {
      if (!lacksSecrets(error)) throw error;
      // the right goes with a RoleBinding, maybe before the cache shows that
      const known = new Set(others.map((object) => object?.name));
      const bindings = objects.filter(({ kind, metadata }) => kind === ROLE_BINDING.kind && !known.has(metadata.name));
      others.push(...(await inTurn(bindings, (object) => this.examine(snapshot, object))));
      if (!others.some((object) => object?.kind === ROLE_BINDING.kind)) throw error;
      return null;
    });
    const inUse = secretsInUse(this.cache, snapshot.id);
    const readable = desired.absent.filter((object) => secrets !== null || !isSecret(object));
    const absent = await inTurn(readable, async (object) => {
      const live = await this.read(object, snapshot.id);
      return live?.metadata.labels?.[INSTALLATION] === snapshot.installation ? wrongObject(live, 'name') : null;
    });
    const strangers = await inTurn(this.unwantedShown(snapshot, desired), async (object) => {
      const live = await this.read(object, snapshot.id);
      return live && unwanted(snapshot, desired, [live], new Set()).length > 0 ? wrongObject(live, 'name') : null;
    });
    const leftSecrets = unwanted(snapshot, desired, [...(secrets?.live.values() ?? [])], inUse)
      .filter((secret) => !isOfEarlierRelease(snapshot, secret))
      .map((live) => wrongObject(live, 'name'));
    const wrong = [...others, ...(secrets?.wrong ?? []), ...absent, ...strangers, ...leftSecrets].filter((object) => object !== null);
    // what is on its way out is made anew when it is gone
    return { objects: wrong, healable: !wrong.some(({ fields }) => fields.some(({ path }) => path === 'metadata.deletionTimestamp')) };
  }

  /** Whether the object is there as wanted, as far as the cache can tell. */
  private shown(snapshot: AppSnapshot, object: KubernetesObject): 'yes' | 'no' | 'unknown' {
    const { kind, metadata } = object;
    if (kind !== NAMESPACE.kind && !this.cache.holds(kind)) return 'unknown';
    const namespace = kind === NAMESPACE.kind ? this.cache.namespace(metadata.name) : undefined;
    const live = kind === NAMESPACE.kind ? namespace?.object : this.cache.object(kind, snapshot.id, metadata.name);
    if (!live || namespace?.terminating || drifted(withLiveReplicas(snapshot, object, live), live, false).length > 0) return 'no';
    return this.cache.fresh() ? 'yes' : 'unknown';
  }

  private unwantedShown(snapshot: AppSnapshot, desired: DesiredState): KubernetesObject[] {
    if (this.cache.namespace(snapshot.id)?.app !== snapshot.uuid) return [];
    const live = this.kinds.flatMap(({ kind }) => this.cache.objectsOf(kind, snapshot.id));
    return unwanted(snapshot, desired, live, new Set());
  }

  /** All of an app's Secrets, by name, for one call, and what is wrong with those that it shall have. One that lost its labels is read by itself. */
  private async secrets(
    snapshot: AppSnapshot,
    wanted: readonly KubernetesObject[],
  ): Promise<{ live: Map<string, KubernetesObject>; wrong: (DriftObject | null)[] }> {
    const { id, installation } = snapshot;
    const secrets = await this.cluster.list(SECRET, id, `${MANAGED_BY}=${KEELSON},${INSTALLATION}=${installation}`);
    const live = new Map(secrets.map((secret) => [secret.metadata.name, secret]));
    return { live, wrong: await inTurn(wanted, (object) => this.examine(snapshot, object, live.get(object.metadata.name))) };
  }

  /** @param known the live object, if it was read already */
  private async examine(snapshot: AppSnapshot, object: KubernetesObject, known?: KubernetesObject): Promise<DriftObject | null> {
    let live = known ?? (await this.read(object, snapshot.id));
    for (let attempt = 1; ; attempt++) {
      if (!live) return missingObject(object);
      if (live.metadata.deletionTimestamp) return wrongObject(live, 'deletionTimestamp');
      const wanted = withLiveReplicas(snapshot, object, live);
      const found = drifted(wanted, live, true);
      if (found.length === 0) return null;
      try {
        const confirmed = await this.confirmed(wanted, live, found);
        return confirmed.length > 0 ? driftObject(live, confirmed, snapshot.release.config.values) : null;
      } catch (error) {
        if (!(error instanceof ObjectConflict || error instanceof ObjectNotFound)) throw error;
        if (attempt === TRIES) throw new OutOfReach(`${object.kind} ${object.metadata.name} is made anew all the time`);
        live = await this.read(object, snapshot.id);
      }
    }
  }

  /** Those of the differences that an apply would change: not the same value in the server's own spelling. */
  private async confirmed(wanted: KubernetesObject, live: KubernetesObject, found: Difference[]): Promise<Difference[]> {
    // not bound to the version that was read: each change of the status makes another
    const metadata = { ...wanted.metadata, uid: live.metadata.uid, resourceVersion: undefined };
    try {
      const after = await this.cluster.apply({ ...wanted, metadata }, { dryRun: true });
      const left = new Set(differences(wanted, after).map(({ path }) => path));
      return found.filter(({ path, steps }) => !left.has(path) || !same(valueAt(after, steps), valueAt(live, steps)));
    } catch (error) {
      // what is there can't be made what is wanted by an apply: then it isn't what is wanted
      if (error instanceof Refused) return found;
      throw error;
    }
  }

  private async read({ apiVersion, kind, metadata }: KubernetesObject, namespace: string): Promise<KubernetesObject | null> {
    const declared = this.kinds.find((candidate) => candidate.kind === kind && candidate.apiVersion === apiVersion);
    if (!declared) throw new Error(`no manifest source declares the kind ${kind} of ${apiVersion}`);
    return this.cluster.get(declared, declared.namespaced ? namespace : undefined, metadata.name);
  }
}

/**
 * Whether a Secret is the environment of a release that was deployed before. Once a roll-out is complete, the Deployment controller throws
 * away ReplicaSets beyond the history; those Secrets were in use when that roll-out's were pruned, and go with the next one.
 */
function isOfEarlierRelease({ id, release }: AppSnapshot, { metadata }: KubernetesObject): boolean {
  const version = releaseOfEnvSecret(id, metadata.name);
  return version !== null && version < release.version;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Some at a time, in their order. */
async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += PARALLEL) {
    results.push(...(await Promise.all(items.slice(start, start + PARALLEL).map(work))));
  }
  return results;
}
