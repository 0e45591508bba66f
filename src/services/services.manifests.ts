import { Injectable } from '@nestjs/common';
import type { IServiceSpec } from 'kubernetes-models/v1';
import { portOf } from '../config/environment.ts';
import { ManifestSource, type Contribution } from '../deploy/manifest-source.ts';
import type { AppSnapshot, ServiceSnapshot } from '../deploy/snapshot.ts';
import { appLabels, HERITAGE } from '../kubernetes/labels.ts';
import { deploymentName, typeLabel } from '../kubernetes/names.ts';
import { SERVICE } from '../kubernetes/object-kind.ts';

/** A Service for each process type that asked for one of its own, also while the type has no pods. */
@Injectable()
export class TypeServiceManifests extends ManifestSource {
  readonly kinds = [SERVICE];

  manifests(app: AppSnapshot): Contribution[] {
    return app.services.map((service) => typeService(app, service));
  }
}

function typeService(app: AppSnapshot, { type, pathPattern }: ServiceSnapshot): Contribution {
  const { build, config } = app.release;
  const spec: IServiceSpec = {
    selector: { app: app.id, heritage: HERITAGE, type: typeLabel(type) },
    ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: portOf(build, config) }],
  };
  return {
    phase: 'after',
    manifest: {
      apiVersion: SERVICE.apiVersion,
      kind: SERVICE.kind,
      metadata: {
        name: deploymentName(app.id, type),
        namespace: app.id,
        labels: { ...appLabels(app), type: typeLabel(type), 'app.kubernetes.io/component': typeLabel(type) },
        // an Ingress knows no regular expressions: this is for routers that do
        annotations: { 'router.drycc.cc/path-pattern': pathPattern },
      },
      spec,
    },
  };
}
