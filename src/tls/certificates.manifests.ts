import { Inject, Injectable } from '@nestjs/common';
import { ManifestSource, type Contribution } from '../deploy/manifest-source.ts';
import type { AppSnapshot } from '../deploy/snapshot.ts';
import { appLabels } from '../kubernetes/labels.ts';
import { autoTlsSecretName } from '../kubernetes/names.ts';
import { CERTIFICATE } from '../kubernetes/object-kind.ts';
import { Settings } from '../settings/settings.ts';

export type CertificateOptions = Pick<Settings, 'clusterIssuer'>;

/** What an app asks of cert-manager: one certificate for its domains. Nothing is said about it until it was switched on or off once. */
@Injectable()
export class CertificateManifests extends ManifestSource {
  readonly kinds = [CERTIFICATE];

  constructor(@Inject(Settings) private readonly options: CertificateOptions) {
    super();
  }

  manifests(app: AppSnapshot): Contribution[] {
    const { certsAutoEnabled } = app.tls;
    if (certsAutoEnabled === null) return [];
    // a wildcard's takes a proof that only the owner of the zone can give
    const dnsNames = app.domains.map(({ host }) => host).filter((host) => !host.startsWith('*'));
    const wanted = certsAutoEnabled && dnsNames.length > 0;
    const manifest = {
      apiVersion: CERTIFICATE.apiVersion,
      kind: CERTIFICATE.kind,
      metadata: { name: app.id, namespace: app.id, labels: appLabels(app) },
      spec: {
        secretName: autoTlsSecretName(app.id),
        dnsNames,
        issuerRef: { group: 'cert-manager.io', kind: 'ClusterIssuer', name: this.options.clusterIssuer },
      },
    };
    // the last of all: when something else is refused and this is undone, nothing would name it any more, to be taken away
    return [wanted ? { phase: 'after', order: 1, manifest } : { phase: 'after', absent: true, manifest }];
  }
}
