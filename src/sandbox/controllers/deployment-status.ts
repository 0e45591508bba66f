import { timestamp } from '../stored-object.ts';
import {
  unlessZero,
  withCondition,
  withoutCondition,
  type Deployment,
  type DeploymentCondition,
  type DeploymentStatus,
  type ReplicaSet,
} from './objects.ts';
import { availableOf, fenceposts, replicasOf, wantedOf } from './rolling-update.ts';

/** What a Deployment says about itself, as a pure function of its ReplicaSets. */

export function condition(type: string, status: 'True' | 'False' | 'Unknown', reason: string, message: string): DeploymentCondition {
  const now = timestamp();
  return { type, status, lastUpdateTime: now, lastTransitionTime: now, reason, message };
}

const progressingOf = ({ status }: Deployment): DeploymentCondition | undefined =>
  status?.conditions?.find(({ type }) => type === 'Progressing');

const actual = (sets: ReplicaSet[]): number => sets.reduce((sum, { status }) => sum + (status?.replicas ?? 0), 0);

/** Counts and availability; the conditions of progress stay as they are. */
export function statusOf(deployment: Deployment, newSet: ReplicaSet | undefined, old: ReplicaSet[]): DeploymentStatus {
  const all = newSet ? [...old, newSet] : old;
  const available = availableOf(all);
  const enough = available >= replicasOf(deployment) - fenceposts(deployment).maxUnavailable;
  return {
    observedGeneration: deployment.metadata.generation,
    replicas: unlessZero(actual(all)),
    updatedReplicas: unlessZero(newSet?.status?.replicas ?? 0),
    readyReplicas: unlessZero(all.reduce((sum, { status }) => sum + (status?.readyReplicas ?? 0), 0)),
    availableReplicas: unlessZero(available),
    unavailableReplicas: unlessZero(Math.max(0, wantedOf(all) - available)),
    collisionCount: deployment.status?.collisionCount,
    conditions: withCondition(
      deployment.status?.conditions,
      enough
        ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
        : condition('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.'),
    ),
  };
}

/** The status during a roll-out: also whether it gets on, has come to its end, or takes too long. */
export function rolloutStatusOf(deployment: Deployment, newSet: ReplicaSet | undefined, old: ReplicaSet[]): DeploymentStatus {
  const status = statusOf(deployment, newSet, old);
  const name = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  const present = progressingOf(deployment);
  const completeBefore = count(status.replicas) === count(status.updatedReplicas) && present?.reason === 'NewReplicaSetAvailable';
  let conditions = status.conditions;
  if (deployment.spec.progressDeadlineSeconds === undefined) {
    conditions = withoutCondition(conditions, 'Progressing');
  } else if (!completeBefore) {
    if (isComplete(deployment, status)) {
      conditions = withCondition(
        conditions,
        condition('Progressing', 'True', 'NewReplicaSetAvailable', `${name} has successfully progressed.`),
      );
    } else if (hasProgressed(deployment, status)) {
      // The time of the last update is what the deadline counts from: it is new with each step, though the words are the same.
      const now = condition('Progressing', 'True', 'ReplicaSetUpdated', `${name} is progressing.`);
      const since = present?.status === 'True' ? present.lastTransitionTime : now.lastTransitionTime;
      conditions = [...withoutCondition(conditions, 'Progressing'), { ...now, lastTransitionTime: since }];
    } else if (millisecondsToDeadline(deployment) <= 0) {
      conditions = withCondition(
        conditions,
        condition('Progressing', 'False', 'ProgressDeadlineExceeded', `${name} has timed out progressing.`),
      );
    }
  }
  const failure = [...(newSet ? [newSet] : []), ...old]
    .flatMap(({ status: { conditions: found = [] } = { replicas: 0 } }) => found)
    .find(({ type }) => type === 'ReplicaFailure');
  conditions = failure
    ? withCondition(conditions, {
        type: 'ReplicaFailure',
        status: failure.status,
        lastUpdateTime: failure.lastTransitionTime,
        lastTransitionTime: failure.lastTransitionTime,
        reason: failure.reason,
        message: failure.message,
      })
    : withoutCondition(conditions, 'ReplicaFailure');
  return { ...status, conditions };
}

const count = (value: number | undefined): number => value ?? 0;

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = replicasOf(deployment);
  return (
    count(status.updatedReplicas) === wanted &&
    count(status.replicas) === wanted &&
    count(status.availableReplicas) === wanted &&
    count(status.observedGeneration) >= count(deployment.metadata.generation)
  );
}

function hasProgressed(deployment: Deployment, status: DeploymentStatus): boolean {
  const before: DeploymentStatus = deployment.status ?? {};
  return (
    count(status.updatedReplicas) > count(before.updatedReplicas) ||
    count(status.replicas) - count(status.updatedReplicas) < count(before.replicas) - count(before.updatedReplicas) ||
    count(status.readyReplicas) > count(before.readyReplicas) ||
    count(status.availableReplicas) > count(before.availableReplicas)
  );
}

/** How long until lack of progress has to be reported: Infinity if there is no deadline, none is due, or it was reported. */
export function millisecondsToDeadline(deployment: Deployment): number {
  const present = progressingOf(deployment);
  const seconds = deployment.spec.progressDeadlineSeconds;
  if (seconds === undefined || !present || present.reason === 'NewReplicaSetAvailable' || present.reason === 'ProgressDeadlineExceeded')
    return Infinity;
  if (deployment.spec.paused) return Infinity;
  return Date.parse(present.lastUpdateTime ?? '') + seconds * 1000 - Date.now();
}
