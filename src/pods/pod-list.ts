import { RUN } from '../builds/run-pod.manifests.ts';
import type { CachedPod } from '../kubernetes/cached-objects.ts';
import type { CachedEvent } from '../kubernetes/cluster-cache.ts';
import { deploymentName, typeLabel } from '../kubernetes/names.ts';
import { podState } from './pod-state.ts';

/** A pod as people see it. */
export interface Pod {
  name: string;
  uid: string;
  type: string;
  /** `v<n>`. */
  release: string;
  state: string;
  /** Null: not yet. */
  started: Date | null;
}

/** Which of an app's pods are meant; without either: all of them. */
export interface Selection {
  type?: string;
  /** A pod's name, or its short form without the app's. */
  name?: string;
}

/** What pods are told apart by. */
export interface PodContext {
  /** The app's id. */
  app: string;
  /** Its process types: the label of a long one is cut, and only they tell the whole name. */
  types: Iterable<string>;
  /** What is known of the namespace's events. */
  events: readonly CachedEvent[];
  now: Date;
}

/**
 * The pods that people are shown, newest first: those of all releases that have not ended and are not overdue to be gone (§9.2),
 * without one-off runs.
 */
export function podList(pods: readonly CachedPod[], { app, types, events, now }: PodContext, selection: Selection = {}): Pod[] {
  const byLabel = new Map([...types].map((type) => [typeLabel(type), type]));
  const startOf = ({ started }: Pod): number => started?.getTime() ?? Infinity;
  return pods
    .filter((pod) => isListed(pod, now) && isSelected(pod, app, selection))
    .map((pod): Pod => {
      const label = pod.labels.type ?? '';
      const type = byLabel.get(label) ?? label;
      return {
        name: pod.name,
        uid: pod.uid,
        type,
        release: pod.labels.version ?? '',
        state: podState(pod, deploymentName(app, type), events),
        started: pod.started === null ? null : new Date(pod.started),
      };
    })
    .sort((a, b) => compare(startOf(b), startOf(a)) || compare(a.name, b.name));
}

function isListed(pod: CachedPod, now: Date): boolean {
  const ended = pod.phase === 'Succeeded' || pod.phase === 'Failed';
  // the time of deletion is when the pod has to be gone, its grace period over
  const overdue = pod.deleted !== null && Date.parse(pod.deleted) <= now.getTime();
  return pod.labels.type !== RUN && !ended && !overdue;
}

function isSelected(pod: CachedPod, app: string, { type, name }: Selection): boolean {
  if (type !== undefined && pod.labels.type !== typeLabel(type)) return false;
  return name === undefined || pod.name === name || pod.name === wholeName(app, name);
}

/** Clients leave the app out of a pod's name: `web-6f7d9c5b4-x2x9k`, with exactly two hyphens. */
function wholeName(app: string, name: string): string {
  return name.split('-').length === 3 ? `${app}-${name}` : name;
}

const compare = <T extends number | string>(a: T, b: T): number => (a === b ? 0 : a < b ? -1 : 1);
