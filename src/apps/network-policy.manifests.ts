import { Inject, Injectable } from '@nestjs/common';
import type { INetworkPolicySpec } from 'kubernetes-models/networking.k8s.io/v1';
import { ManifestSource, type Contribution } from '../deploy/manifest-source.ts';
import type { AppSnapshot } from '../deploy/snapshot.ts';
import { appLabels } from '../kubernetes/labels.ts';
import { NETWORK_POLICY } from '../kubernetes/object-kind.ts';
import { Settings } from '../settings/settings.ts';

export type NetworkPolicyOptions = Pick<Settings, 'appNetworkPolicy' | 'ingressNamespaces' | 'ownNamespace'>;

/** Kubernetes' own label of a namespace with its name, since 1.21; before, it has to be put there by hand. */
const NAMESPACE_NAME = 'kubernetes.io/metadata.name';

/**
 * Keeps apps apart: an app's pods take what comes from their own namespace, from ingress controllers and from Keelson's namespace. What
 * they send isn't limited.
 */
@Injectable()
export class NetworkPolicyManifests extends ManifestSource {
  readonly kinds = [NETWORK_POLICY];

  constructor(@Inject(Settings) private readonly options: NetworkPolicyOptions) {
    super();
  }

  manifests(app: AppSnapshot): Contribution[] {
    const { appNetworkPolicy, ingressNamespaces, ownNamespace } = this.options;
    if (appNetworkPolicy === 'none') return [];
    const others = [...new Set([...ingressNamespaces, ...(ownNamespace === undefined ? [] : [ownNamespace])])].sort();
    const spec: INetworkPolicySpec = {
      // not all pods of the namespace: those of cert-manager's challenges are none of the app's
      podSelector: { matchLabels: { app: app.id } },
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [
            { podSelector: {} },
            { namespaceSelector: { matchExpressions: [{ key: NAMESPACE_NAME, operator: 'In', values: others }] } },
          ],
        },
      ],
    };
    return [
      {
        phase: 'before',
        manifest: {
          apiVersion: NETWORK_POLICY.apiVersion,
          kind: NETWORK_POLICY.kind,
          metadata: { name: app.id, namespace: app.id, labels: appLabels(app) },
          spec,
        },
      },
    ];
  }
}
