import { Inject, Injectable } from '@nestjs/common';
import type { IRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import { ManifestSource, type Contribution } from '../deploy/manifest-source.ts';
import type { AppSnapshot } from '../deploy/snapshot.ts';
import { appLabels, KEELSON } from '../kubernetes/labels.ts';
import { ROLE_BINDING } from '../kubernetes/object-kind.ts';
import { Settings } from '../settings/settings.ts';

export type RoleBindingOptions = Pick<Settings, 'ownNamespace' | 'serviceAccount' | 'secretsRole'>;

/** Keelson's own right to the Secrets of an app's namespace, where it has none of the whole cluster. Nothing else there comes before it. */
@Injectable()
export class RoleBindingManifests extends ManifestSource {
  readonly kinds = [ROLE_BINDING];

  constructor(@Inject(Settings) private readonly options: RoleBindingOptions) {
    super();
  }

  manifests(app: AppSnapshot): Contribution[] {
    const { ownNamespace, serviceAccount, secretsRole } = this.options;
    if (ownNamespace === undefined || serviceAccount === undefined || secretsRole === undefined) return [];
    const rights: Pick<IRoleBinding, 'roleRef' | 'subjects'> = {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: secretsRole },
      subjects: [{ kind: 'ServiceAccount', name: serviceAccount, namespace: ownNamespace }],
    };
    const metadata = { name: KEELSON, namespace: app.id, labels: appLabels(app) };
    return [
      { phase: 'before', order: -1, manifest: { apiVersion: ROLE_BINDING.apiVersion, kind: ROLE_BINDING.kind, metadata, ...rights } },
    ];
  }
}
