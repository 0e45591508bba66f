import { Injectable } from '@nestjs/common';
import type { IHorizontalPodAutoscalerSpec } from 'kubernetes-models/autoscaling/v1';
import { processTypes } from '../builds/flavour.ts';
import { entryOf } from '../config/config-fields.ts';
import { ManifestSource, type Contribution } from '../deploy/manifest-source.ts';
import type { AppSnapshot } from '../deploy/snapshot.ts';
import { appLabels } from '../kubernetes/labels.ts';
import { deploymentName, typeLabel } from '../kubernetes/names.ts';
import { DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER } from '../kubernetes/object-kind.ts';
import type { Autoscale } from './app-settings.entity.ts';

/** An autoscaler for each process type that has a rule, is in the app's structure, and runs. */
@Injectable()
export class AutoscalerManifests extends ManifestSource {
  readonly kinds = [HORIZONTAL_POD_AUTOSCALER];

  manifests(app: AppSnapshot): Contribution[] {
    const { build } = app.release;
    const types = build ? processTypes(build) : [];
    return app.processes.flatMap(({ type, replicas }): Contribution[] => {
      const rule = entryOf(app.settings.autoscale, type);
      return rule && replicas > 0 && types.includes(type) ? [autoscaler(app, type, rule)] : [];
    });
  }
}

function autoscaler(app: AppSnapshot, type: string, { min, max, cpu_percent: percent }: Autoscale): Contribution {
  const name = deploymentName(app.id, type);
  const spec: IHorizontalPodAutoscalerSpec = {
    scaleTargetRef: { apiVersion: DEPLOYMENT.apiVersion, kind: DEPLOYMENT.kind, name },
    minReplicas: min,
    maxReplicas: max,
    targetCPUUtilizationPercentage: percent,
  };
  return {
    phase: 'after',
    manifest: {
      apiVersion: HORIZONTAL_POD_AUTOSCALER.apiVersion,
      kind: HORIZONTAL_POD_AUTOSCALER.kind,
      metadata: {
        name,
        namespace: app.id,
        labels: { ...appLabels(app), type: typeLabel(type), 'app.kubernetes.io/component': typeLabel(type) },
      },
      spec,
    },
  };
}
