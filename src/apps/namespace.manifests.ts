import { Inject, Injectable } from '@nestjs/common';
import { ManifestSource, type Contribution } from '../deploy/manifest-source.ts';
import type { AppSnapshot } from '../deploy/snapshot.ts';
import { APP_UUID, appLabels } from '../kubernetes/labels.ts';
import { quotaName } from '../kubernetes/names.ts';
import { LIMIT_RANGE, NAMESPACE, RESOURCE_QUOTA, type ObjectKind } from '../kubernetes/object-kind.ts';
import { Settings } from '../settings/settings.ts';

export type NamespaceOptions = Pick<Settings, 'quotaSpec' | 'limitRangeSpec'>;

/** An app's namespace, with the bounds that the platform sets to each. */
@Injectable()
export class NamespaceManifests extends ManifestSource {
  readonly kinds = [NAMESPACE, RESOURCE_QUOTA, LIMIT_RANGE];

  constructor(@Inject(Settings) private readonly options: NamespaceOptions) {
    super();
  }

  manifests(app: AppSnapshot): Contribution[] {
    const { quotaSpec, limitRangeSpec } = this.options;
    // `app` is on everything but the namespace, which other tools select by it.
    const labels = Object.fromEntries(Object.entries(appLabels(app)).filter(([label]) => label !== 'app'));
    const namespace: Contribution = {
      phase: 'before',
      order: -2,
      manifest: {
        apiVersion: NAMESPACE.apiVersion,
        kind: NAMESPACE.kind,
        metadata: { name: app.id, labels, annotations: { [APP_UUID]: app.uuid } },
      },
    };
    const bound = (kind: ObjectKind, name: string, spec: object): Contribution => ({
      phase: 'before',
      manifest: { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name, namespace: app.id, labels: appLabels(app) }, spec },
    });
    return [
      namespace,
      ...(quotaSpec ? [bound(RESOURCE_QUOTA, quotaName(app.id), quotaSpec)] : []),
      ...(limitRangeSpec ? [bound(LIMIT_RANGE, app.id, limitRangeSpec)] : []),
    ];
  }
}
