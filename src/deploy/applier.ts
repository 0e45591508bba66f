import type { Cluster } from '../kubernetes/cluster.ts';
import type { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { ObjectConflict, Refused } from '../kubernetes/cluster-errors.ts';
import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { APP_UUID, INSTALLATION, KEELSON, MANAGED_BY } from '../kubernetes/labels.ts';
import { NAMESPACE, ROLE_BINDING, SECRET, type ObjectKind } from '../kubernetes/object-kind.ts';
import { withLiveReplicas } from './autoscaled.ts';
import { nameOf, type DesiredState } from './desired-state.ts';
import { differs } from './differs.ts';
import type { FaultPoints } from './fault-points.ts';
import type { Lease } from './lease.ts';
import { drifted, isOutdated } from './outdated.ts';
import type { AppSnapshot } from './snapshot.ts';
import { secretsInUse, unwanted } from './unwanted.ts';

/** How many objects are sent at a time. */
const PARALLEL = 5;
/** How often an object that changed under our hands is read again. */
const TRIES = 5;

/** A namespace of the app's name that this Keelson didn't make for it. */
export class ForeignNamespace extends Refused {
  constructor(name: string) {
    super(`${name} already exists as a namespace in this kuberenetes setup`, 'AlreadyExists');
  }
}

/** Sends what differs and takes away what is no longer wanted, one lease long. */
export class Applier {
  constructor(
    private readonly cluster: Cluster,
    private readonly cache: ClusterCache,
    private readonly kinds: readonly ObjectKind[],
    private readonly lease: Lease,
    /** Whether to send also what no watch shows (secrets, quotas) and so may be right already. */
    private unwatched: boolean,
    private readonly points: FaultPoints,
    /** Whether pods stay as they are where nobody but a newer Keelson, or other settings, would have them otherwise. */
    private readonly spares: boolean,
  ) {}

  /**
   * Applies groups of objects, one group after the other, the objects of a group side by side.
   * @returns the generation that each object that was sent has now, by `Kind/name`
   */
  async apply(app: AppSnapshot, groups: KubernetesObject[][]): Promise<Map<string, number>> {
    const generations = new Map<string, number>();
    for (const group of groups) {
      const send = group.filter((object) => this.unwatched || object.kind === NAMESPACE.kind || this.cache.holds(object.kind));
      for (let start = 0; start < send.length; start += PARALLEL) {
        await allOf(
          send.slice(start, start + PARALLEL).map(async (object) => {
            const applied = await this.applyOne(app, object);
            if (applied) generations.set(nameOf(object), applied.metadata.generation ?? 0);
          }),
        );
      }
    }
    return generations;
  }

  private async applyOne(app: AppSnapshot, object: KubernetesObject): Promise<KubernetesObject | null> {
    if (object.kind === NAMESPACE.kind) return this.applyNamespace(app, object);
    // a cache that has been left behind says nothing of what others, or we ourselves, have sent meanwhile
    const known = !this.cache.holds(object.kind) || this.cache.fresh();
    const shown = known ? this.cache.object(object.kind, app.id, object.metadata.name) : undefined;
    // what a hand took our labels from is not in the cache, and still there
    let read = !shown && this.cache.holds(object.kind);
    let live = read ? ((await this.read(object, app.id)) ?? undefined) : shown;
    let replaced = false;
    for (let attempt = 1; ; attempt++) {
      const wanted = unpaused(withLiveReplicas(app, object, live), live);
      if (live && (this.spares ? drifted(wanted, live, read).length === 0 : !differs(wanted, live))) return read ? live : null;
      if (live && !read && this.spares && isOutdated(wanted, live)) {
        // whose the fields are that aren't Keelson's is only known to the API server
        live = (await this.read(object, app.id)) ?? undefined;
        read = true;
        continue;
      }
      this.lease.check();
      await this.points.reach('sending', app.id, nameOf(object));
      try {
        const applied = await this.cluster.apply(conditional(wanted, live));
        this.cache.saw(applied);
        await this.points.reach('applied', app.id, nameOf(object));
        return applied;
      } catch (error) {
        if (isFixed(object, error) && attempt < TRIES) {
          await this.takeAway(app, object);
        } else if (error instanceof ObjectConflict && attempt < TRIES) {
          live = (await this.read(object, app.id)) ?? undefined;
          read = true;
        } else if (invalid(error) && !replaced) {
          // apply merges with what is there, and can't always: a patch puts its lists in place of those
          replaced = true;
          read = true;
          live ??= (await this.read(object, app.id)) ?? undefined;
          if (!live) throw error;
          this.lease.check();
          live = await this.cluster.patch(conditional(wanted, live));
          this.cache.saw(live);
        } else throw error instanceof ObjectConflict ? new Refused(error.message, 'Conflict') : error;
      }
    }
  }

  /** The namespace is the app's only if it says so: another one of that name is never touched. */
  private async applyNamespace(app: AppSnapshot, object: KubernetesObject): Promise<KubernetesObject | null> {
    const known = this.cache.namespace(app.id);
    const ours = known?.app === app.uuid && known.labels[INSTALLATION] === app.installation && !known.terminating;
    if (ours && this.cache.fresh() && !differs(object, known.object)) return null;
    for (let attempt = 1; ; attempt++) {
      this.lease.check();
      const live = await this.cluster.get(NAMESPACE, undefined, app.id);
      if (live) {
        const { annotations, labels, deletionTimestamp } = live.metadata;
        const foreign = annotations?.[APP_UUID] !== app.uuid || labels?.[INSTALLATION] !== app.installation;
        if (foreign || deletionTimestamp !== undefined) throw new ForeignNamespace(app.id);
        if (!differs(object, live)) return null;
      }
      // whatever was in it went with the old one
      if (!live) this.unwatched = true;
      this.lease.check();
      await this.points.reach('sending', app.id, nameOf(object));
      try {
        const applied = await this.cluster.apply(conditional(object, live ?? undefined));
        await this.points.reach('applied', app.id, nameOf(object));
        return applied;
      } catch (error) {
        if (!(error instanceof ObjectConflict)) throw error;
        if (attempt === TRIES) throw new Refused(error.message, 'Conflict');
      }
    }
  }

  /** An immutable secret with other contents under our name, or a binding of another role, can only be made anew. */
  private async takeAway(app: AppSnapshot, object: KubernetesObject): Promise<void> {
    const live = await this.read(object, app.id);
    if (!live?.metadata.uid) return;
    this.lease.check();
    await this.cluster.remove(this.kindOf(object), app.id, object.metadata.name, live.metadata.uid);
  }

  private async read(object: KubernetesObject, namespace: string): Promise<KubernetesObject | null> {
    const kind = this.kindOf(object);
    this.lease.check();
    return this.cluster.get(kind, namespace, object.metadata.name);
  }

  private kindOf({ apiVersion, kind }: KubernetesObject): ObjectKind {
    const declared = this.kinds.find((candidate) => candidate.kind === kind && candidate.apiVersion === apiVersion);
    if (!declared) throw new Error(`no manifest source declares the kind ${kind} of ${apiVersion}`);
    return declared;
  }

  /**
   * Deletes what carries our labels and isn't wanted any more: declared kinds only, nothing that another object owns, and secrets
   * only while no pod or ReplicaSet names them.
   * @param only these of the kinds
   */
  async prune(app: AppSnapshot, desired: DesiredState, only: readonly ObjectKind[] = this.kinds): Promise<void> {
    const namespace = this.cache.namespace(app.id);
    if (namespace?.app !== app.uuid) return;
    for (const object of this.unwatched ? desired.absent : []) {
      if (only.includes(this.kindOf(object))) await this.removeAbsent(app, object);
    }
    for (const kind of this.kinds) {
      if (!kind.namespaced || !only.includes(kind)) continue;
      let live: KubernetesObject[];
      if (this.cache.holds(kind.kind)) live = this.cache.objectsOf(kind.kind, app.id);
      else if (this.unwatched && kind.kind === SECRET.kind) live = await this.listSecrets(app);
      else continue;
      const named = kind.kind === SECRET.kind ? secretsInUse(this.cache, app.id) : new Set<string>();
      for (const { metadata } of unwanted(app, desired, live, named)) {
        this.lease.check();
        await this.points.reach('removing', app.id, `${kind.kind}/${metadata.name}`);
        await this.cluster.remove(kind, app.id, metadata.name, metadata.uid ?? '');
      }
    }
  }

  private async removeAbsent(app: AppSnapshot, object: KubernetesObject): Promise<void> {
    const live = await this.read(object, app.id);
    if (live?.metadata.labels?.[INSTALLATION] !== app.installation) return;
    this.lease.check();
    await this.cluster.remove(this.kindOf(object), app.id, live.metadata.name, live.metadata.uid ?? '');
  }

  private async listSecrets(app: AppSnapshot): Promise<KubernetesObject[]> {
    this.lease.check();
    return this.cluster.list(SECRET, app.id, `${MANAGED_BY}=${KEELSON},${INSTALLATION}=${app.installation}`);
  }
}

/** Applied only to the very object that was read, if there was one. */
function conditional(object: KubernetesObject, live: KubernetesObject | undefined): KubernetesObject {
  return live?.metadata.uid ? { ...object, metadata: { ...object.metadata, uid: live.metadata.uid } } : object;
}

/** A Deployment that somebody paused has to go on. */
function unpaused(object: KubernetesObject, live: KubernetesObject | undefined): KubernetesObject {
  const paused = (live?.spec as { paused?: boolean } | undefined)?.paused === true;
  return paused ? { ...object, spec: { ...(object.spec as object), paused: false } } : object;
}

const invalid = (error: unknown): boolean => error instanceof Refused && error.reason === 'Invalid';

/** Whether what is there can't be changed into the object. */
function isFixed({ kind }: KubernetesObject, error: unknown): boolean {
  if (!(error instanceof Refused)) return false;
  return (kind === SECRET.kind && error.message.includes('immutable')) || (kind === ROLE_BINDING.kind && error.message.includes('roleRef'));
}

/** Waits for all of them, also when one fails, so that none is still on its way when the failure is dealt with. */
async function allOf(work: Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
