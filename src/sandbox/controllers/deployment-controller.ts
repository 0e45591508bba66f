import { isDeepStrictEqual } from 'node:util';
import { ApiError } from '../api-error.ts';
import type { Change, Store } from '../store.ts';
import { condition, isComplete, millisecondsToDeadline, rolloutStatusOf, statusOf } from './deployment-status.ts';
import type { EventRecorder } from './event-recorder.ts';
import {
  controllerOf,
  hasEnded,
  isControlledBy,
  withCondition,
  type Deployment,
  type DeploymentCondition,
  type Pod,
  type ReplicaSet,
} from './objects.ts';
import {
  annotationsOf,
  newSetOf,
  replicaSetOf,
  revisionAfter,
  revisionAnnotation,
  revisionOf,
  sizeAnnotations,
  wasScaled,
} from './revisions.ts';
import { byAge, isRollingUpdate, replicasForNew, replicasOf, scaleDowns, spread, type Scaling } from './rolling-update.ts';
import { fromKey, keyOf, WorkQueue } from './work-queue.ts';

const source = { component: 'deployment-controller' };

/** The Deployment with its ReplicaSets: that of its template, and those of earlier ones. */
interface Rollout {
  deployment: Deployment;
  newSet?: ReplicaSet;
  old: ReplicaSet[];
}

const active = (sets: ReplicaSet[]): ReplicaSet[] => sets.filter((set) => replicasOf(set) > 0);

/** Brings each Deployment's template out through ReplicaSets, as its strategy says. */
export class DeploymentController {
  private readonly queue = new WorkQueue((key) => {
    this.reconcile(key);
  });
  private readonly unsubscribe: () => void;

  constructor(
    private readonly store: Store,
    private readonly events: EventRecorder,
  ) {
    this.unsubscribe = store.onChange((change) => {
      this.hear(change);
    });
    for (const { metadata } of store.list('deployments')) this.queue.add(keyOf(metadata));
  }

  stop(): void {
    this.unsubscribe();
    this.queue.stop();
  }

  private hear({ type, resource, object }: Change): void {
    const namespace = object.metadata.namespace;
    if (resource === 'deployments') this.queue.add(keyOf(object.metadata));
    const owner = controllerOf(object);
    if (resource === 'replicasets' && owner?.kind === 'Deployment') this.queue.add(keyOf({ namespace, name: owner.name }));
    // Recreate waits for the last of the old pods, which no ReplicaSet counts any more.
    if (resource === 'pods' && owner?.kind === 'ReplicaSet' && (type === 'DELETED' || hasEnded(object as unknown as Pod))) {
      const set = this.store.get('replicasets', namespace, owner.name);
      const above = set && controllerOf(set);
      if (above?.kind === 'Deployment') this.queue.add(keyOf({ namespace, name: above.name }));
    }
  }

  private reconcile(key: string): void {
    const { namespace, name } = fromKey(key);
    const deployment = this.store.get<Deployment>('deployments', namespace, name);
    if (!deployment) return;
    if (deployment.metadata.deletionTimestamp) {
      this.writeStatus(this.setsOf(deployment), statusOf);
      return;
    }
    const rollout = this.withRevision(this.setsOf(this.notePause(deployment)));
    if (deployment.spec.paused || wasScaled(deployment, this.allOf(rollout))) this.scaleOnly(rollout);
    else if (isRollingUpdate(deployment)) this.roll(rollout);
    else this.recreate(rollout);

    const left = this.store.get<Deployment>('deployments', namespace, name);
    const wait = left ? millisecondsToDeadline(left) : Infinity;
    if (wait < Infinity) this.queue.add(key, Math.max(wait, 0) + 1000);
  }

  private setsOf({ metadata: { namespace, name } }: Deployment): Rollout {
    const deployment = this.store.get<Deployment>('deployments', namespace, name);
    if (!deployment) throw new ApiError(404, 'NotFound', `deployments.apps "${name}" not found`);
    const sets = this.store.list<ReplicaSet>('replicasets', namespace).filter((set) => isControlledBy(set, deployment));
    const newSet = newSetOf(deployment, sets);
    return { deployment, newSet, old: sets.filter((set) => set !== newSet) };
  }

  private allOf({ newSet, old }: Rollout): ReplicaSet[] {
    return newSet ? [...old, newSet] : old;
  }

  private roll(start: Rollout): void {
    let rollout = start.newSet ? start : this.createNew(start);
    const { deployment, newSet, old } = rollout;
    if (!newSet) return;
    const wanted = replicasForNew(deployment, this.allOf(rollout), newSet);
    const scaling: Scaling = wanted === replicasOf(newSet) ? scaleDowns(deployment, newSet, old) : new Map([[newSet, wanted]]);
    rollout = this.scale(rollout, scaling);
    if (scaling.size === 0 && isComplete(deployment, statusOf(deployment, newSet, old))) this.cleanUp(rollout);
    this.writeStatus(rollout, rolloutStatusOf);
  }

  private recreate(start: Rollout): void {
    const running = active(start.old);
    let rollout = this.scale(start, new Map(running.map((set) => [set, 0])));
    const gone = running.length === 0 && !this.hasOldPods(rollout);
    if (gone) {
      if (!rollout.newSet) rollout = this.createNew(rollout);
      const { newSet, deployment } = rollout;
      if (newSet) rollout = this.scale(rollout, new Map([[newSet, replicasOf(deployment)]]));
      if (isComplete(deployment, statusOf(deployment, newSet, rollout.old))) this.cleanUp(rollout);
    }
    this.writeStatus(rollout, rolloutStatusOf);
  }

  private scaleOnly(start: Rollout): void {
    const { deployment, newSet, old } = start;
    const rollout = this.scale(start, spread(deployment, newSet, old), true);
    if (deployment.spec.paused) this.cleanUp(rollout);
    this.writeStatus(rollout, statusOf);
  }

  private hasOldPods({ deployment, old }: Rollout): boolean {
    const owners = new Set(old.map(({ metadata }) => metadata.uid));
    return this.store
      .list<Pod>('pods', deployment.metadata.namespace)
      .some((pod) => owners.has(controllerOf(pod)?.uid ?? '') && !hasEnded(pod));
  }

  /** Pausing and resuming stop and start the clock of progress. */
  private notePause(deployment: Deployment): Deployment {
    const present = deployment.status?.conditions?.find(({ type }) => type === 'Progressing');
    if (deployment.spec.progressDeadlineSeconds === undefined || present?.reason === 'ProgressDeadlineExceeded') return deployment;
    const noted = present?.reason === 'DeploymentPaused';
    if (deployment.spec.paused && !noted)
      return this.note(deployment, condition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused'));
    if (!deployment.spec.paused && noted)
      return this.note(deployment, condition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed'));
    return deployment;
  }

  /** The new ReplicaSet carries the newest revision, and the Deployment the same number; an older one that is wanted again gets a new number. */
  private withRevision(rollout: Rollout): Rollout {
    const { deployment, newSet, old } = rollout;
    if (!newSet) return rollout;
    const annotations = annotationsOf(deployment, revisionAfter(old), newSet);
    const minReadySeconds = deployment.spec.minReadySeconds === 0 ? undefined : deployment.spec.minReadySeconds;
    if (!isDeepStrictEqual(annotations, { ...newSet.metadata.annotations }) || newSet.spec.minReadySeconds !== minReadySeconds) {
      this.store.update('replicasets', {
        ...newSet,
        metadata: { ...newSet.metadata, annotations },
        spec: { ...newSet.spec, minReadySeconds },
      });
    }
    this.setRevision(deployment, Number(annotations[revisionAnnotation] ?? revisionOf(newSet)));
    if (
      deployment.spec.progressDeadlineSeconds !== undefined &&
      !deployment.status?.conditions?.some(({ type }) => type === 'Progressing')
    ) {
      this.note(deployment, condition('Progressing', 'True', 'FoundNewReplicaSet', `Found new replica set "${newSet.metadata.name}"`));
    }
    return this.setsOf(deployment);
  }

  private createNew({ deployment, old }: Rollout): Rollout {
    const revision = revisionAfter(old);
    const replicas = replicasForNew(deployment, old, undefined);
    const wanted = replicaSetOf(deployment, revision, replicas);
    try {
      this.store.create('replicasets', wanted);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const present =
        error.reason === 'AlreadyExists' &&
        this.store.get<ReplicaSet>('replicasets', deployment.metadata.namespace, wanted.metadata.name ?? '');
      if (present) {
        // Somebody else's ReplicaSet, or another template of the same hash: the next run takes another name.
        const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
        this.store.update('deployments', { ...deployment, status: { ...deployment.status, collisionCount } }, { subresource: 'status' });
      } else if (!error.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating')) {
        const message = `Failed to create new replica set "${wanted.metadata.name ?? ''}": ${error.message}`;
        this.note(deployment, condition('Progressing', 'False', 'ReplicaSetCreateError', message));
        this.events.record(source, deployment, { type: 'Warning', reason: 'ReplicaSetCreateError', message });
      }
      throw error;
    }
    if (replicas > 0) this.sayScaled(deployment, 'up', wanted.metadata.name ?? '', replicas);
    this.setRevision(deployment, revision);
    this.note(
      deployment,
      condition('Progressing', 'True', 'NewReplicaSetCreated', `Created new replica set "${wanted.metadata.name ?? ''}"`),
    );
    return this.setsOf(deployment);
  }

  private scale(rollout: Rollout, scaling: Scaling, noteSize = false): Rollout {
    const { deployment } = rollout;
    const size = sizeAnnotations(deployment);
    for (const set of this.allOf(rollout)) {
      const replicas = scaling.get(set) ?? replicasOf(set);
      if (!scaling.has(set) && !(noteSize && replicas > 0)) continue;
      this.store.update('replicasets', {
        ...set,
        metadata: { ...set.metadata, annotations: { ...set.metadata.annotations, ...size } },
        spec: { ...set.spec, replicas },
      });
      if (replicas !== replicasOf(set)) this.sayScaled(deployment, replicas > replicasOf(set) ? 'up' : 'down', set.metadata.name, replicas);
    }
    return this.setsOf(deployment);
  }

  private sayScaled(deployment: Deployment, direction: 'up' | 'down', name: string, replicas: number): void {
    const message = `Scaled ${direction} replica set ${name} to ${replicas}`;
    this.events.record(source, deployment, { type: 'Normal', reason: 'ScalingReplicaSet', message });
  }

  /** Old ReplicaSets beyond the history that is to be kept go, the oldest first. */
  private cleanUp({ deployment, old }: Rollout): void {
    const limit = deployment.spec.revisionHistoryLimit;
    if (limit === undefined) return;
    const alive = old.filter(({ metadata }) => !metadata.deletionTimestamp).sort((a, b) => revisionOf(a) - revisionOf(b) || byAge(a, b));
    for (const { metadata, spec, status } of alive.slice(0, Math.max(0, alive.length - limit))) {
      if (spec.replicas === 0 && status?.replicas === 0 && (metadata.generation ?? 0) <= (status.observedGeneration ?? 0))
        this.store.delete('replicasets', metadata.namespace, metadata.name);
    }
  }

  private setRevision(deployment: Deployment, revision: number): void {
    const present = this.setsOf(deployment).deployment;
    const annotations = { ...present.metadata.annotations, [revisionAnnotation]: String(revision) };
    this.store.update('deployments', { ...present, metadata: { ...present.metadata, annotations } });
  }

  private note(deployment: Deployment, noted: DeploymentCondition): Deployment {
    const present = this.setsOf(deployment).deployment;
    if (present.spec.progressDeadlineSeconds === undefined) return present;
    const status = { ...present.status, conditions: withCondition(present.status?.conditions, noted) };
    return this.store.update<Deployment>('deployments', { ...present, status }, { subresource: 'status' });
  }

  private writeStatus(rollout: Rollout, status: typeof statusOf): void {
    const { deployment, newSet, old } = this.setsOf(rollout.deployment);
    this.store.update('deployments', { ...deployment, status: status(deployment, newSet, old) }, { subresource: 'status' });
  }
}
