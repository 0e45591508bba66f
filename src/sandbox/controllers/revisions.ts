import { isDeepStrictEqual } from 'node:util';
import { copy } from '../stored-object.ts';
import { controllerReference, type Deployment, type New, type ReplicaSet } from './objects.ts';
import { byAge, fenceposts, replicasOf } from './rolling-update.ts';

/** How a Deployment's templates become ReplicaSets, and which of them is which revision. Pure functions. */

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
const historyAnnotation = 'deployment.kubernetes.io/revision-history';
const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas';
const maximumAnnotation = 'deployment.kubernetes.io/max-replicas';
const hashLabel = 'pod-template-hash';

/** What belongs to the Deployment itself, or is the controller's own. */
const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maximumAnnotation,
]);

const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Eight to ten characters that name a pod template: an FNV-1a hash in Kubernetes' safe alphabet. `collisions` makes another of the same template. */
export function templateHash(template: unknown, collisions = 0): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(JSON.stringify(sorted(template)) + (collisions ? String(collisions) : '')))
    hash = Math.imul(hash ^ byte, 0x01000193);
  return String(hash >>> 0)
    .padStart(8, '0')
    .replace(/\d/g, (digit) => alphabet[Number(digit)] ?? '');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, field]) => [name, sorted(field)]),
  );
}

type Template = NonNullable<ReplicaSet['spec']['template']>;

const withoutHash = (template: Template | undefined): unknown => {
  const { [hashLabel]: _, ...labels } = template?.metadata?.labels ?? {};
  return copy({ ...template, metadata: { ...template?.metadata, labels } });
};

/** The ReplicaSet of the Deployment's template: the oldest, should there be several. */
export function newSetOf(deployment: Deployment, sets: ReplicaSet[]): ReplicaSet | undefined {
  const wanted = withoutHash(deployment.spec.template);
  return [...sets].sort(byAge).find((set) => isDeepStrictEqual(withoutHash(set.spec.template), wanted));
}

export const revisionOf = ({ metadata }: ReplicaSet): number => Number(metadata.annotations?.[revisionAnnotation] ?? 0);

/** The revision of a template that comes after all of these. */
export const revisionAfter = (sets: ReplicaSet[]): number => Math.max(0, ...sets.map(revisionOf)) + 1;

/** The annotations of the Deployment's new ReplicaSet: the Deployment's own, and its revision, with the earlier ones remembered. */
export function annotationsOf(deployment: Deployment, revision: number, present?: ReplicaSet): Record<string, string> {
  const before = present?.metadata.annotations ?? {};
  const own = Object.fromEntries(Object.entries(deployment.metadata.annotations ?? {}).filter(([name]) => !notCopied.has(name)));
  const annotations = { ...before, ...own, ...(present ? {} : sizeAnnotations(deployment)) };
  const former = before[revisionAnnotation];
  if (Number(former ?? 0) >= revision) return annotations;
  const history: Record<string, string> =
    former === undefined ? {} : { [historyAnnotation]: [before[historyAnnotation], former].filter(Boolean).join(',') };
  return { ...annotations, ...history, [revisionAnnotation]: String(revision) };
}

/** What each active ReplicaSet remembers of the Deployment's size: a difference tells that the Deployment was scaled. */
export const sizeAnnotations = (deployment: Deployment): Record<string, string> => ({
  [desiredAnnotation]: String(replicasOf(deployment)),
  [maximumAnnotation]: String(replicasOf(deployment) + fenceposts(deployment).maxSurge),
});

/** Whether the Deployment was scaled since its ReplicaSets were. */
export const wasScaled = (deployment: Deployment, sets: ReplicaSet[]): boolean =>
  sets.some((set) => {
    const desired = set.metadata.annotations?.[desiredAnnotation];
    return replicasOf(set) > 0 && desired !== undefined && desired !== String(replicasOf(deployment));
  });

/** The ReplicaSet to create for the Deployment's template. */
export function replicaSetOf(deployment: Deployment, revision: number, replicas: number): New<ReplicaSet> {
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = templateHash(template, deployment.status?.collisionCount);
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace,
      labels,
      annotations: annotationsOf(deployment, revision),
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas,
      minReadySeconds: minReadySeconds === 0 ? undefined : minReadySeconds,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
    status: { replicas: 0 },
  };
}
