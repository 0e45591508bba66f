import type { KubernetesObject } from './kubernetes-object.ts';
import type { ObjectKind } from './object-kind.ts';

/** Which lines of a container's log. */
export interface LogQuery {
  container?: string;
  /** Only the last so many lines. */
  tailLines?: number;
  /** The container's former run. */
  previous?: boolean;
  /** Stop after so many bytes. */
  limitBytes?: number;
  /** Begin each line with its RFC 3339 time. */
  timestamps?: boolean;
  /** Only lines from this time on, RFC 3339. Kubernetes takes whole seconds: of the first one all lines come. */
  sinceTime?: string;
}

/**
 * The cluster as Keelson asks of it. Every method throws the errors of cluster-errors.ts: OutOfReach, Refused, MissingPermission,
 * ObjectNotFound, ObjectConflict.
 */
export abstract class Cluster {
  /**
   * Server-side apply of a complete manifest under Keelson's field manager; creates what isn't there. A `uid` or `resourceVersion`
   * in it is a condition: ObjectConflict when the live object has another.
   * @param dryRun only tells what would come of it
   */
  abstract apply(manifest: KubernetesObject, options?: { dryRun?: boolean }): Promise<KubernetesObject>;

  /**
   * JSON merge patch (RFC 7386) of a live object: what is null goes, and lists take the place of those there. For what apply can't merge.
   * @param patch with the kind and name of the object; a `uid` in it is a condition
   */
  abstract patch(patch: KubernetesObject): Promise<KubernetesObject>;

  /** The live object, or null. */
  abstract get(kind: ObjectKind, namespace: string | undefined, name: string): Promise<KubernetesObject | null>;

  abstract list(kind: ObjectKind, namespace: string | undefined, labelSelector: string): Promise<KubernetesObject[]>;

  /** A plain create, for what must never be made twice; ObjectConflict when it exists. */
  abstract create(manifest: KubernetesObject): Promise<KubernetesObject>;

  /** Deletes the object of this uid, if it is still there. */
  abstract remove(kind: ObjectKind, namespace: string | undefined, name: string, uid: string): Promise<void>;

  /** A container's log, as text. It is read whole: ask for so many bytes at most. */
  abstract podLog(namespace: string, pod: string, query: LogQuery & { limitBytes: number }): Promise<string>;

  /** A container's log as it is now, as text in pieces, for one that may be of any length. It has the time of a call. */
  abstract readLog(namespace: string, pod: string, query: LogQuery): AsyncIterable<string>;

  /**
   * A container's log as text in pieces, going on with what it prints until it ends. The API server has to begin within the time of a call;
   * after that there is no limit.
   * @param signal ends it without an error
   * @throws (while it is read) OutOfReach when it breaks off; an end without an error is the container's, as far as the API server knows
   */
  abstract followLog(namespace: string, pod: string, query: LogQuery, signal: AbortSignal): AsyncIterable<string>;
}
