import type { AppSnapshot } from '../deploy/snapshot.ts';
import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { RUN_UUID } from '../kubernetes/labels.ts';
import { POD } from '../kubernetes/object-kind.ts';
import { runEntrypoint } from './flavour.ts';
import { podLabels, podSpec, type PodOptions } from './pod-template.ts';

/** The process type of one-off runs: their label, and the key of their limits. It is never scaled. */
export const RUN = 'run';

export interface Run {
  /** Of the run's row. */
  uuid: string;
  /** Of its pod, as `runPodName` makes it. */
  name: string;
  /** For a shell; or words that no shell is to read. */
  command: string | readonly string[];
}

/** The pod of a one-off run: what the app's processes are, without probes and hooks, and never started again. */
export function runPod(app: AppSnapshot, run: Run, options: PodOptions): KubernetesObject {
  const { build } = app.release;
  if (!build) throw new Error(`v${app.release.version} of ${app.id} has no build to run ${run.name} with`);
  return {
    apiVersion: POD.apiVersion,
    kind: POD.kind,
    metadata: { name: run.name, namespace: app.id, labels: { ...podLabels(app, RUN), [RUN_UUID]: run.uuid } },
    spec: podSpec(app, build, { type: RUN, entrypoint: runEntrypoint(build, run.command), restartPolicy: 'Never' }, options),
  };
}
