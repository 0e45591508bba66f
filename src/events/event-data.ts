import type { Cause } from '../deploy/cause.ts';
import type { OperationKind, OperationState } from '../deploy/operation.entity.ts';
import type { ReleaseState } from '../releases/release.entity.ts';

/**
 * What the events of an app say, by their names. Never a secret: of configs the names of variables alone, of causes what was masked.
 * docs/api.md has the same as a table.
 */
export interface EventData {
  /** A release came about, or its state changed. */
  release: {
    version: number;
    state: ReleaseState;
    summary: string;
    /** Username of who made it. */
    owner: string;
    /** Why it failed, masked; null unless it did. */
    exception: string | null;
  };
  /** What is done in the cluster for the app. */
  operation: {
    /** uuid */
    id: string;
    kind: OperationKind;
    state: OperationState;
    /** What it is doing, in a word. */
    step: string | null;
    release: number | null;
    /** Why it failed, or what holds it up. */
    cause: Cause | null;
  };
  /** Process types were given other counts, stopped, or started; by null: the counts went back because the new ones didn't come up. */
  scale: { by: string | null; types: Record<string, { count: number; stopped: boolean }> };
  /** A pod is there, changed its state, or is gone (`destroyed`). Told live, never stored. */
  pod: { name: string; type: string; release: string; state: string; started: string | null };
  domain: { by: string | null; action: 'added' | 'removed'; domain: string };
  /** A certificate was put on a domain of the app, or taken off. */
  cert: { by: string | null; action: 'attached' | 'detached'; cert: string; domain: string };
  /** Variables, by name, that got a value, or none; and which other parts of the config changed. */
  config: { by: string; release: number; set: string[]; unset: string[]; changed: string[] };
  /** The app was shared with somebody, is no longer, or was given to him. */
  perms: { by: string; action: 'granted' | 'revoked' | 'transferred'; username: string };
  /** Objects in the cluster that are not as recorded. */
  drift: {
    objects: { kind: string; name: string; /** Paths that differ. */ fields: string[]; missing: boolean }[];
    /** Whether it is being set right. */
    healing: boolean;
  };
}

export type EventName = keyof EventData;

/** The events that are kept for readers who come back. */
export type StoredEvent = Exclude<EventName, 'pod'>;
