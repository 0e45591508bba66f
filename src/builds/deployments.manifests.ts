import { Inject, Injectable } from '@nestjs/common';
import type { IDeploymentSpec } from 'kubernetes-models/apps/v1';
import type { ConfigContent } from '../config/config-content.ts';
import { entryOf } from '../config/config-fields.ts';
import { shortSummary } from '../config/environment.ts';
import { ManifestSource, type Contribution } from '../deploy/manifest-source.ts';
import type { AppSnapshot, BuildSnapshot, ProcessSnapshot } from '../deploy/snapshot.ts';
import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { appLabels, HERITAGE, RESTARTED_AT, ROUTABLE } from '../kubernetes/labels.ts';
import { deploymentName, typeLabel, versionLabel } from '../kubernetes/names.ts';
import { DEPLOYMENT } from '../kubernetes/object-kind.ts';
import { Settings } from '../settings/settings.ts';
import { processEntrypoint, processTypes } from './flavour.ts';
import { isRoutable, podLabels, podSpec, processContainer, type PodOptions } from './pod-template.ts';

export type DeploymentOptions = PodOptions & Pick<Settings, 'deployBatches' | 'revisionHistoryLimit'>;

/**
 * Seconds for which a pod without a readiness probe has to run before it counts: a process that ends before that never takes the place of
 * one that runs.
 */
const MIN_READY_SECONDS = 3;

/** Pods that a roll-out may start at a time: the app's setting, else the platform's, else one for each node that takes them. At least 1. */
export function deploySteps(config: ConfigContent, options: Pick<Settings, 'deployBatches'>, matchingNodes: number): number {
  return Number(config.values['DRYCC_DEPLOY_BATCHES'] ?? 0) || options.deployBatches || Math.max(1, matchingNodes);
}

/** One Deployment for each process type of the structure, also for those that have no pods. */
@Injectable()
export class DeploymentManifests extends ManifestSource {
  readonly kinds = [DEPLOYMENT];

  constructor(@Inject(Settings) private readonly options: DeploymentOptions) {
    super();
  }

  manifests(app: AppSnapshot): Contribution[] {
    const { build } = app.release;
    if (!build) return [];
    // What gets requests comes last: it may need the others.
    return app.processes.map((process) => ({
      phase: 'workload',
      order: isRoutable(app, process.type) ? 1 : 0,
      manifest: this.deployment(app, build, process),
    }));
  }

  private deployment(app: AppSnapshot, build: BuildSnapshot, { type, replicas, restartedAt }: ProcessSnapshot): KubernetesObject {
    return {
      apiVersion: DEPLOYMENT.apiVersion,
      kind: DEPLOYMENT.kind,
      metadata: {
        name: deploymentName(app.id, type),
        namespace: app.id,
        labels: {
          ...appLabels(app),
          type: typeLabel(type),
          'app.kubernetes.io/component': typeLabel(type),
          'app.kubernetes.io/version': versionLabel(app.release.version),
        },
        annotations: { 'kubernetes.io/change-cause': shortSummary(app.release.summary), [ROUTABLE]: String(app.settings.routable) },
      },
      // A type that the build doesn't have could only run nonsense.
      spec: this.spec(app, build, type, processTypes(build).includes(type) ? replicas : 0, restartedAt),
    };
  }

  private spec(app: AppSnapshot, build: BuildSnapshot, type: string, replicas: number, restartedAt: string | null): IDeploymentSpec {
    const { config } = app.release;
    const steps = deploySteps(config, this.options, app.matchingNodes);
    // how many an autoscaler has made of them by now is no reason to send the object again
    const most = replicas > 0 ? (entryOf(app.settings.autoscale, type)?.max ?? replicas) : steps;
    const container = processContainer(app, build, type);
    const historyLimit = config.values['KUBERNETES_DEPLOYMENTS_REVISION_HISTORY_LIMIT'] ?? this.options.revisionHistoryLimit;
    return {
      replicas,
      selector: { matchLabels: { app: app.id, type: typeLabel(type), heritage: HERITAGE } },
      strategy: {
        type: 'RollingUpdate',
        rollingUpdate: { maxSurge: Math.min(steps, most), maxUnavailable: 0 },
      },
      ...(!container.readinessProbe && { minReadySeconds: MIN_READY_SECONDS }),
      ...(historyLimit !== undefined && { revisionHistoryLimit: Number(historyLimit) }),
      template: {
        metadata: {
          labels: podLabels(app, type),
          ...(restartedAt !== null && { annotations: { [RESTARTED_AT]: restartedAt } }),
        },
        spec: podSpec(
          app,
          build,
          {
            type,
            entrypoint: processEntrypoint(build, type),
            restartPolicy: 'Always',
            container,
          },
          this.options,
        ),
      },
    };
  }
}
