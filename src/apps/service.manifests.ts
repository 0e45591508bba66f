import { Injectable } from '@nestjs/common';
import type { IServiceSpec } from 'kubernetes-models/v1';
import { processTypes } from '../builds/flavour.ts';
import { portOf } from '../config/environment.ts';
import { ManifestSource, type Contribution } from '../deploy/manifest-source.ts';
import type { AppSnapshot } from '../deploy/snapshot.ts';
import { appLabels, HERITAGE } from '../kubernetes/labels.ts';
import { SERVICE } from '../kubernetes/object-kind.ts';

/** The process type that requests go to: `web`, else `cmd`; null while the app has neither. */
function routedType(app: AppSnapshot): string | null {
  const { build } = app.release;
  const types = build ? processTypes(build) : [];
  return ['web', 'cmd'].find((type) => types.includes(type) && app.processes.some((process) => process.type === type)) ?? null;
}

/** The app's Service. It changes only after the roll-out, so that requests never go to what is not there yet. */
@Injectable()
export class ServiceManifests extends ManifestSource {
  readonly kinds = [SERVICE];

  manifests(app: AppSnapshot): Contribution[] {
    const { build, config } = app.release;
    const type = routedType(app);
    const spec: IServiceSpec = {
      selector: { app: app.id, heritage: HERITAGE, ...(type !== null && { type }) },
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: portOf(build, config) }],
    };
    const annotations = app.settings.maintenance ? { annotations: { 'router.drycc.cc/maintenance': 'true' } } : {};
    return [
      {
        phase: 'after',
        manifest: {
          apiVersion: SERVICE.apiVersion,
          kind: SERVICE.kind,
          metadata: { name: app.id, namespace: app.id, labels: appLabels(app), ...annotations },
          spec,
        },
      },
    ];
  }
}
