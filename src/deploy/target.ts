import type { App } from '../apps/app.entity.ts';
import type { ProcessType } from '../apps/process-type.entity.ts';
import type { Release } from '../releases/release.entity.ts';
import type { DesiredState } from './desired-state.ts';
import type { AppSnapshot } from './snapshot.ts';

/** What one round brings the cluster to. */
export interface Target {
  app: App;
  release: Release;
  /** Whether the release is yet to be decided: then its failure is the release's, else that of a scale. */
  open: boolean;
  /** Counts by process type that come with the release. */
  planned: Record<string, number>;
  /** The structure as it was read. */
  rows: ProcessType[];
  snapshot: AppSnapshot;
  desired: DesiredState;
}
